/* Events. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "engine.h"
#include "model.h"

/* Events are never given back to the allocator, because an operation may still name one. */
static struct event *free_events;

CU_EXPORT CUresult cuEventCreate(CUevent *handle, unsigned flags) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || flags & ~7u)
        return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_EVENT_INTERPROCESS)
        return CUDA_ERROR_NOT_SUPPORTED;
    pthread_mutex_lock(&runtime.lock);
    struct event *event = free_events;
    if (event)
        free_events = (struct event *)event->stream;
    else
        event = calloc(1, sizeof *event);
    if (event) {
        /* Records go on counting, so that a late operation does not finish a new event. */
        uint64_t record = event->record;
        memset(event, 0, sizeof *event);
        event->first_record = record;
        event->record = record;
        event->finished_record = record;
        event->flags = flags;
        event->context = context;
        event->handle = handle_make(HANDLE_EVENT, event);
    }
    pthread_mutex_unlock(&runtime.lock);
    if (!event || !event->handle)
        return CUDA_ERROR_OUT_OF_MEMORY;
    *handle = event->handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuEventDestroy_v2(CUevent handle) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    pthread_mutex_lock(&runtime.lock);
    struct event *event = handle_find(HANDLE_EVENT, handle);
    if (event) {
        handle_drop(handle);
        event->record++;
        free(event->capture_set);
        event->capture_set = NULL;
        event->stream = (struct stream *)free_events;
        free_events = event;
    }
    pthread_mutex_unlock(&runtime.lock);
    return event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

static CUresult record(CUevent handle, CUstream stream_handle, unsigned flags, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(stream_handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    struct event *event = handle_find(HANDLE_EVENT, handle);
    if (!event)
        return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~1u)
        return CUDA_ERROR_INVALID_VALUE;
    if (event->context != stream->context)
        return CUDA_ERROR_INVALID_HANDLE;
    uint64_t since = runtime_now();
    struct submission submission = {.engine = SIM_ENGINE_NONE, .payload = {.kind = SIM_OP_EVENT}};
    submission.payload.event = event;
    if (!(flags & CU_EVENT_RECORD_EXTERNAL)) {
        bool captured = false;
        pthread_mutex_lock(&runtime.lock);
        result = capture_record(stream, event, &captured);
        pthread_mutex_unlock(&runtime.lock);
        if (result != CUDA_SUCCESS || captured)
            return result;
    }
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS)
        host_delay(since, SIM_HOST_EVENT_NS);
    return result;
}

/* The state of an event: SUCCESS, NOT_READY, or where to wait. Needs runtime.lock. */
static CUresult event_state(const struct event *event, uint64_t now) {
    if (event->capture_id)
        return CUDA_ERROR_CAPTURED_EVENT;
    if (event->record == event->first_record || event->finished_record == event->record ||
        event->stream->id != event->stream_id || event->stream->applied > event->number)
        return event->context->error;
    return now < event->not_before ? CUDA_ERROR_NOT_READY : -1;
}

static CUresult event_checked(CUevent handle, struct event **event) {
    struct context *context;
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    *event = handle_find(HANDLE_EVENT, handle);
    if (!*event)
        return CUDA_ERROR_INVALID_HANDLE;
    context = (*event)->context;
    if (context->error != CUDA_SUCCESS)
        return context->error;
    /* Another thread may be recording it. */
    pthread_mutex_lock(&runtime.lock);
    uint64_t capture = (*event)->capture_id;
    pthread_mutex_unlock(&runtime.lock);
    return capture ? capture_check_event(capture) : capture_check_unsafe(NULL);
}

CU_EXPORT CUresult cuEventQuery(CUevent handle) {
    struct event *event;
    CUresult result = event_checked(handle, &event);
    if (result != CUDA_SUCCESS)
        return result;
    uint64_t now = runtime_now();
    pthread_mutex_lock(&runtime.lock);
    result = event_state(event, now);
    pthread_mutex_unlock(&runtime.lock);
    if (result >= 0)
        return result;
    queue_apply();
    pthread_mutex_lock(&runtime.lock);
    result = event_state(event, now);
    if (result < 0) {
        /* An operation finishes no earlier than this, whatever else happens: until then a query
         * needs nothing but the clock. */
        device_file_lock(runtime.file);
        event->not_before =
            engine_finish_bound(runtime.file, event->index, event->number) + SIM_VISIBLE_LATENCY_NS;
        device_file_unlock(runtime.file);
        result = CUDA_ERROR_NOT_READY;
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

CU_EXPORT CUresult cuEventSynchronize(CUevent handle) {
    struct event *event;
    CUresult result = event_checked(handle, &event);
    if (result != CUDA_SUCCESS)
        return result;
    pthread_mutex_lock(&runtime.lock);
    result = event_state(event, UINT64_MAX);
    struct stream *stream = event->stream;
    uint64_t number = event->number;
    pthread_mutex_unlock(&runtime.lock);
    return result >= 0 ? result : queue_wait(stream, number);
}

static CUresult elapsed(float *milliseconds, CUevent first_handle, CUevent last_handle) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    struct event *first = handle_find(HANDLE_EVENT, first_handle);
    struct event *last = handle_find(HANDLE_EVENT, last_handle);
    if (!milliseconds)
        return CUDA_ERROR_INVALID_VALUE;
    if (!first || !last || (first->flags | last->flags) & CU_EVENT_DISABLE_TIMING)
        return CUDA_ERROR_INVALID_HANDLE;
    queue_apply();
    pthread_mutex_lock(&runtime.lock);
    if (first->capture_id || last->capture_id)
        result = CUDA_ERROR_CAPTURED_EVENT;
    else if (first->record == first->first_record || last->record == last->first_record)
        result = CUDA_ERROR_INVALID_HANDLE;
    else if (first->finished_record != first->record || last->finished_record != last->record)
        result = CUDA_ERROR_NOT_READY;
    else
        *milliseconds =
            (float)(((double)last->finish - (double)first->finish) * runtime.file->scale / 1e6);
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

CU_EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent first, CUevent last) {
    return elapsed(milliseconds, first, last);
}
CU_EXPORT CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent first, CUevent last) {
    return elapsed(milliseconds, first, last);
}
CU_EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
    return record(event, stream, 0, false);
}
CU_EXPORT CUresult cuEventRecord_ptsz(CUevent event, CUstream stream) {
    return record(event, stream, 0, true);
}
CU_EXPORT CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
    return record(event, stream, flags, false);
}
CU_EXPORT CUresult cuEventRecordWithFlags_ptsz(CUevent event, CUstream stream, unsigned flags) {
    return record(event, stream, flags, true);
}
SIM_ALIAS(cuEventDestroy, cuEventDestroy_v2);
