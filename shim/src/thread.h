/* Starting the threads of our own in somebody else's process. */
#ifndef XSCHED_THREAD_H
#define XSCHED_THREAD_H

#include <stdbool.h>

/*
 * Starts a detached thread under that name (15 characters at most) with all signals blocked: they
 * are the program's. False, with a line in the log, when there can be none.
 */
bool thread_start(const char *name, void *(*run)(void *name));

/* What a thread does first: takes its name, and timers that are as precise as they can be. */
void thread_begin(void *name);

#endif
