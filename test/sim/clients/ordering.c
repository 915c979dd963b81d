/* Order of effects: in a stream, across streams by events, with the legacy stream; memory, events,
 * host functions, values. Prints nothing but "ok". */
#include "client.h"

#include <stdatomic.h>
#include <string.h>

static atomic_int called;
static atomic_int call_result;

static void note_call(void *data) {
    /* A host function may not call the driver. */
    call_result = cuStreamQuery(NULL);
    called = *(int *)data;
}

/* Holds a stream up until release(): what is ahead of it has certainly not run. */
static _Atomic uint32_t *held;

static void hold(CUstream stream) {
    *held = 0;
    CHECK(cuStreamWaitValue32(stream, (CUdeviceptr)(uintptr_t)held, 1, CU_STREAM_WAIT_VALUE_EQ));
}

static void release(void) {
    *held = 1;
}

static void order_in_stream(const struct client *c, CUdeviceptr word) {
    CUstream stream;
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuMemsetD32(word, 1, 1));
    CHECK(cuCtxSynchronize());
    uint32_t expected = 1;
    for (uint32_t i = 0; i < 300; i++) {
        CHECK(client_mix(c, stream, 2000, word, i));
        expected = expected * 31 + i;
    }
    CHECK(cuStreamSynchronize(stream));
    EXPECT(client_read(word), expected);
    CHECK(cuStreamDestroy(stream));
}

static void order_across_streams(const struct client *c, CUdeviceptr word) {
    CUstream a, b;
    CUevent event;
    CHECK(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamCreateWithPriority(&b, CU_STREAM_NON_BLOCKING, -5));
    CHECK(cuEventCreate(&event, 0));
    EXPECT(cuEventQuery(event), CUDA_SUCCESS); /* never recorded */
    CHECK(cuMemsetD32(word, 0, 1));
    CHECK(cuCtxSynchronize());
    hold(a);
    CHECK(client_mix(c, a, 300000, word, 7));
    CHECK(cuEventRecord(event, a));
    EXPECT(cuEventQuery(event), CUDA_ERROR_NOT_READY);
    EXPECT(cuStreamQuery(a), CUDA_ERROR_NOT_READY);
    CHECK(cuStreamWaitEvent(b, event, 0));
    CHECK(client_mix(c, b, 1000, word, 3));
    EXPECT(cuStreamQuery(b), CUDA_ERROR_NOT_READY);
    release();
    CHECK(cuStreamSynchronize(b));
    EXPECT(cuEventQuery(event), CUDA_SUCCESS);
    EXPECT(client_read(word), 7 * 31 + 3);
    CHECK(cuStreamDestroy(a));
    CHECK(cuStreamDestroy(b));
    CHECK(cuEventDestroy(event));
}

/* Blocking streams and the legacy stream wait for each other; non-blocking ones do not. */
static void order_with_legacy(const struct client *c, CUdeviceptr word) {
    CUstream blocking, free_stream;
    CHECK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
    CHECK(cuStreamCreateWithPriority(&free_stream, CU_STREAM_NON_BLOCKING, -5));
    CHECK(cuMemsetD32(word, 0, 2));
    CHECK(cuCtxSynchronize());
    hold(blocking);
    CHECK(client_mix(c, blocking, 4000, word, 1));
    CHECK(client_mix(c, NULL, 1000, word, 2));
    CHECK(client_mix(c, blocking, 1000, word, 3));
    CHECK(client_mix(c, CU_STREAM_PER_THREAD, 1000, word, 4));
    CHECK(client_mix(c, CU_STREAM_LEGACY, 1000, word, 5));
    CHECK(client_mix(c, free_stream, 1000, word + 4, 9));
    CHECK(cuStreamSynchronize(free_stream));
    EXPECT(cuStreamQuery(blocking), CUDA_ERROR_NOT_READY);
    EXPECT(cuStreamQuery(NULL), CUDA_ERROR_NOT_READY);
    release();
    CHECK(cuStreamSynchronize(NULL));
    uint32_t first = ((((1u * 31 + 2) * 31 + 3) * 31 + 4) * 31) + 5;
    uint32_t second = ((((1u * 31 + 2) * 31 + 4) * 31 + 3) * 31) + 5;
    uint32_t found = client_read(word);
    EXPECT(found == first || found == second, 1);
    EXPECT(client_read(word + 4), 9);
    CHECK(cuStreamDestroy(blocking));
    CHECK(cuStreamDestroy(free_stream));
}

