/* Finding the real driver, and giving its callers the hooks instead. */
#ifndef XSCHED_RESOLVE_H
#define XSCHED_RESOLVE_H

#include "cuda_abi.h"
#include "hot.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The exact name of a hooked function. */
const char *hook_name(enum hook_id id);

/* Driver calls that the shim makes for itself. Each may be NULL with an old driver. */
struct driver_calls {
    CUresult (*cuCtxGetCurrent)(CUcontext *context);
    CUresult (*cuCtxPushCurrent_v2)(CUcontext context);
    CUresult (*cuCtxPopCurrent_v2)(CUcontext *context);
    CUresult (*cuCtxGetDevice)(CUdevice *device);
    CUresult (*cuDeviceGetAttribute)(int *value, int attribute, CUdevice device);
    CUresult (*cuDeviceGetUuid)(CUuuid *uuid, CUdevice device);
    CUresult (*cuDeviceGetUuid_v2)(CUuuid *uuid, CUdevice device);
    CUresult (*cuDevicePrimaryCtxGetState)(CUdevice device, unsigned *flags, int *active);
    CUresult (*cuStreamGetCtx)(CUstream stream, CUcontext *context);
    CUresult (*cuStreamGetCtx_v2)(CUstream stream, CUcontext *context, CUgreenCtx *green);
    CUresult (*cuCtxFromGreenCtx)(CUcontext *context, CUgreenCtx green);
    CUresult (*cuCtxGetStreamPriorityRange)(int *least, int *greatest);
    CUresult (*cuStreamGetPriority)(CUstream stream, int *priority);
    CUresult (*cuStreamIsCapturing)(CUstream stream, int *status);
    CUresult (*cuStreamQuery)(CUstream stream);
    CUresult (*cuThreadExchangeStreamCaptureMode)(int *mode);
    CUresult (*cuEventCreate)(CUevent *event, unsigned flags);
    CUresult (*cuEventRecord)(CUevent event, CUstream stream);
    CUresult (*cuEventRecord_ptsz)(CUevent event, CUstream stream);
    CUresult (*cuEventQuery)(CUevent event);
    CUresult (*cuEventSynchronize)(CUevent event);
    CUresult (*cuEventDestroy_v2)(CUevent event);
    CUresult (*cuGraphGetNodes)(CUgraph graph, CUgraphNode *nodes, size_t *count);
};
extern struct driver_calls driver;

/*
 * The driver's function behind a hook, loading the driver if nobody has: a program linked with
 * libcuda reaches the hooks without any look-up. NULL where there is no driver or it lacks the
 * function.
 */
void *hook_resolve_late(enum hook_id id);

static inline void *hook_get(enum hook_id id) {
    void *real = atomic_load_explicit(&hot.hooks[id].real, memory_order_acquire);
    return real != NULL ? real : hook_resolve_late(id);
}

/* Whether a function of that exact name has a hook that is more than a look. */
bool resolve_replaces(const char *name);

/* The C library's own dlsym. */
void *resolve_real_dlsym(void *handle, const char *name);

/* In a forked child: a thread of the parent may have been looking for the driver. */
void resolve_reset_after_fork(void);

/* What a hook answers when the driver lacks its function, or there is no driver. */
CUresult hook_missing(void);

/*
 * What a client gets that asked for `name` and that the driver answered with `found`: the hook of
 * that function, `found` itself when it is let through, a stub that counts when it is unknown.
 * Works by address: whatever name and version a client asked for, the driver answers with one of
 * its exports.
 */
void *resolve_replace(const char *name, void *found);

#endif
