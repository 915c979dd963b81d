/*
 * Large copies of a queue that is outranked go to the driver in pieces: a copy engine finishes what
 * it has begun, and whoever is more important would wait for all of it. The stream keeps them in
 * order. Other threads that launch on it meanwhile wait for the last piece, so that nothing of
 * theirs finds a part of the copy done.
 */
#ifndef XSCHED_PIECES_H
#define XSCHED_PIECES_H

#include "queue.h"

#include <stddef.h>

/* About 0.1 ms of a copy engine. */
enum { PIECE_BYTES = 4 * 1024 * 1024 };

/* A copy that is under way; `queue` is NULL where it goes at once. */
struct pieces {
    struct queue *queue;
    int cancel;
};

/* A copy of so many bytes begins. Keeps errno. */
void pieces_begin(struct pieces *pieces, CUstream stream, enum null_stream null_stream,
                  size_t bytes);

/* How many of the bytes that are left go next: all of them once nobody outranks the queue. */
size_t pieces_next(const struct pieces *pieces, size_t left);

void pieces_end(struct pieces *pieces);

/* Waits while another thread copies in pieces on the queue. Keeps errno. */
void pieces_wait(struct queue *queue);

static inline void pieces_let_finish(struct queue *queue) {
    if (atomic_load_explicit(&queue->hot->copier, memory_order_acquire) != 0)
        pieces_wait(queue);
}

#endif
