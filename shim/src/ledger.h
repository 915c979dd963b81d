/*
 * The ledger: what each function that puts work on a stream was called for in this process. What
 * the driver refused counts nowhere, so its sums are what the GPU was given.
 */
#ifndef XSCHED_LEDGER_H
#define XSCHED_LEDGER_H

#include "resolve.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static inline void ledger_count(enum hook_id id, enum call_outcome outcome) {
    atomic_fetch_add_explicit(&hot.hooks[id].calls[outcome], 1, memory_order_relaxed);
}

/* One function's line. */
struct ledger_line {
    const char *function;
    uint64_t counts[CALL_OUTCOMES];
    uint64_t unknown; /* Calls of a function that the shim does not know. */
};

/* Calls `visit` for every function that was called and whose line it was not called with before. */
void ledger_each_new(void (*visit)(const struct ledger_line *line));

/* Complains once of each function that was called and is unknown. */
void ledger_complain(void);

/* The next ledger_each_new visits every line, for a daemon that knows none. */
void ledger_repeat(void);

/* Writes all of it to the log, at level debug. */
void ledger_log(void);

/* In a forked child: the parent's calls are not its own. */
void ledger_reset_after_fork(void);

#endif
