/* Copies and memsets of every kind, in order with kernels and with each other. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_NS = 2000, BYTES = 4096, PITCH = 512, ROWS = 8, LARGE = 10 << 20 };

/* All of these are looked up: which of them a driver has differs. */
#define COPY_CALLS(CALL)                                                                           \
    CALL(cuMemcpy, (CUdeviceptr, CUdeviceptr, size_t))                                             \
    CALL(cuMemcpyAsync, (CUdeviceptr, CUdeviceptr, size_t, CUstream))                              \
    CALL(cuMemcpyHtoD_v2_ptds, (CUdeviceptr, const void *, size_t))                                \
    CALL(cuMemcpyDtoH_v2_ptds, (void *, CUdeviceptr, size_t))                                      \
    CALL(cuMemcpyPeer, (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t))                   \
    CALL(cuMemcpyPeerAsync, (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream))    \
    CALL(cuMemsetD8Async, (CUdeviceptr, unsigned char, size_t, CUstream))                          \
    CALL(cuMemsetD16_v2, (CUdeviceptr, unsigned short, size_t))                                    \
    CALL(cuMemsetD16Async, (CUdeviceptr, unsigned short, size_t, CUstream))                        \
    CALL(cuMemsetD2D8_v2, (CUdeviceptr, size_t, unsigned char, size_t, size_t))                    \
    CALL(cuMemsetD2D16_v2, (CUdeviceptr, size_t, unsigned short, size_t, size_t))                  \
    CALL(cuMemsetD2D32_v2, (CUdeviceptr, size_t, unsigned, size_t, size_t))                        \
    CALL(cuMemsetD2D8Async, (CUdeviceptr, size_t, unsigned char, size_t, size_t, CUstream))        \
    CALL(cuMemsetD2D16Async, (CUdeviceptr, size_t, unsigned short, size_t, size_t, CUstream))      \
    CALL(cuMemsetD2D32Async, (CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream))            \
    CALL(cuMemcpy2D_v2, (const CUDA_MEMCPY2D *))                                                   \
    CALL(cuMemcpy2DUnaligned_v2, (const CUDA_MEMCPY2D *))                                          \
    CALL(cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D *, CUstream))                                    \
    CALL(cuMemcpy3D_v2, (const CUDA_MEMCPY3D *))                                                   \
    CALL(cuMemcpy3DAsync_v2, (const CUDA_MEMCPY3D *, CUstream))                                    \
    CALL(cuMemAllocManaged, (CUdeviceptr *, size_t, unsigned))                                     \
    CALL(cuMemPrefetchAsync, (CUdeviceptr, size_t, CUdevice, CUstream))                            \
    CALL(cuMemPrefetchAsync_v2, (CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream))          \
    CALL(cuMemcpyBatchAsync, (CUdeviceptr *, CUdeviceptr *, size_t *, size_t,                      \
                              struct copy_attributes *, size_t *, size_t, size_t *, CUstream))     \
    CALL(cuMemcpyBatchAsync_v2, (CUdeviceptr *, CUdeviceptr *, size_t *, size_t,                   \
                                 struct copy_attributes *, size_t *, size_t, CUstream))

struct copy_attributes {
    int order; /* 1: as in the stream */
    CUmemLocation from, to;
    unsigned flags;
};

#define DECLARE(name, parameters) static CUresult(*name) parameters;
COPY_CALLS(DECLARE)

