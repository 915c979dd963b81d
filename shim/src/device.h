/* The devices of this process, named by UUID as nvidia-smi prints it. */
#ifndef XSCHED_DEVICE_H
#define XSCHED_DEVICE_H

#include "queue.h"

/* The device of the calling thread's current context; NULL when it cannot be told. */
struct device *device_current(void);

/* The device of a context, which need not be the current one: copies may be asked of any. */
struct device *device_of_context(CUcontext context);

/*
 * To sleep at a gate of the device: device_listen, then see whether the gate is open, then
 * device_doze, which returns when something has changed since device_listen, after `ns` at the
 * latest.
 */
struct doze {
    struct device *device;
    struct xsp_ready_device *shared; /* Where there is a board, others wake the thread too. */
    uint32_t seen;
};

/* Whether a thread sleeps at a gate of the device: of any process on the board, else of this one.
 */
bool device_is_awaited(const struct device *device);

struct doze device_listen(struct device *device);
void device_doze(const struct doze *doze, uint64_t ns);

/* In a forked child: locks may be held by threads that do not exist here. */
void device_reset_after_fork(void);

#endif
