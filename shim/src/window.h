/*
 * The in-flight window of a queue: how much of it may be on its way to the GPU at once.
 *
 * What has entered the hardware queue cannot be recalled, so it bounds how long a higher rank
 * waits. The window is a budget: of launches, or of GPU time. A budget of time is what counts,
 * since eight kernels may last 20 microseconds or 20 milliseconds; it holds as many launches as are
 * expected to fit, by what this queue's launches have taken so far.
 *
 * A launch with room takes it, and counts itself, by a few atomic operations (window_pass.h). The
 * rest goes under the window's lock: an event of ours, a fence, behind each
 * quarter of the budget; and where there is no room, to ask which fences have passed, and to wait.
 *
 * What is counted belongs to an era, which ends when the window is lifted or counts by another
 * unit: the cost of one era is never added to that of the next.
 *
 * Work may wait on the GPU for something that this very thread would do next: write a value, or
 * launch on another device. So when nothing has passed for gate_max_ms, one window's worth goes
 * past the limit.
 */
#ifndef XSCHED_WINDOW_H
#define XSCHED_WINDOW_H

#include "fences.h"
#include "hot.h"
#include "pace.h"
#include "spread.h"
#include "xsched_protocol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

/* What one submission was counted; `weight` is 0 when it passed without a window. */
struct window_share {
    uint64_t cost;
    uint64_t key;
    uint32_t weight;
    uint16_t era; /* Whose cost it is. */
    uint8_t kind; /* Where its pace is; PACE_NONE in a window of launches. */
    bool waited;
    bool is_forced; /* By the window's grace. */
};

struct window_state {
    /* What each launch uses, in one line of the processor's cache. */

    /* What is agreed: launches, nanoseconds of the GPU, and how often it was lifted. */
    _Atomic uint64_t terms;
    _Atomic uint64_t applied;  /* The terms that the next two follow; 0 while nobody passes by. */
    _Atomic uint64_t limit;    /* What may be taken. */
    _Atomic uint64_t fence_at; /* What may be open before a fence is due. */
    _Atomic uint64_t taken;    /* The era; cost in flight, and of those who are about to launch. */
    /* Since the last fence: the number of that group, its launches and their cost. */
    _Atomic uint64_t open;
    _Atomic uint64_t open_since;        /* open_stamp of when its first launch was submitted. */
    _Atomic bool is_loaded;             /* Counted among the device's loaded queues. */
    _Atomic uint16_t kinds[PACE_GROUP]; /* Of its launches, each with the number of its group. */

    struct pace pace; /* What its launches take. */

    pthread_mutex_t lock; /* Guards what follows, and the writes of `applied` and the limit. */
    uint64_t agreed;      /* The terms of this era. */
    struct fences fences;
    uint64_t passed_at;     /* When the latest fence was seen to pass by one who watched, else 0. */
    uint64_t left_at;       /* When the latest fence was found to have passed, by anybody. */
    uint64_t moves;         /* How often there came to be room, whether or not anything finished. */
    bool is_in_lane;        /* Some of what is in flight went by the lane. */
    uint64_t grace;         /* Cost that may pass although there is no room. */
    uint64_t eldest;        /* Since when the thread waits that all others let go first, or 0. */
    uint64_t eldest_seen;   /* When it last looked for room. */
    _Atomic uint32_t turns; /* How often an eldest has gone: others sleep on it meanwhile. */
    struct spread kept; /* For how long what was in flight kept the GPU; read without the lock. */
} __attribute__((aligned(CACHE_LINE_BYTES)));

void window_init(struct window_state *window);

/* Before the memory serves anything else, another window included. Nobody may be in it. */
void window_end(struct window_state *window);

/*
 * From now on the queue may have so many launches in flight (0: no limit), or, when `time_ns` is
 * not 0, launches of so much time. The device's lock is held; the window's is not waited for.
 */
void window_agree(struct queue *queue, uint32_t launches, uint64_t time_ns);

/*
 * Waits until the queue's window has room, or for gate_max_ms while nothing passes, and takes the
 * room. What is larger than the window passes alone, and, where it `computes` (a kernel or a graph,
 * not a copy), one by one with those of other queues if they get as much done by that (lane.h).
 * Returns what was taken, nothing when the window was lifted meanwhile.
 */
struct window_share window_take(struct queue *queue, uint32_t weight, uint64_t key, bool computes);

/* What has become of a submission that has a share. */
enum window_counted {
    WINDOW_COUNTED, /* It is among those since the last fence (window_count). */
    WINDOW_DUE,     /* And it is time for a fence. */
    WINDOW_MISSED,  /* It is not: another thread was quicker, or the era of its share has ended. */
    WINDOW_FAILED,  /* The driver did not take it. */
};

/* Does what is left to do when the driver has returned: not for what is WINDOW_COUNTED. Keeps
 * errno. */
void window_put(struct queue *queue, const struct window_share *share, enum window_counted counted);

/* Everything up to `returned == proven` has finished: it no longer counts. */
void window_drained(struct queue *queue, uint64_t proven);

/* The queue was held at its gate: what passes next says nothing of its kernels' length. */
void window_interrupted(struct queue *queue);

/* Nothing more is launched. The events go (`destroy`), or have gone with their context. */
void window_clear(struct queue *queue, bool destroy);

#endif