static void memory(CUdeviceptr word) {
    CUstream stream;
    uint32_t *pinned;
    char pageable[64] = "from pageable memory", back[64] = "";
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuMemAllocHost((void **)&pinned, 4096));
    CHECK(cuMemcpyHtoDAsync(word, pageable, sizeof pageable, stream));
    memset(pageable, 'x', sizeof pageable); /* was staged before the call returned */
    CHECK(cuMemcpyDtoHAsync(pinned, word, 64, stream));
    CHECK(cuStreamSynchronize(stream));
    EXPECT(strcmp((char *)pinned, "from pageable memory"), 0);
    CHECK(cuMemcpyDtoH(back, word, sizeof back));
    EXPECT(strcmp(back, "from pageable memory"), 0);
    CHECK(cuMemsetD8(word, 0x41, 3));
    CHECK(cuMemcpyDtoH(back, word, sizeof back));
    EXPECT(strncmp(back, "AAAm", 4), 0);
    EXPECT(cuMemcpyHtoD(12345, back, 4), CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuMemFree(word + 4), CUDA_ERROR_INVALID_VALUE);
    CHECK(cuMemFreeHost(pinned));
    CUdeviceptr pool;
    CHECK(cuMemAllocAsync(&pool, 1 << 20, stream));
    CHECK(cuMemFreeAsync(pool, stream));
    CHECK(cuStreamSynchronize(stream));
    EXPECT(cuMemFree(pool), CUDA_ERROR_INVALID_VALUE);
    CHECK(cuStreamDestroy(stream));
}

static void functions_and_values(const struct client *c) {
    CUstream stream;
    _Atomic uint32_t *pinned;
    int value = 42;
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuMemAllocHost((void **)&pinned, 4096));
    pinned[0] = pinned[1] = 0;
    CHECK(client_spin(c, stream, 20000));
    CHECK(cuLaunchHostFunc(stream, note_call, &value));
    CHECK(cuStreamWriteValue32(stream, (CUdeviceptr)(uintptr_t)&pinned[0], 5, 0));
    CHECK(cuStreamWaitValue32(stream, (CUdeviceptr)(uintptr_t)&pinned[1], 6,
                              CU_STREAM_WAIT_VALUE_GEQ));
    /* Seen in memory, without a call of the driver. */
    for (uint64_t end = client_now() + 10000000000ull; pinned[0] != 5;)
        EXPECT(client_now() < end, 1);
    EXPECT(called, 42);
    EXPECT(call_result, CUDA_ERROR_NOT_PERMITTED);
    EXPECT(cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
    pinned[1] = 7;
    CHECK(cuStreamSynchronize(stream));
    CHECK(cuStreamDestroy(stream));
    CHECK(cuMemFreeHost((void *)pinned));
}

/* The time between two events is the kernel's, in the clock that the program sees. */
static void elapsed(const struct client *c) {
    CUstream stream;
    CUevent first, last;
    float ms;
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuEventCreate(&first, 0));
    CHECK(cuEventCreate(&last, 0));
    EXPECT(cuEventElapsedTime(&ms, first, last), CUDA_ERROR_INVALID_HANDLE);
    hold(stream);
    CHECK(cuEventRecord(first, stream));
    CHECK(client_spin(c, stream, 3000000));
    CHECK(cuEventRecord(last, stream));
    EXPECT(cuEventElapsedTime(&ms, first, last), CUDA_ERROR_NOT_READY);
    uint64_t begin = client_now();
    release();
    CHECK(cuEventSynchronize(last));
    double waited = (double)(client_now() - begin) / 1e6;
    CHECK(cuEventElapsedTime(&ms, first, last));
    EXPECT(ms > 1.5 && ms <= waited, 1);
}

int main(void) {
    struct client client;
    CUdeviceptr word;
    EXPECT(cuCtxSynchronize(), CUDA_ERROR_NOT_INITIALIZED);
    CHECK(cuInit(0));
    EXPECT(cuCtxSynchronize(), CUDA_ERROR_INVALID_CONTEXT);
    client_start(&client);
    CHECK(cuMemAlloc(&word, 4096));
    CHECK(cuMemAllocHost((void **)&held, 4096));
    order_in_stream(&client, word);
    order_across_streams(&client, word);
    order_with_legacy(&client, word);
    memory(word);
    functions_and_values(&client);
    elapsed(&client);
    CHECK(cuMemFree(word));
    /* An asynchronous error is told by what comes later, and sticks. */
    CHECK(cuLaunchKernel(client.fail, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    EXPECT(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
    EXPECT(client_spin(&client, NULL, 1), CUDA_ERROR_LAUNCH_FAILED);
    printf("ok\n");
    return 0;
}
