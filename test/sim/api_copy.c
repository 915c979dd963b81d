/* Copies and memsets. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "memory.h"
#include "model.h"

enum copy_manner { COPY_SYNC, COPY_ASYNC };

static bool device_range(uint64_t address, uint64_t size) {
    return memory_contains(address, size);
}

/* Pageable memory of the host is copied to a buffer of the driver's own before the call returns. */
static CUresult stage(struct submission *submission) {
    struct payload *payload = &submission->payload;
    if (memory_is_pinned_host(payload->source, payload->size))
        return CUDA_SUCCESS;
    void *copy = malloc(payload->size);
    if (!copy)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(copy, (const void *)payload->source, payload->size);
    payload->source = (uint64_t)copy;
    payload->staged = true;
    return CUDA_SUCCESS;
}

static CUresult copy(int kind, uint64_t target, uint64_t source, size_t size, CUstream handle,
                     bool per_thread, enum copy_manner manner) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS || size == 0)
        return result;
    if (!target || !source || (kind != SIM_OP_COPY_D2H && !device_range(target, size)) ||
        (kind != SIM_OP_COPY_H2D && !device_range(source, size)))
        return CUDA_ERROR_INVALID_VALUE;
    if (manner == COPY_SYNC) {
        result = capture_check_unsafe(stream);
        if (result != CUDA_SUCCESS)
            return result;
    }
    uint64_t since = runtime_now();
    bool to_pageable = kind == SIM_OP_COPY_D2H && !memory_is_pinned_host(target, size);
    struct submission submission = {.engine =
                                        kind == SIM_OP_COPY_D2H ? SIM_ENGINE_D2H : SIM_ENGINE_H2D,
                                    .duration = copy_duration(kind, size),
                                    .latency = SIM_START_LATENCY_NS,
                                    .payload = {.kind = (uint8_t)kind,
                                                .target = target,
                                                .source = source,
                                                .size = size,
                                                .interesting = !memory_is_private(target)}};
    bool waits = (manner == COPY_SYNC && kind != SIM_OP_COPY_D2D) || to_pageable;
    bool capturing = stream->capture != NULL;
    if (kind == SIM_OP_COPY_H2D && manner == COPY_ASYNC && !capturing) {
        result = stage(&submission);
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

static int kind_of(uint64_t target, uint64_t source) {
    bool to_device = memory_is_private(target), from_device = memory_is_private(source);
    if (to_device == from_device)
        return SIM_OP_COPY_D2D;
    return to_device ? SIM_OP_COPY_H2D : SIM_OP_COPY_D2H;
}

static CUresult fill(uint64_t target, uint64_t value, uint32_t width, size_t count, CUstream handle,
                     bool per_thread, bool async) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS || count == 0)
        return result;
    if (count > SIM_DEVICE_MEMORY || !device_range(target, count * width) || target % width)
        return CUDA_ERROR_INVALID_VALUE;
    if (!async) {
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
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS && !stream->capture)
        host_delay(since, SIM_HOST_COPY_NS);
    return result;
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
        return copy(kind_of(to, from), to, from, n, NULL, per_thread, COPY_SYNC);                  \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD8_v2##suffix(CUdeviceptr to, unsigned char value, size_t n) {      \
        return fill(to, value, 1, n, NULL, per_thread, false);                                     \
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
        return copy(kind_of(to, from), to, from, n, stream, per_thread, COPY_ASYNC);               \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD8Async##suffix(CUdeviceptr to, unsigned char value, size_t n,      \
                                               CUstream stream) {                                  \
        return fill(to, value, 1, n, stream, per_thread, true);                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuMemsetD32Async##suffix(CUdeviceptr to, unsigned value, size_t n,          \
                                                CUstream stream) {                                 \
        return fill(to, value, 4, n, stream, per_thread, true);                                    \
    }

SYNC_FORMS(, false)
SYNC_FORMS(_ptds, true)
ASYNC_FORMS(_v2, , false)
ASYNC_FORMS(_v2_ptsz, _ptsz, true)
