/*
 * The shim's thread for the daemon: it reads the link, repeats what was not answered, and sends
 * statistics. It never calls the driver, which may keep a caller waiting.
 */
#ifndef XSCHED_WORKER_H
#define XSCHED_WORKER_H

#include <stdbool.h>
#include <stdint.h>

/* Starts the thread; false when there can be none: the link is dead then. */
bool worker_start(void);

/* Has the worker look at everything now. Cheap when it is awake. */
void worker_poke(void);

/* Has it look at everything at that time of clock_now(), or sooner. */
void worker_wake_by(uint64_t when);

void worker_reset_after_fork(void);

#endif
