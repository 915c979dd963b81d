/* Starting the threads of our own in somebody else's process. */
#ifndef XSCHED_THREAD_H
#define XSCHED_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Starts a detached thread under that name (15 characters at most) with all signals blocked: they
 * are the program's. False, with a line in the log, when there can be none.
 */
bool thread_start(const char *name, void *(*run)(void *name));

/* What a thread does first: takes its name, and timers that are as precise as they can be. */
void thread_begin(void *name);

/* Takes the lock unless somebody keeps it for longer than the end of a process may wait. */
bool thread_lock_briefly(pthread_mutex_t *lock);

/*
 * Nobody cancels the calling thread between the two: a thread of the program that ends inside, at
 * any call that may block, would take our locks with it.
 */
static inline int thread_hold_cancel(void) {
    int before;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void thread_allow_cancel(int before) {
    pthread_setcancelstate(before, &before);
}

#endif
