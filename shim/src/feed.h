/*
 * Which queues a thread feeds. One that feeds a high and a low queue in turns does nothing for the
 * high one while it is held back for the low one, so it goes by the highest that it fed of late.
 */
#ifndef XSCHED_FEED_H
#define XSCHED_FEED_H

#include "queue.h"

#include <stdbool.h>

/* The calling thread turns from one queue to another. */
void feed_turn(struct queue *queue);

static inline void feed_note(struct queue *queue) {
    if (hot_thread.fed != queue)
        feed_turn(queue);
}

/* The queue of a higher rank on `queue`'s or another device that the thread fed of late, or NULL.
 */
struct queue *feed_higher(const struct queue *queue);

#endif
