/* The devices of this process, named by UUID as nvidia-smi prints it. */
#ifndef XSCHED_DEVICE_H
#define XSCHED_DEVICE_H

#include "queue.h"

/* The device of the calling thread's current context; NULL when it cannot be told. */
struct device *device_current(void);

/* The device of a context, which need not be the current one: copies may be asked of any. */
struct device *device_of_context(CUcontext context);

/* In a forked child: locks may be held by threads that do not exist here. */
void device_reset_after_fork(void);

#endif
