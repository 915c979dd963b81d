/* Streams: making, asking, waiting, and values in memory. */
#include <string.h>

#include "api.h"
#include "memory.h"
#include "model.h"

CU_EXPORT CUresult cuStreamCreateWithPriority(CUstream *handle, unsigned flags, int priority) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || flags & ~(unsigned)CU_STREAM_NON_BLOCKING)
        return CUDA_ERROR_INVALID_VALUE;
    struct stream *stream;
    result = stream_make(context, green_current(), STREAM_ORDINARY, flags, priority, &stream);
    if (result == CUDA_SUCCESS)
        *handle = stream->handle;
    return result;
}

CU_EXPORT CUresult cuStreamCreate(CUstream *handle, unsigned flags) {
    return cuStreamCreateWithPriority(handle, flags, 0);
}

CU_EXPORT CUresult cuStreamDestroy_v2(CUstream handle) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    struct stream *stream = handle_find(HANDLE_STREAM, handle);
    if (!stream || stream->role != STREAM_ORDINARY)
        return CUDA_ERROR_INVALID_HANDLE;
    pthread_mutex_lock(&runtime.lock);
    if (stream->destroyed) {
        pthread_mutex_unlock(&runtime.lock);
        return CUDA_ERROR_INVALID_HANDLE;
    }
    if (stream->capture)
        capture_stream_destroyed(stream);
    bool drained = stream_give_up(stream);
    pthread_mutex_unlock(&runtime.lock);
    if (drained)
        queue_apply();
    return CUDA_SUCCESS;
}

static CUresult query(CUstream handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result == CUDA_SUCCESS)
        result = capture_check_unsafe(stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!queue_is_done(stream, stream->tail))
        return CUDA_ERROR_NOT_READY;
    /* The legacy stream is only done when what it would wait for is. */
    if (stream->role == STREAM_LEGACY)
        return queue_blocking_are_done(stream->context) ? stream->context->error
                                                        : CUDA_ERROR_NOT_READY;
    return stream->context->error;
}

static CUresult synchronize(CUstream handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result == CUDA_SUCCESS)
        result = capture_check_unsafe(stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (stream->role == STREAM_LEGACY) {
        result = queue_wait_blocking(stream->context);
        if (result != CUDA_SUCCESS)
            return result;
    }
    uint64_t tail = stream->tail;
    return tail ? queue_wait(stream, tail - 1) : stream->context->error;
}

static CUresult wait_event(CUstream handle, CUevent event_handle, unsigned flags, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    struct event *event = handle_find(HANDLE_EVENT, event_handle);
    if (!event)
        return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~1u)
        return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&runtime.lock);
    bool captured = false;
    result = capture_wait(stream, event, &captured);
    struct event recorded = *event;
    pthread_mutex_unlock(&runtime.lock);
    if (result != CUDA_SUCCESS || captured || recorded.record == recorded.first_record)
        return result;
    return queue_submit_wait(stream, &recorded);
}

static CUresult value_operation(int kind, CUstream handle, CUdeviceptr address, uint64_t value,
                                uint32_t width, unsigned flags, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (address % width || !memory_contains(address, width) ||
        (kind == SIM_OP_WAIT_VALUE && (flags & 3) != flags))
        return CUDA_ERROR_INVALID_VALUE;
    uint64_t since = runtime_now();
    bool capturing = stream->capture != NULL;
    struct submission submission = {
        .engine = kind == SIM_OP_WAIT_VALUE ? SIM_ENGINE_EXTERNAL : SIM_ENGINE_NONE,
        .latency = SIM_START_LATENCY_NS,
        .payload = {.kind = (uint8_t)kind, .target = address, .width = width, .interesting = true}};
    submission.payload.value = value;
    submission.payload.flags = flags;
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS && !capturing)
        host_delay(since, SIM_HOST_WRITE_VALUE_NS);
    return result;
}

/* Asking what a stream is; the legacy and per-thread streams can be asked too. */
static CUresult ask(CUstream handle, bool per_thread, struct stream **stream, const void *answer) {
    CUresult result = stream_resolve(handle, per_thread, stream);
    if (result == CUDA_SUCCESS && !answer)
        result = CUDA_ERROR_INVALID_VALUE;
    return result;
}

static CUresult get_priority(CUstream handle, int *priority, bool per_thread) {
    struct stream *stream;
    CUresult result = ask(handle, per_thread, &stream, priority);
    if (result == CUDA_SUCCESS)
        *priority = stream->priority;
    return result;
}

static CUresult get_flags(CUstream handle, unsigned *flags, bool per_thread) {
    struct stream *stream;
    CUresult result = ask(handle, per_thread, &stream, flags);
    if (result == CUDA_SUCCESS)
        *flags = stream->flags;
    return result;
}

static CUresult get_id(CUstream handle, unsigned long long *id, bool per_thread) {
    struct stream *stream;
    CUresult result = ask(handle, per_thread, &stream, id);
    if (result == CUDA_SUCCESS)
        *id = stream->id;
    return result;
}

