/* The gate: every submission passes it, in place, on the thread that makes it. */
#ifndef XSCHED_GATE_H
#define XSCHED_GATE_H

#include "queue.h"

#include <stdbool.h>
#include <stddef.h>

enum submit_kind { KERNEL, GRAPH, COPY };

/* What gate_enter hands to gate_leave; `queue` is NULL when nothing is to be done. */
struct ticket {
    struct queue *queue;
    struct window_share share;
};

/*
 * Holds the calling thread until its queue may submit. `amount` is a number of kernels, or the
 * bytes of a copy. Keeps errno; holds no lock when it returns.
 */
void gate_enter(struct ticket *ticket, CUstream stream, enum null_stream null_stream,
                enum submit_kind kind, size_t amount);

/* The driver has returned; `result` says whether it took the work. Keeps errno. */
void gate_leave(struct ticket *ticket, CUresult result);

/* Nothing blocks any more; for the end of the process. */
void gate_open_for_exit(void);

#endif
