/*
 * The in-flight window of a queue: how much of it may be on its way to the GPU at once.
 *
 * What has entered the hardware queue cannot be recalled, so it bounds how long a higher rank
 * waits. The window is a budget: of launches, or of GPU time. A budget of time is what counts,
 * since eight kernels may last 20 microseconds or 20 milliseconds; it holds as many launches as are
 * expected to fit, by what this queue's launches have taken so far.
 *
 * Launches are followed by an event of ours, a fence; of time, one for each quarter of the budget.
 * A launch that has room asks the driver nothing. One that has none waits for the oldest fence.
 *
 * Work may wait on the GPU for something that this very thread would do next: write a value, or
 * launch on another device. So when the oldest has not passed for gate_max_ms, one window's worth
 * goes past the limit.
 */
#ifndef XSCHED_WINDOW_H
#define XSCHED_WINDOW_H

#include "cuda_abi.h"
#include "pace.h"
#include "xsched_protocol.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

enum { FLIGHT_MAX = XSP_WINDOW_MAX + 3 };

/* Launches that one fence follows. */
struct flight {
    CUevent event;
    uint64_t cost;           /* What they were counted in the window. */
    uint64_t proven;         /* Submissions that have finished when the event has. */
    uint64_t since;          /* When the first of them was submitted. */
    struct pace_group group; /* Empty where nobody knows, or wants to, what they take. */
};

/* What one submission was counted; `weight` is 0 when it passed without a window. */
struct window_share {
    uint64_t cost;
    uint32_t weight;
    uint8_t kind; /* Where its pace is; PACE_NONE in a window of launches. */
    bool waited;
};

struct window_state {
    pthread_mutex_t lock;
    uint64_t taken;        /* Cost in flight, and of threads that are about to launch. */
    struct flight open;    /* What was launched since the last fence; without an event. */
    uint32_t head, length; /* The ring of fences, oldest first. */
    struct flight ring[FLIGHT_MAX];
    uint32_t spare; /* Events to use again. */
    CUevent pool[FLIGHT_MAX];
    uint64_t counted; /* Submissions that are in the window or known to be done. */
    uint64_t grace;   /* Cost that may pass although there is no room. */
    bool is_loaded;   /* Counted among the device's loaded queues. */

    struct pace pace;   /* What its launches take. */
    uint64_t passed_at; /* When a fence was last seen to pass by one who waited for it, else 0. */
};

void window_init(struct window_state *window);

/* Before the memory serves anything else, another window included. Nobody may be in it. */
void window_end(struct window_state *window);

/*
 * Waits until the queue's window has room, or for gate_max_ms while nothing passes, and takes the
 * room of a launch of `weight` kernels of the kind `key`. What is larger than the window passes
 * alone. Returns what was taken, nothing when the window was lifted meanwhile.
 */
struct window_share window_take(struct queue *queue, uint32_t weight, uint64_t key);

/* Counts the submission that `share` was for; a failed one gives its room back. */
void window_put(struct queue *queue, struct window_share share, bool submitted);

/* Everything up to `returned == proven` has finished: it no longer counts. */
void window_drained(struct queue *queue, uint64_t proven);

/* The queue was held at its gate: what passes next says nothing of its kernels' length. */
void window_interrupted(struct queue *queue);

/* Destroys the events (`destroy`), or forgets them because their context is gone. */
void window_clear(struct queue *queue, bool destroy);

#endif
