/* Green contexts. Nothing of the device is set aside for one: only its streams, and who may use
 * them, are as on a real driver. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "engine.h"
#include "model.h"

/* Partitions begin and end at these. */
#define SM_ALIGNMENT 8u

_Static_assert(sizeof(struct device_resource) == 144, "the driver's callers have arrays of them");

/* What a descriptor stands for. There is no call that frees one. */
struct resources {
    int device;
    unsigned sm_count;
};

static void describe(CUdevResource *resource, int device, unsigned sm_count) {
    memset(resource, 0, sizeof *resource);
    resource->type = CU_DEV_RESOURCE_TYPE_SM;
    memcpy(resource->hidden, &device, sizeof device);
    resource->sm_count = sm_count;
}

static CUresult find(CUgreenCtx handle, struct green **green) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    *green = handle_find(HANDLE_GREEN, handle);
    return *green && context_find((*green)->context_handle) ? (*green)->primary->error
                                                            : CUDA_ERROR_INVALID_CONTEXT;
}

static CUresult check_question(const CUdevResource *resource, int type) {
    if (!resource)
        return CUDA_ERROR_INVALID_VALUE;
    return type == CU_DEV_RESOURCE_TYPE_SM ? CUDA_SUCCESS : CUDA_ERROR_INVALID_RESOURCE_TYPE;
}

CU_EXPORT CUresult cuDeviceGetDevResource(CUdevice device, CUdevResource *resource, int type) {
    CUresult result = device_check(device);
    if (result == CUDA_SUCCESS)
        result = check_question(resource, type);
    if (result == CUDA_SUCCESS)
        describe(resource, device, SIM_MULTIPROCESSORS);
    return result;
}

CU_EXPORT CUresult cuCtxGetDevResource(CUcontext handle, CUdevResource *resource, int type) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    const struct context *context = context_find(handle);
    if (!context)
        return CUDA_ERROR_INVALID_CONTEXT;
    const struct green *green = handle_find(HANDLE_GREEN_CONTEXT, handle);
    result = check_question(resource, type);
    if (result == CUDA_SUCCESS)
        describe(resource, visible_ordinal(context->device),
                 green ? green->sm_count : SIM_MULTIPROCESSORS);
    return result;
}

CU_EXPORT CUresult cuGreenCtxGetDevResource(CUgreenCtx handle, CUdevResource *resource, int type) {
    struct green *green;
    CUresult result = find(handle, &green);
    if (result == CUDA_SUCCESS)
        result = check_question(resource, type);
    if (result == CUDA_SUCCESS)
        describe(resource, visible_ordinal(green->primary->device), green->sm_count);
    return result;
}

CU_EXPORT CUresult cuDevSmResourceSplitByCount(CUdevResource *groups, unsigned *count,
                                               const CUdevResource *input, CUdevResource *remaining,
                                               unsigned flags, unsigned least) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!count || !input || flags & ~3u || least > input->sm_count)
        return CUDA_ERROR_INVALID_VALUE;
    if (input->type != CU_DEV_RESOURCE_TYPE_SM)
        return CUDA_ERROR_INVALID_RESOURCE_TYPE;
    unsigned size = (least + SM_ALIGNMENT - 1) / SM_ALIGNMENT * SM_ALIGNMENT;
    if (size == 0)
        size = SM_ALIGNMENT;
    unsigned fitting = input->sm_count / size;
    if (fitting == 0)
        return CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION;
    if (!groups || *count > fitting)
        *count = fitting;
    int device;
    memcpy(&device, input->hidden, sizeof device);
    unsigned left = input->sm_count - *count * size;
    for (unsigned i = 0; groups && i < *count; i++)
        describe(&groups[i], device, size);
    if (remaining) {
        describe(remaining, device, left);
        if (left == 0)
            remaining->type = 0;
    }
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDevResourceGenerateDesc(CUdevResourceDesc *handle, CUdevResource *list,
                                             unsigned count) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || !list || count == 0)
        return CUDA_ERROR_INVALID_VALUE;
    struct resources sum = {0, 0};
    memcpy(&sum.device, list->hidden, sizeof sum.device);
    for (unsigned i = 0; i < count; i++) {
        if (list[i].type != CU_DEV_RESOURCE_TYPE_SM)
            return CUDA_ERROR_INVALID_RESOURCE_TYPE;
        sum.sm_count += list[i].sm_count;
    }
    struct resources *resources = malloc(sizeof *resources);
    if (!resources)
        return CUDA_ERROR_OUT_OF_MEMORY;
    *resources = sum;
    *handle = handle_make(HANDLE_RESOURCES, resources);
    return *handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* It stays allocated when it is gone: threads may still hold a pointer to it. */
static CUresult green_make(struct context *primary, unsigned sm_count, struct green **result) {
    struct green *green = calloc(1, sizeof *green);
    if (!green)
        return CUDA_ERROR_OUT_OF_MEMORY;
    green->primary = primary;
    green->sm_count = sm_count;
    CUresult made =
        stream_make(primary, green, STREAM_GREEN, CU_STREAM_NON_BLOCKING, 0, &green->main);
    if (made != CUDA_SUCCESS)
        return made;
    green->handle = handle_make(HANDLE_GREEN, green);
    green->context_handle = handle_make(HANDLE_GREEN_CONTEXT, green);
    *result = green;
    return green->handle && green->context_handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *handle, CUdevice device);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);

