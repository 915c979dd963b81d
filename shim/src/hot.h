/*
 * What every launch reads and hardly anything writes, together in one line of the processor's
 * cache: the driver leaves little of ours in there from one launch to the next, and each line more
 * is fetched again. A queue's own part is the beginning of struct queue.
 */
#ifndef XSCHED_HOT_H
#define XSCHED_HOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CACHE_LINE_BYTES = 64 };

struct hot {
    _Atomic int captures_open;    /* capture.h: captures that are open in the process. */
    _Atomic uint32_t queue_epoch; /* registry.c: counts the queues that are found no more. */
    atomic_bool is_enabled;       /* link.h: false after `xsched off`. */
    atomic_bool is_exiting;       /* gate.h: nothing blocks any more. */
} __attribute__((aligned(CACHE_LINE_BYTES)));
extern struct hot hot;

#endif