/* Prints a call where the driver has it. */
#define TRY(function, ...)                                                                         \
    do {                                                                                           \
        if ((function) != NULL)                                                                    \
            SHOW((function)(__VA_ARGS__));                                                         \
        else                                                                                       \
            SKIP("no " #function);                                                                 \
    } while (0)

static CUstream stream;
static CUdeviceptr device, second;
static unsigned char *pageable, *pinned;

static void fill_host(unsigned char *bytes, size_t size, uint32_t seed) {
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525U + 1013904223U;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

static void say_host(const char *what, const void *bytes, size_t size) {
    say("%s %08" PRIx32, what, digest(bytes, size));
}

static void at_once(void) {
    program_section("at once");
    fill_host(pageable, BYTES, 1);
    SHOW(cuMemcpyHtoD(device, pageable, BYTES));
    SHOW(cuMemcpyDtoD(second, device, BYTES));
    memset(pageable, 0, BYTES);
    SHOW(cuMemcpyDtoH(pageable, second, BYTES));
    say_host("back", pageable, BYTES);
    fill_host(pinned, BYTES, 2);
    SHOW(cuMemcpyHtoD(device, pinned, BYTES));
    TRY(cuMemcpy, second, device, BYTES);
    TRY(cuMemcpy, (CUdeviceptr)(uintptr_t)pinned, second + 16, BYTES - 16);
    say_host("pinned", pinned, BYTES);
    TRY(cuMemcpyHtoD_v2_ptds, device, pageable, BYTES);
    TRY(cuMemcpyDtoH_v2_ptds, pinned, device, BYTES);
    say_host("own stream", pinned, BYTES);
    SHOW(cuMemcpyHtoD(device, pageable, 0));
    SHOW(cuMemcpyHtoD(16, pageable, BYTES));
    SHOW(cuMemsetD32(device + 2, 1, 1));
}

/* Copies between kernels: each sees what was before it and nothing later. */
static void in_order(void) {
    program_section("in order");
    uint32_t *words = (uint32_t *)pinned;
    words_set(device, BYTES / 4, 0);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t value = 3 * i;
        NEED(mix(stream, SHORT_NS, device, i));
        NEED(cuMemcpyDtoDAsync(device + 4, device, 4, stream));
        NEED(cuMemcpyDtoHAsync(&words[i], device + 4, 4, stream));
        /* From pageable memory, which is free for other use when the call returns. */
        NEED(cuMemcpyHtoDAsync(device + 8, &value, 4, stream));
        NEED(cuMemcpyDtoDAsync(device + 12 + 4 * (size_t)i, device + 8, 4, stream));
    }
    SHOW(cuStreamSynchronize(stream));
    say_host("words", words, 60 * sizeof *words);
    say_memory("device", device, BYTES);
    fill_host(pinned, BYTES, 3);
    TRY(cuMemcpyAsync, device, (CUdeviceptr)(uintptr_t)pinned, BYTES, stream);
    TRY(cuMemcpyAsync, second, device, BYTES, stream);
    TRY(cuMemcpyAsync, (CUdeviceptr)(uintptr_t)pinned, second + 4, BYTES - 4, stream);
    SHOW(cuStreamSynchronize(stream));
    say_host("any to any", pinned, BYTES);
}

/* Large enough that they may be made in pieces. */
static void large(void) {
    CUdeviceptr from, to;
    unsigned char *host = pinned_make(LARGE), *other = malloc(LARGE);
    program_section("large");
    MUST(other != NULL);
    NEED(cuMemAlloc(&from, LARGE));
    NEED(cuMemAlloc(&to, LARGE));
    words_set(to, LARGE / 4, 0);
    for (uint32_t i = 0; i < 3; i++) {
        fill_host(host, LARGE, 4 + i);
        NEED(cuMemcpyHtoDAsync(from, host, LARGE, stream));
        NEED(mix(stream, SHORT_NS, from + LARGE - 4, i));
        NEED(cuMemcpyDtoDAsync(to + 4, from, LARGE - 4, stream));
        NEED(mix(stream, SHORT_NS, to + LARGE / 2, i));
        NEED(cuMemcpyDtoHAsync(host, to, LARGE - 1, stream));
        NEED(cuStreamSynchronize(stream));
        say_host("asynchronous", host, LARGE);
        NEED(cuMemcpyHtoD(from, host, LARGE));
        NEED(cuMemcpyDtoD(to, from, LARGE));
        NEED(cuMemcpyDtoH(other, to, LARGE));
        say_host("synchronous", other, LARGE);
        NEED(cuMemsetD32Async(to, i, LARGE / 4, stream));
        NEED(mix(stream, SHORT_NS, to, 1));
        NEED(cuStreamSynchronize(stream));
        say_memory("memset", to, LARGE);
    }
    NEED(cuMemFree(from));
    NEED(cuMemFree(to));
    NEED(cuMemFreeHost(host));
    free(other);
}

static void memsets(void) {
    program_section("memsets");
    SHOW(cuMemsetD8(device, 1, BYTES));
    TRY(cuMemsetD16_v2, device + 2, 0x203, 300);
    SHOW(cuMemsetD32(device + 1024, 0x4050607, 200));
    say_memory("at once", device, BYTES);
    TRY(cuMemsetD8Async, device + 7, 8, 100, stream);
    TRY(cuMemsetD16Async, device + 200, 0x90a, 100, stream);
    SHOW(cuMemsetD32Async(device + 512, 0xb0c0d0e, 100, stream));
    SHOW(mix(stream, SHORT_NS, device + 512, 1));
    say_memory("in order", device, BYTES);
    TRY(cuMemsetD2D8_v2, device, PITCH, 1, 100, ROWS);
    TRY(cuMemsetD2D16_v2, device + 128, PITCH, 0x203, 50, ROWS);
    TRY(cuMemsetD2D32_v2, device + 256, PITCH, 0x4050607, 30, ROWS - 1);
    say_memory("rows at once", device, BYTES);
    TRY(cuMemsetD2D8Async, device + 5, PITCH, 8, 33, ROWS, stream);
    TRY(cuMemsetD2D16Async, device + 130, PITCH, 0x90a, 20, ROWS - 2, stream);
    TRY(cuMemsetD2D32Async, device + 260, PITCH, 0xb0c0d0e, 10, ROWS, stream);
    SHOW(mix(stream, SHORT_NS, device + 260, 1));
    say_memory("rows in order", device, BYTES);
}

static CUDA_MEMCPY2D rows(CUmemorytype from, CUmemorytype to) {
    return (CUDA_MEMCPY2D){.srcXInBytes = 12,
                           .srcY = 1,
                           .srcMemoryType = from,
                           .srcHost = pageable,
                           .srcDevice = device,
                           .srcPitch = PITCH,
                           .dstXInBytes = 4,
                           .dstMemoryType = to,
                           .dstHost = pinned,
                           .dstDevice = second,
                           .dstPitch = PITCH / 2,
                           .WidthInBytes = 200,
                           .Height = ROWS - 2};
}

static void pitched(void) {
    CUDA_MEMCPY2D to_device = rows(CU_MEMORYTYPE_HOST, CU_MEMORYTYPE_DEVICE);
    CUDA_MEMCPY2D inside = rows(CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_DEVICE);
    CUDA_MEMCPY2D to_host = rows(CU_MEMORYTYPE_DEVICE, CU_MEMORYTYPE_HOST);
    program_section("pitched");
    fill_host(pageable, BYTES, 9);
    memset(pinned, 0, BYTES);
    words_set(device, BYTES / 4, 7);
    words_set(second, BYTES / 4, 5);
    TRY(cuMemcpy2D_v2, &to_device);
    say_memory("to the device", second, BYTES);
    TRY(cuMemcpy2DUnaligned_v2, &inside);
    say_memory("inside", second, BYTES);
    TRY(cuMemcpy2D_v2, &to_host);
    say_host("to the host", pinned, BYTES);
    to_device.dstDevice = device;
    TRY(cuMemcpy2DAsync_v2, &to_device, stream);
    SHOW(mix(stream, SHORT_NS, device + 4, 1));
    TRY(cuMemcpy2DAsync_v2, &inside, stream);
    TRY(cuMemcpy2DAsync_v2, &to_host, stream);
    SHOW(cuStreamSynchronize(stream));
    say_host("asynchronous", pinned, BYTES);
    say_memory("asynchronous", second, BYTES);
    CUDA_MEMCPY3D cube = {.srcMemoryType = CU_MEMORYTYPE_HOST,
                          .srcHost = pageable,
                          .srcPitch = 64,
                          .srcHeight = 8,
                          .dstXInBytes = 8,
                          .dstZ = 1,
                          .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                          .dstDevice = device,
                          .dstPitch = 128,
                          .dstHeight = 6,
                          .WidthInBytes = 40,
                          .Height = 5,
                          .Depth = 3};
    TRY(cuMemcpy3D_v2, &cube);
    say_memory("a cube", device, BYTES);
    cube.srcY = 1;
    TRY(cuMemcpy3DAsync_v2, &cube, stream);
    SHOW(mix(stream, SHORT_NS, device + 8, 1));
    SHOW(cuStreamSynchronize(stream));
    say_memory("another", device, BYTES);
}

static void batches(void) {
    CUdeviceptr to[3] = {device, device + 1024, (CUdeviceptr)(uintptr_t)pinned};
    CUdeviceptr from[3] = {(CUdeviceptr)(uintptr_t)pinned + 2048, second, second + 512};
    size_t sizes[3] = {500, 600, 700}, attribute_of[1] = {0}, failed = 0;
    struct copy_attributes attributes[1] = {{.order = 1}};
    program_section("batches");
    fill_host(pinned, BYTES, 11);
    NEED(cuMemcpyHtoD(second, pageable, BYTES));
    words_set(device, BYTES / 4, 1);
    SHOW(mix(stream, SHORT_NS, second, 3));
    TRY(cuMemcpyBatchAsync, to, from, sizes, 3, attributes, attribute_of, 1, &failed, stream);
    SHOW(mix(stream, SHORT_NS, device, 4));
    SHOW(cuStreamSynchronize(stream));
    say_memory("device", device, BYTES);
    say_host("host", pinned, BYTES);
    TRY(cuMemcpyBatchAsync_v2, to, from, sizes, 3, attributes, attribute_of, 1, stream);
    SHOW(cuStreamSynchronize(stream));
    say_memory("device", device, BYTES);
}

static void managed(void) {
    CUdeviceptr memory;
    program_section("managed");
    if (cuMemAllocManaged == NULL || cuMemAllocManaged(&memory, BYTES, 1) != CUDA_SUCCESS) {
        SKIP("no managed memory");
        return;
    }
    uint32_t *words = (uint32_t *)memory;
    for (uint32_t i = 0; i < BYTES / 4; i++)
        words[i] = i;
    /* A driver may refuse it for memory that does not move: what it says stays the same. */
    TRY(cuMemPrefetchAsync, memory, BYTES, program.device, stream);
    SHOW(mix(stream, SHORT_NS, memory + 40, 2));
    TRY(cuMemPrefetchAsync_v2, memory, BYTES, ((CUmemLocation){1, program.device}), 0, stream);
    SHOW(mix(stream, SHORT_NS, memory + 44, 2));
    SHOW(cuStreamSynchronize(stream));
    say_host("words", words, BYTES);
    NEED(cuMemFree(memory));
}

static void peers(void) {
    CUdevice other;
    CUcontext there;
    CUdeviceptr remote;
    int count = 0;
    program_section("peers");
    NEED(cuDeviceGetCount(&count));
    NEED(cuMemcpyHtoD(device, pageable, BYTES));
    TRY(cuMemcpyPeer, second, program.context, device, program.context, BYTES);
    say_memory("on one device", second, BYTES);
    if (count < 2) {
        SKIP("one device");
        return;
    }
    NEED(cuDeviceGet(&other, 1));
    NEED(cuDevicePrimaryCtxRetain(&there, other));
    NEED(cuCtxSetCurrent(there));
    NEED(cuMemAlloc(&remote, BYTES));
    program_join();
    SHOW(mix(stream, SHORT_NS, device, 1));
    TRY(cuMemcpyPeerAsync, remote, there, device, program.context, BYTES, stream);
    TRY(cuMemcpyPeerAsync, second, program.context, remote, there, BYTES, stream);
    SHOW(mix(stream, SHORT_NS, second, 1));
    say_memory("there and back", second, BYTES);
}

int main(void) {
    program_start("copies");
#define LOOK_UP(name, parameters) FIND(name, #name);
    COPY_CALLS(LOOK_UP)
    stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    NEED(cuMemAlloc(&device, BYTES));
    NEED(cuMemAlloc(&second, BYTES));
    pinned = pinned_make(BYTES);
    pageable = malloc(BYTES);
    MUST(pageable != NULL);
    at_once();
    in_order();
    large();
    memsets();
    pitched();
    batches();
    managed();
    peers();
    free(pageable);
    return 0;
}
