/* The shim's life inside its host: whether it acts at all, its start, fork and exit. */
#ifndef XSCHED_PROCESS_H
#define XSCHED_PROCESS_H

#include "hot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum process_mode { PROCESS_UNKNOWN, PROCESS_ACTIVE, PROCESS_INERT };

/*
 * What no other process has: a child finds this page, and `hot`, full of zeros, whichever
 * way it was made. Handlers of pthread_atfork are not called for a raw clone(2), nor before they
 * are registered; so each way into the shim asks here, where it asks for the mode anyway.
 */
struct process_own {
    _Atomic int mode;
    atomic_bool entered; /* This very process has been inside, not only an ancestor of it. */
    pthread_mutex_t lock;
} __attribute__((aligned(OWN_PAGE_BYTES)));
extern struct process_own process_own;

/* Decides the mode, and lets a child begin afresh; safe inside dlsym. */
bool process_decide_inert(void);

/* True when every hook must do nothing but call the driver. */
static inline bool process_is_inert(void) {
    int mode = atomic_load_explicit(&process_own.mode, memory_order_relaxed);
    return mode == PROCESS_UNKNOWN ? process_decide_inert() : mode == PROCESS_INERT;
}

/*
 * Reads the configuration, connects to the daemon and starts the worker; once in a process, and
 * once more in a forked child. Called when the program is about to make a context, which takes the
 * driver a tenth of a second or more: meanwhile the work drains that others have in flight and that
 * its first launch would have to wait for. It waits for nobody, and keeps errno. Does nothing where
 * the driver would make no context: before cuInit, and in the child of a process that uses CUDA.
 */
void process_arrive(void);

/*
 * The same, unless it is done, and sees to the end of the process. Called when the first queue is
 * about to be registered, so never before the host has initialised CUDA and made a context.
 */
void process_start(void);

#endif
