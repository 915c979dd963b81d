/*
 * The lane: long launches of a process's queues on one device go one by one.
 *
 * Each queue may have one launch in flight however long that is, or it would never launch. Four
 * queues with kernels that fill the GPU are then four kernels that a higher queue has to wait for,
 * and they gain nothing by it: the GPU runs one after the other. So a launch that is longer than
 * its queue's part of the window waits until what is in flight of such ones leaves room for it in
 * the window of the process, in the order in which the threads came.
 *
 * Kernels that do not fill the GPU run beside each other, and one by one they would lose most of
 * what they could do: trial.h finds out.
 */
#ifndef XSCHED_LANE_H
#define XSCHED_LANE_H

#include "trial.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

/* More are not in flight at once; there are two or three as a rule. */
enum { LANE_HOLDERS = 8 };

/* A thread that waits for the lane; on its stack. Zero at first. */
struct lane_wait {
    struct lane_wait *next;
    bool is_in;
    _Atomic uint32_t turn; /* It sleeps on this until it is the first. */
};

struct lane {
    pthread_mutex_t lock; /* The innermost: nothing else is locked under it. */
    struct lane_wait *first, *last;
    struct lane_holder {
        struct queue *queue;
        uint32_t id; /* The queue's. */
        uint64_t cost;
        uint64_t began;      /* Since when the GPU may be at it. */
    } holders[LANE_HOLDERS]; /* In the order in which they went. */
    uint32_t count;
    const struct queue *whose_turn; /* Its launches go first, and how long. */
    uint64_t turn_ends_at;
    struct trial trial; /* Whether they go one by one at all. */
    /* Until then launches may go another way than usual, or nothing has changed yet: what they take
     * says nothing. 0 most of the time. */
    _Atomic uint64_t measured_until;
    _Atomic uint64_t closed_until; /* 0 before the first time. */
    uint64_t closed_ns;
    _Atomic uint64_t moves; /* How often something left. */
};

/* All zero before; for good. */
void lane_init(struct lane *lane);

/* A launch that may go by the lane. */
struct lane_launch {
    struct queue *queue;
    uint64_t taken;   /* What its queue has in flight, in nanoseconds of the GPU like the rest. */
    bool is_near_end; /* And whether that is nearly done. */
    uint64_t key;     /* Its kind. */
    uint64_t cost;    /* Above 0. */
    uint64_t window;  /* The process's, above 0. */
};

/*
 * Whether the launch may go now. One by one it holds a part of the lane until lane_left hears that
 * it has left the GPU. Otherwise it has to come again, or lane_leave; until then its thread is in
 * the list of those who wait, unless it waits for nothing but its own queue's work. The lock of the
 * queue's window is held.
 */
bool lane_enter(struct lane *lane, const struct lane_launch *launch, struct lane_wait *wait);

/* The thread waits no more. */
void lane_leave(struct lane *lane, struct lane_wait *wait);

/* Whether a thread that waits is the first. Otherwise it may sleep while its turn is `*turn`. */
bool lane_is_first(struct lane *lane, struct lane_wait *wait, uint32_t *turn);

/* When there may be room for the first, in a window of that size, and since when the GPU is at what
 * is in the way; both 0 where nothing is. */
uint64_t lane_due(struct lane *lane, uint64_t window, uint64_t *began);

/*
 * Asks, for the first who waits, whether what other queues have in the lane has left the GPU.
 * `watched` as for room_settle. No lock is held.
 */
void lane_look(struct lane *lane, const struct queue *self, bool watched);

/*
 * The queue has `taken` in flight altogether: what it held beyond that it holds no more, the oldest
 * where that is done, or the newest, which was not launched after all. False when it holds nothing
 * any more. The lock of its window is held.
 */
bool lane_left(struct lane *lane, const struct queue *queue, uint64_t taken, bool is_done);

/* Since when the GPU may be at what the queue holds of the lane; 0 when it holds nothing. */
uint64_t lane_since(struct lane *lane, const struct queue *queue);

/* Launches were held up by something else. */
void lane_interrupted(struct lane *lane);

/* What is in it, in nanoseconds of the GPU. */
uint64_t lane_cost(struct lane *lane);

/* Nothing has moved for gate_max_ms: one launch may wait for another, so for a while there is no
 * lane.
 */
void lane_close(struct lane *lane);

#endif
