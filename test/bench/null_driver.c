/*
 * A libcuda.so.1 in which every call succeeds at once and does nothing: what is left of a launch is
 * what the program and the shim spend. Here are the calls that answer something; null_rest.c has
 * the others.
 *
 * A program may be its device: then it sees the launches, and says which streams have work.
 */
#include "clients/driver.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* What a program may have: of a launch, and whether the stream (any, for NULL) has work. */
extern __attribute__((weak)) void bench_launched(CUstream stream);
extern __attribute__((weak)) bool bench_is_busy(CUstream stream);

enum { NOT_READY = 600, STREAMS = 16 };

/* Any address of the right kind will do for a handle. */
static char handles[8];
/* The priorities of streams, whose addresses their handles are. */
static int streams[STREAMS];
static _Atomic unsigned stream_count;

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal);
CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = ordinal;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device);
CUresult cuCtxGetDevice(CUdevice *device) {
    *device = 0;
    return CUDA_SUCCESS;
}

static CUresult give_uuid(unsigned char *uuid) {
    memset(uuid, 0xbe, 16);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(unsigned char *uuid, CUdevice device);
CUresult cuDeviceGetUuid(unsigned char *uuid, CUdevice device) {
    (void)device;
    return give_uuid(uuid);
}

EXPORT CUresult cuDeviceGetUuid_v2(unsigned char *uuid, CUdevice device);
CUresult cuDeviceGetUuid_v2(unsigned char *uuid, CUdevice device) {
    (void)device;
    return give_uuid(uuid);
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device);
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    (void)device;
    *context = (CUcontext)&handles[0];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context);
CUresult cuCtxGetCurrent(CUcontext *context) {
    *context = (CUcontext)&handles[0];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamGetCtx(CUstream stream, CUcontext *context);
CUresult cuStreamGetCtx(CUstream stream, CUcontext *context) {
    (void)stream;
    return cuCtxGetCurrent(context);
}

EXPORT CUresult cuStreamGetPriority(CUstream stream, int *priority);
CUresult cuStreamGetPriority(CUstream stream, int *priority) {
    bool is_known = (int *)stream >= streams && (int *)stream < streams + STREAMS;
    *priority = is_known ? *(int *)stream : 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamQuery(CUstream stream);
CUresult cuStreamQuery(CUstream stream) {
    return bench_is_busy != NULL && bench_is_busy(stream) ? NOT_READY : CUDA_SUCCESS;
}

EXPORT CUresult cuEventSynchronize(CUevent event);
CUresult cuEventSynchronize(CUevent event) {
    (void)event;
    while (bench_is_busy != NULL && bench_is_busy(NULL))
        sched_yield();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamIsCapturing(CUstream stream, int *status);
CUresult cuStreamIsCapturing(CUstream stream, int *status) {
    (void)stream;
    *status = 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority);
CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    (void)flags;
    int *made = &streams[atomic_fetch_add(&stream_count, 1) % STREAMS];
    *made = priority;
    *stream = (CUstream)made;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventCreate(CUevent *event, unsigned flags);
CUresult cuEventCreate(CUevent *event, unsigned flags) {
    (void)flags;
    *event = (CUevent)&handles[2];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size);
CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
    (void)size;
    *address = (CUdeviceptr)(uintptr_t)&handles[3];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name);
CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    (void)module, (void)name;
    *function = (CUfunction)&handles[4];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y,
                               unsigned grid_z, unsigned block_x, unsigned block_y,
                               unsigned block_z, unsigned shared, CUstream stream, void **params,
                               void **extra);
CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                        CUstream stream, void **params, void **extra) {
    (void)function, (void)grid_x, (void)grid_y, (void)grid_z, (void)block_x, (void)block_y;
    (void)block_z, (void)shared, (void)params, (void)extra;
    if (bench_launched != NULL)
        bench_launched(stream);
    return CUDA_SUCCESS;
}
