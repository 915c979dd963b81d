/* Copies and memsets of rows and layers, batches of copies and of values. Prints "ok". */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

enum { SIZE = 4096 };

#define CALLS(CALL)                                                                                \
    CALL(cuMemcpy2D_v2, (const CUDA_MEMCPY2D *))                                                   \
    CALL(cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D *, CUstream))                                    \
    CALL(cuMemcpy3D_v2, (const CUDA_MEMCPY3D *))                                                   \
    CALL(cuMemsetD16_v2, (CUdeviceptr, unsigned short, size_t))                                    \
    CALL(cuMemsetD2D8_v2, (CUdeviceptr, size_t, unsigned char, size_t, size_t))                    \
    CALL(cuMemsetD2D32Async, (CUdeviceptr, size_t, unsigned, size_t, size_t, CUstream))            \
    CALL(cuMemcpyPeerAsync, (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream))    \
    CALL(cuMemAllocManaged, (CUdeviceptr *, size_t, unsigned))                                     \
    CALL(cuMemPrefetchAsync_v2, (CUdeviceptr, size_t, CUmemLocation, unsigned, CUstream))          \
    CALL(cuMemcpyBatchAsync, (CUdeviceptr *, CUdeviceptr *, size_t *, size_t, void *, size_t *,    \
                              size_t, size_t *, CUstream))                                         \
    CALL(cuStreamBatchMemOp_v2, (CUstream, unsigned, CUstreamBatchMemOpParams *, unsigned))

#define DECLARE(name, parameters) static CUresult(*name) parameters;
CALLS(DECLARE)

static CUstream stream;
static CUdeviceptr device, second;
static unsigned char host[SIZE], back[SIZE], wanted[SIZE];

/* What is at a device address is what was wanted. */
static void expect_device(CUdeviceptr address) {
    CHECK(cuCtxSynchronize());
    CHECK(cuMemcpyDtoH(back, address, SIZE));
    EXPECT(memcmp(back, wanted, SIZE), 0);
}

static void clear(CUdeviceptr address) {
    CHECK(cuMemsetD8(address, 0, SIZE));
    CHECK(cuCtxSynchronize());
    memset(wanted, 0, SIZE);
}

static void rows(void) {
    CUDA_MEMCPY2D copy = {.srcXInBytes = 3,
                          .srcY = 2,
                          .srcMemoryType = CU_MEMORYTYPE_HOST,
                          .srcHost = host,
                          .srcPitch = 100,
                          .dstXInBytes = 5,
                          .dstY = 1,
                          .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                          .dstDevice = device,
                          .dstPitch = 200,
                          .WidthInBytes = 50,
                          .Height = 7};
    clear(device);
    for (size_t y = 0; y < 7; y++)
        memcpy(wanted + (y + 1) * 200 + 5, host + (y + 2) * 100 + 3, 50);
    CHECK(cuMemcpy2D_v2(&copy));
    expect_device(device);
    /* From pageable memory: what happens to it after the call does not matter. */
    memset(wanted, 0, SIZE);
    CHECK(cuMemsetD8(device, 0, SIZE));
    CHECK(cuCtxSynchronize());
    for (size_t y = 0; y < 7; y++)
        memcpy(wanted + (y + 1) * 200 + 5, host + (y + 2) * 100 + 3, 50);
    CHECK(cuMemcpy2DAsync_v2(&copy, stream));
    memset(host + 203, 0xee, 50);
    expect_device(device);
    copy.srcPitch = 49;
    EXPECT(cuMemcpy2D_v2(&copy), CUDA_ERROR_INVALID_VALUE);
    copy.srcPitch = 100;
    copy.dstMemoryType = CU_MEMORYTYPE_ARRAY;
    EXPECT(cuMemcpy2D_v2(&copy), CUDA_ERROR_INVALID_VALUE);
    copy.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    copy.dstPitch = 2000; /* the last row is not in the allocation */
    EXPECT(cuMemcpy2D_v2(&copy), CUDA_ERROR_INVALID_VALUE);
}

static void layers(void) {
    CUDA_MEMCPY3D copy = {.srcMemoryType = CU_MEMORYTYPE_UNIFIED,
                          .srcDevice = device,
                          .srcZ = 1,
                          .srcPitch = 64,
                          .srcHeight = 4,
                          .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                          .dstDevice = second,
                          .dstXInBytes = 8,
                          .dstPitch = 128,
                          .dstHeight = 3,
                          .WidthInBytes = 20,
                          .Height = 3,
                          .Depth = 5};
    clear(second);
    CHECK(cuMemcpyHtoD(device, host, SIZE));
    for (size_t z = 0; z < 5; z++)
        for (size_t y = 0; y < 3; y++)
            memcpy(wanted + (z * 3 + y) * 128 + 8, host + ((z + 1) * 4 + y) * 64, 20);
    CHECK(cuMemcpy3D_v2(&copy));
    expect_device(second);
}

