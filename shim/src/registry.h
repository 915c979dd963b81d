/* What the files about queues share: queue.c, registry.c, ends.c and drain.c. */
#ifndef XSCHED_REGISTRY_H
#define XSCHED_REGISTRY_H

#include "queue.h"

/* Gives a new queue its rank and announces it; queue.c's half of a registration. */
void queue_enlist(struct queue *queue);

/* Takes its rank away and announces that; queue.c's half of its end. */
void queue_retire(struct queue *queue);

/* Nobody finds the queue by its stream any more: the handle may come back as another stream. */
void queue_forget(struct queue *queue);

/*
 * Ends the queue, which the caller holds; not for the second that tries. Its context is kept alive
 * meanwhile, or is gone already.
 */
void queue_drop(struct queue *queue, bool context_gone);

/* Whether it is an idle default stream of a thread that has ended: no call of the driver tells. */
bool queue_is_of_dead_thread(const struct queue *queue);

#endif
