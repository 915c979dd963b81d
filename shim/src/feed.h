/*
 * Which queues a thread feeds. One that feeds a high and a low queue in turns does nothing for the
 * high one while it is held back for the low one, so it goes by the highest that it fed of late.
 */
#ifndef XSCHED_FEED_H
#define XSCHED_FEED_H

#include "queue.h"

#include <stdbool.h>

struct feed {
    struct queue *now; /* The queue that the thread launched on last. */
    uint32_t now_id;
    struct queue *high; /* The highest before that, and when it was left. */
    uint32_t high_id;
    uint64_t high_at;
};

extern _Thread_local struct feed feed;

/* The calling thread turns from one queue to another. */
void feed_turn(struct queue *queue);

static inline void feed_note(struct queue *queue) {
    if (feed.now != queue)
        feed_turn(queue);
}

/* The queue of a higher rank on `queue`'s or another device that the thread fed of late, or NULL.
 */
struct queue *feed_higher(const struct queue *queue);

#endif
