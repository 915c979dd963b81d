/* The table of queues: found by stream on every launch, without a lock. */
#ifndef XSCHED_REGISTRY_H
#define XSCHED_REGISTRY_H

#include "queue.h"

/* Gives a new queue its rank and announces it; queue.c's half of a registration. */
void queue_enlist(struct queue *queue);

/* Takes its rank away and announces that; queue.c's half of its end. */
void queue_retire(struct queue *queue);

#endif
