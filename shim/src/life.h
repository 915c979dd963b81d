/*
 * What the drain thread must not touch just now: while a thread of the program is in a call that
 * ends a stream or a context, or that makes streams record a graph, the drain thread keeps its own
 * driver calls away from these.
 *
 * Each side announces itself and then looks for the other (Dekker's way), so one of the two sees
 * it: the drain thread goes without, the program's thread waits for the end of one question. No
 * lock is held in the program's call. That may wait for the GPU for as long as another thread lets
 * it, and this one may be on its way to such a call itself.
 */
#ifndef XSCHED_LIFE_H
#define XSCHED_LIFE_H

#include "cuda_abi.h"
#include "queue.h"

#include <stdbool.h>
#include <stdint.h>

/* Queues whose stream, context or device it is; a NULL stream or context is none. */
struct life_scope {
    CUstream stream;
    CUcontext context;
    int device; /* A driver's number, LIFE_NO_DEVICE or LIFE_EVERY_DEVICE. */
};

enum { LIFE_NO_DEVICE = -1, LIFE_EVERY_DEVICE = -2 };

static inline struct life_scope life_of_stream(CUstream stream) {
    return (struct life_scope){stream, NULL, LIFE_NO_DEVICE};
}

/* A green context too, by the name that cuCtxFromGreenCtx gives it. */
static inline struct life_scope life_of_context(CUcontext context) {
    return (struct life_scope){NULL, context, LIFE_NO_DEVICE};
}

static inline struct life_scope life_of_device(int device) {
    return (struct life_scope){NULL, NULL, device};
}

/* What life_begin hands to life_end. */
struct life_change {
    int slot;
    int cancel;
};

/*
 * From here to life_end the drain thread leaves the queues of the scope alone; waits while it is
 * asking about one. The calling thread is not cancelled in between. Any number of threads at once.
 */
struct life_change life_begin(struct life_scope scope);
void life_end(struct life_change change);

/*
 * For the drain thread alone: true when driver calls about the queue may begin, and nothing of it
 * ends before life_answered; false, and nothing to answer, while the program is changing it.
 */
bool life_ask(const struct queue *queue);
void life_answered(void);

/* The driver is about to be torn down: life_ask says no from here on, and what it allowed is over
 * unless that takes more than 100 ms. */
void life_stop_asking(void);

void life_reset_after_fork(void);

#endif
