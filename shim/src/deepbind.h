/*
 * Libraries that are loaded with RTLD_DEEPBIND. Their own look-ups find the C library's dlsym and
 * the driver's functions before ours, so what they launch passes no gate. It cannot be held back,
 * but it is told: in the log, and to the daemon as a call that nobody knows.
 */
#ifndef XSCHED_DEEPBIND_H
#define XSCHED_DEEPBIND_H

#include <stdatomic.h>
#include <stdbool.h>

/* Whether there is anything that deepbind_check has not come to an end with. */
extern atomic_bool deepbind_pending;

/* Looks at what has been loaded since the last time, and raises the alarm where it is due. */
void deepbind_check(void);

/* In a forked child: what is loaded is still there. */
void deepbind_reset_after_fork(void);

#endif
