/* Contexts: the calling thread's stack of them, and each device's primary one. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "engine.h"
#include "model.h"

#define STACK_DEPTH 64
static _Thread_local void *stack[STACK_DEPTH]; /* handles, so that a destroyed one is noticed */
static _Thread_local int depth;
static uint64_t context_counter;

struct context *context_find(const void *handle) {
    const struct green *green = handle_find(HANDLE_GREEN_CONTEXT, handle);
    return handle_find(HANDLE_CONTEXT, green ? green->primary->handle : handle);
}

struct context *context_peek(void) {
    return depth ? context_find(stack[depth - 1]) : NULL;
}

struct green *green_current(void) {
    return depth ? handle_find(HANDLE_GREEN_CONTEXT, stack[depth - 1]) : NULL;
}

static CUresult context_make(int device, unsigned flags, bool primary, struct context **result) {
    struct context *context = calloc(1, sizeof *context);
    if (!context)
        return CUDA_ERROR_OUT_OF_MEMORY;
    host_delay(runtime_now(), runtime.file->context_ms * UINT64_C(1000000));
    context->device = runtime.visible[device];
    context->flags = flags;
    context->primary = primary;
    context->id = __atomic_add_fetch(&context_counter, 1, __ATOMIC_RELAXED);
    struct stream *legacy;
    CUresult made = stream_make(context, NULL, STREAM_LEGACY, CU_STREAM_DEFAULT, 0, &legacy);
    if (made == CUDA_SUCCESS) {
        context->handle = handle_make(HANDLE_CONTEXT, context);
        if (!context->handle)
            made = CUDA_ERROR_OUT_OF_MEMORY;
    }
    /* Not given back on failure: its stream may still be in the process's list. */
    *result = context;
    return made;
}

/* Waits for the context's work and gives its streams up. The structure stays, because threads may
 * still hold a pointer to it. */
static void context_end(struct context *context) {
    queue_wait_context(context);
    handle_drop(context->handle);
    pthread_mutex_lock(&runtime.lock);
    for (struct stream *s = context->streams; s; s = s->next) {
        if (s->handle && !s->destroyed)
            handle_drop(s->handle);
        s->handle = NULL;
        s->destroyed = true;
    }
    pthread_mutex_unlock(&runtime.lock);
    queue_apply();
}

CUresult device_check(CUdevice device) {
    CUresult result = runtime_check();
    if (result == CUDA_SUCCESS && (device < 0 || (uint32_t)device >= runtime.visible_count))
        result = CUDA_ERROR_INVALID_DEVICE;
    return result;
}

static pthread_mutex_t green_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t green_end;
static pthread_once_t green_once = PTHREAD_ONCE_INIT;

static void green_leave(const void *handle) {
    pthread_mutex_lock(&green_lock);
    struct green *green = handle_find(HANDLE_GREEN_CONTEXT, handle);
    if (green && --green->held == 0)
        green->holder = 0;
    pthread_mutex_unlock(&green_lock);
}

static void green_leave_all(void *unused) {
    (void)unused;
    while (depth)
        green_leave(stack[--depth]);
}

static void green_end_make(void) {
    pthread_key_create(&green_end, green_leave_all);
}

/* A green context belongs to one thread at a time; any other context to all. */
static bool green_enter(const void *handle) {
    static _Thread_local char here;
    if (!handle_find(HANDLE_GREEN_CONTEXT, handle))
        return true;
    pthread_once(&green_once, green_end_make);
    pthread_setspecific(green_end, &here);
    pthread_mutex_lock(&green_lock);
    struct green *green = handle_find(HANDLE_GREEN_CONTEXT, handle);
    bool mine = green && (green->held == 0 || green->holder == (uintptr_t)&here);
    if (mine) {
        green->holder = (uintptr_t)&here;
        green->held++;
    }
    pthread_mutex_unlock(&green_lock);
    return mine;
}

static CUresult push(void *handle) {
    if (depth == STACK_DEPTH)
        return CUDA_ERROR_INVALID_VALUE;
    if (!green_enter(handle))
        return CUDA_ERROR_INVALID_CONTEXT;
    stack[depth++] = handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxCreate_v2(CUcontext *handle, unsigned flags, CUdevice device) {
    CUresult result = device_check(device);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || flags & ~0xffu)
        return CUDA_ERROR_INVALID_VALUE;
    struct context *context;
    result = context_make(device, flags, false, &context);
    if (result != CUDA_SUCCESS)
        return result;
    *handle = context->handle;
    return push(context->handle);
}

CU_EXPORT CUresult cuCtxCreate_v3(CUcontext *context, void *affinity, int count, unsigned flags,
                                  CUdevice device) {
    return affinity || count ? CUDA_ERROR_NOT_SUPPORTED : cuCtxCreate_v2(context, flags, device);
}

CU_EXPORT CUresult cuCtxCreate_v4(CUcontext *context, void *params, unsigned flags,
                                  CUdevice device) {
    return params ? CUDA_ERROR_NOT_SUPPORTED : cuCtxCreate_v2(context, flags, device);
}