static CUresult get_context(CUstream handle, CUcontext *context, bool per_thread) {
    struct stream *stream;
    CUresult result = ask(handle, per_thread, &stream, context);
    if (result == CUDA_SUCCESS)
        *context = stream->green ? stream->green->context_handle : stream->context->handle;
    return result;
}

static CUresult get_contexts(CUstream handle, CUcontext *context, CUgreenCtx *green,
                             bool per_thread) {
    struct stream *stream;
    CUresult result = ask(handle, per_thread, &stream, context);
    if (result == CUDA_SUCCESS && !green)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS)
        return result;
    *context = stream->context->handle;
    *green = stream->green ? stream->green->handle : NULL;
    return CUDA_SUCCESS;
}

#define STREAM_FORMS(suffix, per_thread)                                                           \
    CU_EXPORT CUresult cuStreamQuery##suffix(CUstream stream) {                                    \
        return query(stream, per_thread);                                                          \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamSynchronize##suffix(CUstream stream) {                              \
        return synchronize(stream, per_thread);                                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamWaitEvent##suffix(CUstream stream, CUevent event, unsigned flags) { \
        return wait_event(stream, event, flags, per_thread);                                       \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetPriority##suffix(CUstream stream, int *priority) {               \
        return get_priority(stream, priority, per_thread);                                         \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetFlags##suffix(CUstream stream, unsigned *flags) {                \
        return get_flags(stream, flags, per_thread);                                               \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetId##suffix(CUstream stream, unsigned long long *id) {            \
        return get_id(stream, id, per_thread);                                                     \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetCtx##suffix(CUstream stream, CUcontext *context) {               \
        return get_context(stream, context, per_thread);                                           \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetCtx_v2##suffix(CUstream stream, CUcontext *context,              \
                                                 CUgreenCtx *green) {                              \
        return get_contexts(stream, context, green, per_thread);                                   \
    }

STREAM_FORMS(, false)
STREAM_FORMS(_ptsz, true)

#define VALUE_FORMS(suffix, per_thread)                                                            \
    CU_EXPORT CUresult cuStreamWriteValue32##suffix(CUstream stream, CUdeviceptr address,          \
                                                    cuuint32_t value, unsigned flags) {            \
        return value_operation(SIM_OP_WRITE_VALUE, stream, address, value, 4, flags, per_thread);  \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamWaitValue32##suffix(CUstream stream, CUdeviceptr address,           \
                                                   cuuint32_t value, unsigned flags) {             \
        return value_operation(SIM_OP_WAIT_VALUE, stream, address, value, 4, flags, per_thread);   \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamWriteValue64##suffix(CUstream stream, CUdeviceptr address,          \
                                                    cuuint64_t value, unsigned flags) {            \
        return value_operation(SIM_OP_WRITE_VALUE, stream, address, value, 8, flags, per_thread);  \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamWaitValue64##suffix(CUstream stream, CUdeviceptr address,           \
                                                   cuuint64_t value, unsigned flags) {             \
        return value_operation(SIM_OP_WAIT_VALUE, stream, address, value, 8, flags, per_thread);   \
    }

/* The operations of a batch are done one after another. */
static CUresult value_operations(CUstream handle, unsigned count,
                                 const CUstreamBatchMemOpParams *operations, unsigned flags,
                                 bool per_thread) {
    CUresult result = count == 0 || !operations || flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    for (unsigned i = 0; i < count && result == CUDA_SUCCESS; i++) {
        int operation = operations[i].operation;
        bool waits = operation == CU_STREAM_MEM_OP_WAIT_VALUE_32 ||
                     operation == CU_STREAM_MEM_OP_WAIT_VALUE_64;
        bool narrow = operation == CU_STREAM_MEM_OP_WAIT_VALUE_32 ||
                      operation == CU_STREAM_MEM_OP_WRITE_VALUE_32;
        if (!waits && !narrow && operation != CU_STREAM_MEM_OP_WRITE_VALUE_64)
            return CUDA_ERROR_NOT_SUPPORTED;
        /* Both lie alike. */
        const __typeof__(operations[i].waitValue) *one = &operations[i].waitValue;
        result = value_operation(waits ? SIM_OP_WAIT_VALUE : SIM_OP_WRITE_VALUE, handle,
                                 one->address, narrow ? one->value : one->value64, narrow ? 4 : 8,
                                 one->flags, per_thread);
    }
    return result;
}

#define BATCH_FORMS(suffix, per_thread)                                                            \
    CU_EXPORT CUresult cuStreamBatchMemOp##suffix(                                                 \
        CUstream stream, unsigned count, CUstreamBatchMemOpParams *operations, unsigned flags) {   \
        return value_operations(stream, count, operations, flags, per_thread);                     \
    }

BATCH_FORMS(, false)
BATCH_FORMS(_ptsz, true)
BATCH_FORMS(_v2, false)
BATCH_FORMS(_v2_ptsz, true)

VALUE_FORMS(, false)
VALUE_FORMS(_ptsz, true)
VALUE_FORMS(_v2, false)
VALUE_FORMS(_v2_ptsz, true)

SIM_ALIAS(cuStreamDestroy, cuStreamDestroy_v2);
