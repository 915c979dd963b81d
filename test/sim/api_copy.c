/* Copies and memsets of a run of bytes, and what all of them have in common. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "copy.h"
#include "memory.h"
#include "model.h"

/* How far it is from the first byte to the one after the last. */
static uint64_t extent(const struct shape *shape, size_t size, uint64_t pitch, uint64_t layer) {
    if (!shape->rows)
        return size;
    return (shape->layers - 1) * layer + (shape->rows - 1) * pitch +
           size / shape->rows / shape->layers;
}

/* Pageable memory of the host is copied to a buffer of the driver's own before the call returns. */
static CUresult stage(struct submission *submission, uint64_t size) {
    struct payload *payload = &submission->payload;
    if (memory_is_pinned_host(payload->source, size))
        return CUDA_SUCCESS;
    void *copy = malloc(size);
    if (!copy)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(copy, (const void *)payload->source, size);
    payload->source = (uint64_t)copy;
    payload->staged = true;
    return CUDA_SUCCESS;
}

CUresult copy_submit(int kind, uint64_t target, uint64_t source, size_t size,
                     const struct shape *shape, CUstream handle, bool per_thread,
                     enum copy_manner manner) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS || size == 0)
        return result;
    uint64_t target_size = extent(shape, size, shape->target_pitch, shape->target_layer);
    uint64_t source_size = extent(shape, size, shape->source_pitch, shape->source_layer);
    if (!target || !source || (kind != SIM_OP_COPY_D2H && !memory_contains(target, target_size)) ||
        (kind != SIM_OP_COPY_H2D && !memory_contains(source, source_size)))
        return CUDA_ERROR_INVALID_VALUE;
    if (manner == COPY_SYNC) {
        result = capture_check_unsafe(stream);
        if (result != CUDA_SUCCESS)
            return result;
    }
    uint64_t since = runtime_now();
    bool to_pageable = kind == SIM_OP_COPY_D2H && !memory_is_pinned_host(target, target_size);
    struct submission submission = {.engine =
                                        kind == SIM_OP_COPY_D2H ? SIM_ENGINE_D2H : SIM_ENGINE_H2D,
                                    .duration = copy_duration(kind, size),
                                    .latency = SIM_START_LATENCY_NS,
                                    .payload = {.kind = (uint8_t)kind,
                                                .target = target,
                                                .source = source,
                                                .size = size,
                                                .interesting = !memory_is_private(target)}};
    submission.payload.shape = *shape;
    bool waits = (manner == COPY_SYNC && kind != SIM_OP_COPY_D2D) || to_pageable;
    bool capturing = stream->capture != NULL;
    if (kind == SIM_OP_COPY_H2D && manner == COPY_ASYNC && !capturing) {
        result = stage(&submission, source_size);
        if (result != CUDA_SUCCESS)
            return result;
    }
    uint64_t number;
    result = queue_submit(stream, &submission, &number);
    if (result != CUDA_SUCCESS) {
        if (submission.payload.staged)
            free((void *)submission.payload.source);
        return result;
    }
    if (capturing)
        return CUDA_SUCCESS;
    if (waits)
        return queue_wait(stream, number);
    host_delay(since, SIM_HOST_COPY_NS);
    return CUDA_SUCCESS;
}

static const struct shape one_run;

static CUresult copy(int kind, uint64_t target, uint64_t source, size_t size, CUstream handle,
                     bool per_thread, enum copy_manner manner) {
    return copy_submit(kind, target, source, size, &one_run, handle, per_thread, manner);
}

int copy_kind(uint64_t target, uint64_t source) {
    bool to_device = memory_is_private(target), from_device = memory_is_private(source);
    if (to_device == from_device)
        return SIM_OP_COPY_D2D;
    return to_device ? SIM_OP_COPY_H2D : SIM_OP_COPY_D2H;
}

