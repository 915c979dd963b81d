/*
 * The in-flight window of a queue: how much of it may be on its way to the GPU at once.
 *
 * What has entered the hardware queue cannot be recalled, so it bounds how long a higher rank
 * waits. Each windowed submission is followed by an event; when the window is full, the next one
 * waits for the oldest.
 *
 * Work may wait on the GPU for something that this very thread would do next: write a value, or
 * launch on another device. So when the oldest has not passed for gate_max_ms, one window's worth
 * goes past the limit.
 */
#ifndef XSCHED_WINDOW_H
#define XSCHED_WINDOW_H

#include "cuda_abi.h"
#include "xsched_protocol.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

enum { FLIGHT_MAX = XSP_WINDOW_MAX + 3 };

struct flight {
    CUevent event;
    uint32_t weight;
    uint64_t proven; /* Submissions that have finished when the event has. */
};

struct window_state {
    pthread_mutex_t lock;
    uint32_t taken;        /* Weight in flight, and of threads that are about to launch. */
    uint32_t head, length; /* The ring of fences, oldest first. */
    struct flight ring[FLIGHT_MAX];
    uint32_t spare; /* Events to use again. */
    CUevent pool[FLIGHT_MAX];
    uint64_t fenced; /* Submissions that a fence follows or that are known to be done. */
    uint32_t grace;  /* Weight that may pass although there is no room. */
};

void window_init(struct window_state *window);

/*
 * Waits until the queue's window has room, or for gate_max_ms while nothing passes, and takes
 * `weight` of it (cut to the window's size, so that one heavy submission can always pass). Returns
 * what was taken, 0 when the window was lifted meanwhile.
 */
uint32_t window_take(struct queue *queue, uint32_t weight);

/* Fences the submission that `taken` was for; a failed one gives its room back. */
void window_put(struct queue *queue, uint32_t taken, bool submitted);

/* Everything up to `returned == proven` has finished: what was unfenced no longer counts. */
void window_drained(struct queue *queue, uint64_t proven);

/* Destroys the events (`destroy`), or forgets them because their context is gone. */
void window_clear(struct window_state *window, bool destroy);

#endif
