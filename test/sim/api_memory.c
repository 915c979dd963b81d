/* Memory: allocation and freeing. */
#include <string.h>

#include "api.h"
#include "memory.h"
#include "model.h"

static CUresult allocate(enum memory_kind kind, uint64_t size, uint64_t *address) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result == CUDA_SUCCESS && !address)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        result = capture_check_unsafe(NULL);
    return result == CUDA_SUCCESS ? memory_allocate(context, kind, size, address) : result;
}

/* Freeing waits for everything that might still use the memory, as the driver does. */
static CUresult free_after_work(enum memory_kind kind, uint64_t address) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result == CUDA_SUCCESS && address == 0)
        return kind == MEMORY_PINNED ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    if (result == CUDA_SUCCESS)
        result = capture_check_unsafe(NULL);
    if (result != CUDA_SUCCESS)
        return result;
    if (!memory_starts_at(kind, address))
        return CUDA_ERROR_INVALID_VALUE;
    result = queue_wait_context(context);
    pthread_mutex_lock(&runtime.lock);
    memory_free_now(address);
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

CU_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
    uint64_t memory = 0;
    CUresult result = allocate(MEMORY_DEVICE, size, address ? &memory : NULL);
    if (result == CUDA_SUCCESS)
        *address = memory;
    return result;
}

CU_EXPORT CUresult cuMemAllocManaged(CUdeviceptr *address, size_t size, unsigned flags) {
    if (flags != 1 && flags != 2)
        return CUDA_ERROR_INVALID_VALUE;
    uint64_t memory = 0;
    CUresult result = allocate(MEMORY_MANAGED, size, address ? &memory : NULL);
    if (result == CUDA_SUCCESS)
        *address = memory;
    return result;
}

CU_EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
    return free_after_work(MEMORY_DEVICE, address);
}

CU_EXPORT CUresult cuMemHostAlloc(void **memory, size_t size, unsigned flags) {
    if (flags > 7)
        return CUDA_ERROR_INVALID_VALUE;
    uint64_t address = 0;
    CUresult result = allocate(MEMORY_PINNED, size, memory ? &address : NULL);
    if (result == CUDA_SUCCESS)
        *memory = (void *)address;
    return result;
}

CU_EXPORT CUresult cuMemAllocHost_v2(void **memory, size_t size) {
    return cuMemHostAlloc(memory, size, 0);
}

CU_EXPORT CUresult cuMemFreeHost(void *memory) {
    return free_after_work(MEMORY_PINNED, (uint64_t)memory);
}

CU_EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *memory,
                                                unsigned flags) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (!address || flags || !memory_is_pinned_host((uint64_t)memory, 1))
        return CUDA_ERROR_INVALID_VALUE;
    *address = (CUdeviceptr)(uintptr_t)memory;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (!available || !total)
        return CUDA_ERROR_INVALID_VALUE;
    *total = SIM_DEVICE_MEMORY;
    *available = SIM_DEVICE_MEMORY - memory_in_use(context->device);
    return CUDA_SUCCESS;
}

/* Memory of the stream-ordered allocator exists at once and goes when the stream gets there. */
static CUresult allocate_async(CUdeviceptr *address, size_t size, CUstream handle,
                               bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!address)
        return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture)
        return capture_check_unsafe(stream);
    uint64_t memory;
    result = memory_allocate(stream->context, MEMORY_DEVICE, size, &memory);
    if (result == CUDA_SUCCESS)
        *address = memory;
    return result;
}

static CUresult free_async(CUdeviceptr address, CUstream handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (stream->capture)
        return capture_check_unsafe(stream);
    if (!memory_starts_at(MEMORY_DEVICE, address))
        return CUDA_ERROR_INVALID_VALUE;
    struct submission submission = {
        .engine = SIM_ENGINE_NONE,
        .payload = {.kind = SIM_OP_FREE, .target = address, .interesting = true}};
    return queue_submit(stream, &submission, NULL);
}

CU_EXPORT CUresult cuMemAllocAsync(CUdeviceptr *address, size_t size, CUstream stream) {
    return allocate_async(address, size, stream, false);
}
CU_EXPORT CUresult cuMemAllocAsync_ptsz(CUdeviceptr *address, size_t size, CUstream stream) {
    return allocate_async(address, size, stream, true);
}
CU_EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
    return free_async(address, stream, false);
}
CU_EXPORT CUresult cuMemFreeAsync_ptsz(CUdeviceptr address, CUstream stream) {
    return free_async(address, stream, true);
}
