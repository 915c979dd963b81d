/*
 * The shim's one thread: it reads the link, repeats what was not answered, and asks the driver
 * whether quiet streams have drained.
 */
#ifndef XSCHED_WORKER_H
#define XSCHED_WORKER_H

/* Starts the thread with all signals blocked. Without it the link is dead and gates stay open. */
void worker_start(void);

/* Has the worker look at everything now. Cheap when it is awake. */
void worker_poke(void);

/* A queue that others wait for became busy: the worker must look soon enough. */
void worker_watch(void);

/*
 * The driver is about to be torn down: the worker begins no call of it any more, and has left it
 * unless its last one takes over 100 ms.
 */
void worker_stop_asking(void);

void worker_reset_after_fork(void);

#endif