CU_EXPORT CUresult cuGreenCtxCreate(CUgreenCtx *handle, CUdevResourceDesc descriptor,
                                    CUdevice device, unsigned flags) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    const struct resources *resources = handle_find(HANDLE_RESOURCES, descriptor);
    if (!handle || !resources || flags != CU_GREEN_CTX_DEFAULT_STREAM)
        return CUDA_ERROR_INVALID_VALUE;
    if (device != resources->device)
        return CUDA_ERROR_INVALID_DEVICE;
    CUcontext primary;
    struct green *green;
    result = cuDevicePrimaryCtxRetain(&primary, device);
    if (result != CUDA_SUCCESS)
        return result;
    result = green_make(context_find(primary), resources->sm_count, &green);
    if (result == CUDA_SUCCESS)
        *handle = green->handle;
    else
        cuDevicePrimaryCtxRelease_v2(device);
    return result;
}

/* What its streams hold goes on; nothing more can be asked of them. */
CU_EXPORT CUresult cuGreenCtxDestroy(CUgreenCtx handle) {
    struct green *green;
    CUresult result = find(handle, &green);
    if (result != CUDA_SUCCESS)
        return result;
    pthread_mutex_lock(&runtime.lock);
    for (struct stream *s = green->primary->streams; s; s = s->next) {
        if (s->green != green || s->destroyed)
            continue;
        if (s->capture)
            s->capture->invalidated = true;
        s->detached = true;
        if (s->role == STREAM_GREEN)
            stream_give_up(s);
    }
    handle_drop(green->handle);
    handle_drop(green->context_handle);
    pthread_mutex_unlock(&runtime.lock);
    queue_apply();
    return cuDevicePrimaryCtxRelease_v2(visible_ordinal(green->primary->device));
}

CU_EXPORT CUresult cuCtxFromGreenCtx(CUcontext *context, CUgreenCtx handle) {
    struct green *green;
    CUresult result = find(handle, &green);
    if (result == CUDA_SUCCESS && !context)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        *context = green->context_handle;
    return result;
}

CU_EXPORT CUresult cuGreenCtxStreamCreate(CUstream *handle, CUgreenCtx green_handle, unsigned flags,
                                          int priority) {
    struct green *green;
    CUresult result = find(green_handle, &green);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || flags != CU_STREAM_NON_BLOCKING)
        return CUDA_ERROR_INVALID_VALUE;
    struct stream *stream;
    result = stream_make(green->primary, green, STREAM_ORDINARY, flags, priority, &stream);
    if (result == CUDA_SUCCESS)
        *handle = stream->handle;
    return result;
}

CU_EXPORT CUresult cuStreamGetGreenCtx(CUstream handle, CUgreenCtx *green) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, false, &stream);
    if (result == CUDA_SUCCESS && !green)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        *green = stream->green ? stream->green->handle : NULL;
    return result;
}

/* Its streams with how far each has been fed. No part of a capture may be among them. */
struct activity {
    uint32_t count;
    struct stream *streams[SIM_STREAMS_PER_CLIENT];
    struct event ends[SIM_STREAMS_PER_CLIENT];
};

static CUresult list_activity(const struct green *green, struct activity *activity) {
    CUresult result = CUDA_SUCCESS;
    activity->count = 0;
    pthread_mutex_lock(&runtime.lock);
    for (struct stream *s = green->primary->streams; s; s = s->next) {
        if (s->green != green || s == green->marker || activity->count == SIM_STREAMS_PER_CLIENT)
            continue;
        if (s->capture) {
            s->capture->invalidated = true;
            result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        activity->streams[activity->count] = s;
        activity->ends[activity->count++] =
            (struct event){.index = s->index, .generation = s->generation, .number = s->tail - 1};
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

/* What the calls on an event are about. */
static CUresult find_with_event(CUgreenCtx handle, CUevent event_handle, struct green **green,
                                struct event **event) {
    CUresult result = find(handle, green);
    if (result != CUDA_SUCCESS)
        return result;
    *event = handle_find(HANDLE_EVENT, event_handle);
    return *event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CU_EXPORT CUresult cuGreenCtxRecordEvent(CUgreenCtx handle, CUevent event_handle) {
    struct green *green;
    struct event *event;
    CUresult result = find_with_event(handle, event_handle, &green, &event);
    if (result == CUDA_SUCCESS && event->context != green->primary)
        result = CUDA_ERROR_INVALID_HANDLE;
    if (result != CUDA_SUCCESS)
        return result;
    struct activity activity;
    result = list_activity(green, &activity);
    /* A stream that nothing else uses, so that none of the others waits for the rest. */
    if (result == CUDA_SUCCESS && !green->marker)
        result = stream_make(green->primary, green, STREAM_GREEN, CU_STREAM_NON_BLOCKING, 0,
                             &green->marker);
    for (uint32_t i = 0; i < activity.count && result == CUDA_SUCCESS; i++)
        if (activity.ends[i].number + 1 > 0)
            result = queue_submit_wait(green->marker, &activity.ends[i]);
    if (result != CUDA_SUCCESS)
        return result;
    struct submission submission = {.engine = SIM_ENGINE_NONE, .payload = {.kind = SIM_OP_EVENT}};
    submission.payload.event = event;
    return queue_submit(green->marker, &submission, NULL);
}

CU_EXPORT CUresult cuGreenCtxWaitEvent(CUgreenCtx handle, CUevent event_handle) {
    struct green *green;
    struct event *event;
    CUresult result = find_with_event(handle, event_handle, &green, &event);
    if (result != CUDA_SUCCESS)
        return result;
    struct activity activity;
    result = list_activity(green, &activity);
    pthread_mutex_lock(&runtime.lock);
    struct event recorded = *event;
    pthread_mutex_unlock(&runtime.lock);
    if (recorded.capture_id) {
        capture_check_event(recorded.capture_id);
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (recorded.record == recorded.first_record)
        return result;
    for (uint32_t i = 0; i < activity.count && result == CUDA_SUCCESS; i++)
        if (!activity.streams[i]->destroyed)
            result = queue_submit_wait(activity.streams[i], &recorded);
    return result;
}
