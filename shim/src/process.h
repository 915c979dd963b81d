/* The shim's life inside its host: whether it acts at all, its start, fork and exit. */
#ifndef XSCHED_PROCESS_H
#define XSCHED_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>

enum process_mode { PROCESS_UNKNOWN, PROCESS_ACTIVE, PROCESS_INERT };
extern _Atomic int process_mode;

/* Decides the mode; safe inside dlsym. */
bool process_decide_inert(void);

/* True when every hook must do nothing but call the driver. */
static inline bool process_is_inert(void) {
    int mode = atomic_load_explicit(&process_mode, memory_order_relaxed);
    return mode == PROCESS_UNKNOWN ? process_decide_inert() : mode == PROCESS_INERT;
}

/*
 * Reads the configuration, connects to the daemon and starts the worker; once in a process, and
 * once more in a forked child. Called when the first queue is about to be registered, so never
 * before the host has initialised CUDA.
 */
void process_start(void);

#endif