static void fills(void) {
    clear(device);
    CHECK(cuMemsetD16_v2(device, 0x0201, 10));
    for (size_t i = 0; i < 20; i++)
        wanted[i] = (unsigned char)(1 + i % 2);
    CHECK(cuMemsetD2D8_v2(device + 100, 64, 7, 10, 6));
    CHECK(cuCtxSynchronize());
    CHECK(cuMemsetD2D32Async(device + 1024, 256, 0x03030303, 4, 3, stream));
    for (size_t y = 0; y < 6; y++)
        memset(wanted + 100 + y * 64, 7, 10);
    for (size_t y = 0; y < 3; y++)
        memset(wanted + 1024 + y * 256, 3, 16);
    expect_device(device);
    EXPECT(cuMemsetD2D32Async(device + 2, 256, 1, 4, 3, stream), CUDA_ERROR_INVALID_VALUE);
}

static void batches(const struct client *client) {
    size_t sizes[2] = {100, 200}, attribute_of[1] = {0}, failed = 9;
    char attributes[64] = {0};
    CUdeviceptr from[2] = {(CUdeviceptr)(uintptr_t)host, second};
    CUdeviceptr to[2] = {device, device + 300};
    clear(device);
    CHECK(cuMemcpyHtoD(second, host, SIZE));
    CHECK(cuCtxSynchronize());
    memcpy(wanted, host, 100);
    memcpy(wanted + 300, host, 200);
    CHECK(cuMemcpyBatchAsync(to, from, sizes, 2, attributes, attribute_of, 1, &failed, stream));
    expect_device(device);
    to[1] = device + SIZE - 199;
    EXPECT(cuMemcpyBatchAsync(to, from, sizes, 2, attributes, attribute_of, 1, &failed, stream),
           CUDA_ERROR_INVALID_VALUE);
    EXPECT(failed, 1);
    EXPECT(cuMemcpyBatchAsync(to, from, sizes, 1, attributes, attribute_of, 1, &failed, NULL),
           CUDA_ERROR_INVALID_VALUE);
    CHECK(cuMemcpyPeerAsync(device, client->context, second, client->context, SIZE, stream));
    memcpy(wanted, host, SIZE);
    expect_device(device);
    EXPECT(cuMemcpyPeerAsync(device, NULL, second, client->context, SIZE, stream),
           CUDA_ERROR_INVALID_CONTEXT);
}

static void prefetch(void) {
    CUdeviceptr managed;
    CUmemLocation here = {1, 0}, nowhere = {1, 77};
    CHECK(cuMemAllocManaged(&managed, SIZE, 1));
    *(uint32_t *)managed = 5;
    CHECK(cuMemPrefetchAsync_v2(managed, SIZE, here, 0, stream));
    CHECK(cuStreamSynchronize(stream));
    EXPECT(*(uint32_t *)managed, 5);
    EXPECT(cuMemPrefetchAsync_v2(managed, SIZE, nowhere, 0, stream), CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemPrefetchAsync_v2(device, SIZE, here, 0, stream), CUDA_ERROR_INVALID_VALUE);
    CHECK(cuMemFree(managed));
}

static void values(void) {
    CUstreamBatchMemOpParams operations[3] = {
        {.writeValue = {CU_STREAM_MEM_OP_WRITE_VALUE_32, device, {.value64 = 0x100000007}, 0, 0}},
        {.waitValue = {CU_STREAM_MEM_OP_WAIT_VALUE_32, device, {7}, CU_STREAM_WAIT_VALUE_EQ, 0}},
        {.writeValue = {
             CU_STREAM_MEM_OP_WRITE_VALUE_64, device + 8, {.value64 = 0x100000007}, 0, 0}}};
    uint64_t found[2];
    clear(device);
    CHECK(cuStreamBatchMemOp_v2(stream, 3, operations, 0));
    CHECK(cuStreamSynchronize(stream));
    CHECK(cuMemcpyDtoH(found, device, sizeof found));
    EXPECT(found[0], 7);
    EXPECT(found[1] == 0x100000007, 1);
    operations[1].operation = 99;
    EXPECT(cuStreamBatchMemOp_v2(stream, 3, operations, 0), CUDA_ERROR_NOT_SUPPORTED);
    EXPECT(cuStreamBatchMemOp_v2(stream, 0, operations, 0), CUDA_ERROR_INVALID_VALUE);
}

int main(void) {
    struct client client;
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    client_start(&client);
#define FIND(name, parameters)                                                                     \
    *(void **)&(name) = dlsym(library, #name);                                                     \
    EXPECT((name) != NULL, 1);
    CALLS(FIND)
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuMemAlloc(&device, SIZE));
    CHECK(cuMemAlloc(&second, SIZE));
    for (int i = 0; i < SIZE; i++)
        host[i] = (unsigned char)(i * 37 + i / 256);
    rows();
    layers();
    fills();
    batches(&client);
    prefetch();
    values();
    printf("ok\n");
    return 0;
}
