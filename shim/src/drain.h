/*
 * The shim's second thread: asks the driver whether quiet streams have drained. Apart from the
 * worker, since a question may wait behind a long call of the driver, and SUSPEND must not.
 */
#ifndef XSCHED_DRAIN_H
#define XSCHED_DRAIN_H

#include <stdbool.h>

/* Starts the thread with all signals blocked; false when there can be none. */
bool drain_start(void);

/* A queue that others wait for became busy: it must be looked at soon enough. */
void drain_watch(void);

/* The same of one whose program will say when it is idle: a wake would cost its thread a system
 * call, so there is none where the drain thread looks within about a millisecond by itself. */
void drain_watch_at_leisure(void);

/* Many threads have come to have default streams of their own: some may be gone by now. */
void drain_sweep_threads(void);

void drain_reset_after_fork(void);

#endif