CU_EXPORT CUresult cuCtxDestroy_v2(CUcontext handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    struct context *context = handle_find(HANDLE_CONTEXT, handle);
    if (!context || context->primary)
        return CUDA_ERROR_INVALID_CONTEXT;
    result = capture_check_context(context, NULL);
    if (result != CUDA_SUCCESS)
        return result;
    context_end(context);
    if (depth && stack[depth - 1] == (void *)handle)
        depth--;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    return context_find(handle) ? push(handle) : CUDA_ERROR_INVALID_CONTEXT;
}

CU_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (depth == 0)
        return CUDA_ERROR_INVALID_CONTEXT;
    green_leave(stack[--depth]);
    if (handle)
        *handle = stack[depth];
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxSetCurrent(CUcontext handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (handle && (!context_find(handle) || !green_enter(handle)))
        return CUDA_ERROR_INVALID_CONTEXT;
    if (depth)
        green_leave(stack[--depth]);
    if (handle)
        stack[depth++] = handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxGetCurrent(CUcontext *handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle)
        return CUDA_ERROR_INVALID_VALUE;
    *handle = depth ? stack[depth - 1] : NULL;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    const struct context *context = context_peek();
    if (!context)
        return CUDA_ERROR_INVALID_CONTEXT;
    if (!device)
        return CUDA_ERROR_INVALID_VALUE;
    *device = visible_ordinal(context->device);
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxGetFlags(unsigned *flags) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result == CUDA_SUCCESS && !flags)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        *flags = context->flags;
    return result;
}

CU_EXPORT CUresult cuCtxGetId(CUcontext handle, unsigned long long *id) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    const struct context *context = handle ? context_find(handle) : context_peek();
    if (!context)
        return handle ? CUDA_ERROR_CONTEXT_IS_DESTROYED : CUDA_ERROR_INVALID_CONTEXT;
    if (!id)
        return CUDA_ERROR_INVALID_VALUE;
    *id = context->id;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (handle ? !context_find(handle) : !context_peek())
        return CUDA_ERROR_INVALID_CONTEXT;
    if (!version)
        return CUDA_ERROR_INVALID_VALUE;
    *version = 3020;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuCtxSynchronize(void) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    const struct green *green = green_current();
    result = capture_check_context(context, green);
    if (result != CUDA_SUCCESS)
        return result;
    return green ? queue_wait_green(green) : queue_wait_context(context);
}

CU_EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (least)
        *least = 0;
    if (greatest)
        *greatest = SIM_PRIORITY_GREATEST;
    return CUDA_SUCCESS;
}

/* --- primary contexts --- */

static pthread_mutex_t primary_lock = PTHREAD_MUTEX_INITIALIZER;

CU_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *handle, CUdevice device) {
    CUresult result = device_check(device);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle)
        return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&primary_lock);
    struct context *context = runtime.primary[device];
    if (!context)
        result = context_make(device, runtime.primary_flags[device], true, &context);
    if (result == CUDA_SUCCESS) {
        runtime.primary[device] = context;
        context->retains++;
        *handle = context->handle;
    }
    pthread_mutex_unlock(&primary_lock);
    return result;
}

static CUresult primary_release(CUdevice device, bool reset) {
    CUresult result = device_check(device);
    if (result != CUDA_SUCCESS)
        return result;
    pthread_mutex_lock(&primary_lock);
    struct context *context = runtime.primary[device];
    if (!context)
        result = reset ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
    else if (reset || --context->retains == 0)
        runtime.primary[device] = NULL;
    else
        context = NULL;
    if (context)
        context_end(context);
    pthread_mutex_unlock(&primary_lock);
    return result;
}

CU_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return primary_release(device, false);
}

CU_EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return primary_release(device, true);
}

CU_EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    CUresult result = device_check(device);
    if (result != CUDA_SUCCESS)
        return result;
    if (!flags || !active)
        return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&primary_lock);
    *flags = runtime.primary_flags[device];
    *active = runtime.primary[device] != NULL;
    pthread_mutex_unlock(&primary_lock);
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
    CUresult result = device_check(device);
    if (result != CUDA_SUCCESS)
        return result;
    if (flags & ~0xffu)
        return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&primary_lock);
    runtime.primary_flags[device] = flags;
    if (runtime.primary[device])
        runtime.primary[device]->flags = flags;
    pthread_mutex_unlock(&primary_lock);
    return CUDA_SUCCESS;
}

/* The forms from before their second versions, with the same arguments. */
SIM_ALIAS(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2);
SIM_ALIAS(cuDevicePrimaryCtxReset, cuDevicePrimaryCtxReset_v2);
SIM_ALIAS(cuDevicePrimaryCtxSetFlags, cuDevicePrimaryCtxSetFlags_v2);
SIM_ALIAS(cuCtxDestroy, cuCtxDestroy_v2);
SIM_ALIAS(cuCtxPushCurrent, cuCtxPushCurrent_v2);
SIM_ALIAS(cuCtxPopCurrent, cuCtxPopCurrent_v2);