CUresult fill_submit(uint64_t target, uint64_t value, uint32_t width, size_t count,
                     const struct shape *shape, CUstream handle, bool per_thread,
                     enum copy_manner manner) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS || count == 0)
        return result;
    if (count > SIM_DEVICE_MEMORY ||
        !memory_contains(target, extent(shape, count * width, shape->target_pitch, 0)) ||
        target % width || shape->target_pitch % width)
        return CUDA_ERROR_INVALID_VALUE;
    if (manner == COPY_SYNC) {
        result = capture_check_unsafe(stream);
        if (result != CUDA_SUCCESS)
            return result;
    }
    uint64_t since = runtime_now();
    struct submission submission = {.engine = SIM_ENGINE_COMPUTE,
                                    .duration = copy_duration(SIM_OP_MEMSET, count * width),
                                    .latency = SIM_START_LATENCY_NS,
                                    .payload = {.kind = SIM_OP_MEMSET,
                                                .target = target,
                                                .size = count * width,
                                                .width = width,
                                                .interesting = !memory_is_private(target)}};
    submission.payload.value = value;
    submission.payload.shape = *shape;
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS && !stream->capture)
        host_delay(since, SIM_HOST_COPY_NS);
    return result;
}

static CUresult fill(uint64_t target, uint64_t value, uint32_t width, size_t count, CUstream handle,
                     bool per_thread, bool async) {
    return fill_submit(target, value, width, count, &one_run, handle, per_thread,
                       async ? COPY_ASYNC : COPY_SYNC);
}

/* All devices' memory is one address space here. */
static CUresult peer(uint64_t to, CUcontext to_context, uint64_t from, CUcontext from_context,
                     size_t size, CUstream handle, bool per_thread, enum copy_manner manner) {
    if (!handle_find(HANDLE_CONTEXT, to_context) || !handle_find(HANDLE_CONTEXT, from_context))
        return CUDA_ERROR_INVALID_CONTEXT;
    return copy(SIM_OP_COPY_D2D, to, from, size, handle, per_thread, manner);
}

/* The copies of a batch may run in any order; here they keep the one they are given in. */
static CUresult batch(const CUdeviceptr *to, const CUdeviceptr *from, const size_t *sizes,
                      size_t count, size_t *failed, CUstream handle, bool per_thread) {
    if (!to || !from || !sizes || count == 0 || handle == NULL || handle == CU_STREAM_LEGACY)
        return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; i++) {
        CUresult result = copy(copy_kind(to[i], from[i]), to[i], from[i], sizes[i], handle,
                               per_thread, COPY_ASYNC);
        if (result != CUDA_SUCCESS && failed)
            *failed = i;
        if (result != CUDA_SUCCESS)
            return result;
    }
    return CUDA_SUCCESS;
}

/* Managed memory is where everybody sees it already: what is left is the time that it takes. */
static CUresult prefetch(uint64_t address, size_t size, int device, CUstream handle,
                         bool per_thread) {
    if (!memory_is_pinned_host(address, size) || device < -1 ||
        device >= (int)runtime.visible_count)
        return CUDA_ERROR_INVALID_VALUE;
    return copy(SIM_OP_COPY_H2D, address, address, size, handle, per_thread, COPY_ASYNC);
}

#define ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

/* The synchronous forms have _ptds twins that use the thread's default stream. */
#define SYNC_FORMS(suffix, per_thread)                                                             \
    CU_EXPORT CUresult cuMemcpyHtoD_v2##suffix(CUdeviceptr to, const void *from, size_t n) {       \
        return copy(SIM_OP_COPY_H2D, to, ADDRESS(from), n, NULL, per_thread, COPY_SYNC);           \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyDtoH_v2##suffix(void *to, CUdeviceptr from, size_t n) {             \
        return copy(SIM_OP_COPY_D2H, ADDRESS(to), from, n, NULL, per_thread, COPY_SYNC);           \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyDtoD_v2##suffix(CUdeviceptr to, CUdeviceptr from, size_t n) {       \
        return copy(SIM_OP_COPY_D2D, to, from, n, NULL, per_thread, COPY_SYNC);                    \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpy##suffix(CUdeviceptr to, CUdeviceptr from, size_t n) {              \
        return copy(copy_kind(to, from), to, from, n, NULL, per_thread, COPY_SYNC);                \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD8_v2##suffix(CUdeviceptr to, unsigned char value, size_t n) {      \
        return fill(to, value, 1, n, NULL, per_thread, false);                                     \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD16_v2##suffix(CUdeviceptr to, unsigned short value, size_t n) {    \
        return fill(to, value, 2, n, NULL, per_thread, false);                                     \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyPeer##suffix(CUdeviceptr to, CUcontext to_context,                  \
                                            CUdeviceptr from, CUcontext from_context, size_t n) {  \
        return peer(to, to_context, from, from_context, n, NULL, per_thread, COPY_SYNC);           \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD32_v2##suffix(CUdeviceptr to, unsigned value, size_t n) {          \
        return fill(to, value, 4, n, NULL, per_thread, false);                                     \
    }

