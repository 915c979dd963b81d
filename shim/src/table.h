/*
 * The table of streams: which queue a stream works for now. Read by every launch, without a lock;
 * whoever changes it holds the registry's.
 */
#ifndef XSCHED_TABLE_H
#define XSCHED_TABLE_H

#include "queue.h"

#include <stdint.h>

/* A stream object by its handle (context 0), or a default stream by its context. */
struct key {
    uintptr_t context;
    uintptr_t stream; /* LEGACY_KEY, or of the thread's number, for a default stream. */
};
enum { LEGACY_KEY = 1 };

/* The queue that the stream works for, or NULL. */
struct queue *table_search(struct key key);

/* The stream is new. There are more places than records of queues, so there always is one. */
void table_insert(struct key key, struct queue *queue);

/* The stream works for another of its queues. */
void table_replace(struct key key, struct queue *queue);

/* The stream is gone, if it still works for that queue. */
void table_erase(struct key key, const struct queue *queue);

/* In a forked child. */
void table_clear(void);

#endif