#define ASYNC_FORMS(name_version, suffix, per_thread)                                              \
    CU_EXPORT CUresult cuMemcpyHtoDAsync##name_version(CUdeviceptr to, const void *from, size_t n, \
                                                       CUstream stream) {                          \
        return copy(SIM_OP_COPY_H2D, to, ADDRESS(from), n, stream, per_thread, COPY_ASYNC);        \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyDtoHAsync##name_version(void *to, CUdeviceptr from, size_t n,       \
                                                       CUstream stream) {                          \
        return copy(SIM_OP_COPY_D2H, ADDRESS(to), from, n, stream, per_thread, COPY_ASYNC);        \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyDtoDAsync##name_version(CUdeviceptr to, CUdeviceptr from, size_t n, \
                                                       CUstream stream) {                          \
        return copy(SIM_OP_COPY_D2D, to, from, n, stream, per_thread, COPY_ASYNC);                 \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyAsync##suffix(CUdeviceptr to, CUdeviceptr from, size_t n,           \
                                             CUstream stream) {                                    \
        return copy(copy_kind(to, from), to, from, n, stream, per_thread, COPY_ASYNC);             \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD8Async##suffix(CUdeviceptr to, unsigned char value, size_t n,      \
                                               CUstream stream) {                                  \
        return fill(to, value, 1, n, stream, per_thread, true);                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD16Async##suffix(CUdeviceptr to, unsigned short value, size_t n,    \
                                                CUstream stream) {                                 \
        return fill(to, value, 2, n, stream, per_thread, true);                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyPeerAsync##suffix(CUdeviceptr to, CUcontext to_context,             \
                                                 CUdeviceptr from, CUcontext from_context,         \
                                                 size_t n, CUstream stream) {                      \
        return peer(to, to_context, from, from_context, n, stream, per_thread, COPY_ASYNC);        \
    }                                                                                              \
    CU_EXPORT CUresult cuMemcpyBatchAsync##suffix(                                                 \
        CUdeviceptr *to, CUdeviceptr *from, size_t *sizes, size_t count, void *attributes,         \
        size_t *attribute_of, size_t attribute_count, size_t *failed, CUstream stream) {           \
        if (!attributes || !attribute_of || attribute_count == 0 || attribute_count > count)       \
            return CUDA_ERROR_INVALID_VALUE;                                                       \
        return batch(to, from, sizes, count, failed, stream, per_thread);                          \
    }                                                                                              \
    CU_EXPORT CUresult cuMemPrefetchAsync##suffix(CUdeviceptr at, size_t n, CUdevice device,       \
                                                  CUstream stream) {                               \
        return prefetch(at, n, device, stream, per_thread);                                        \
    }                                                                                              \
    CU_EXPORT CUresult cuMemPrefetchAsync_v2##suffix(                                              \
        CUdeviceptr at, size_t n, CUmemLocation place, unsigned flags, CUstream stream) {          \
        if (flags)                                                                                 \
            return CUDA_ERROR_INVALID_VALUE;                                                       \
        return prefetch(at, n, place.type == 1 ? place.id : -1, stream, per_thread);               \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD32Async##suffix(CUdeviceptr to, unsigned value, size_t n,          \
                                                CUstream stream) {                                 \
        return fill(to, value, 4, n, stream, per_thread, true);                                    \
    }

SYNC_FORMS(, false)
SYNC_FORMS(_ptds, true)
ASYNC_FORMS(_v2, , false)
ASYNC_FORMS(_v2_ptsz, _ptsz, true)
