/* Many threads on one device: streams made and destroyed, launches, events, copies, host functions,
 * all at once; every sum must come out. stress THREADS ROUNDS */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "client.h"

static struct client client;
static int rounds;
static atomic_int calls;

static void count_call(void *unused) {
    (void)unused;
    calls++;
}

static void *work(void *unused) {
    (void)unused;
    CUdeviceptr word;
    CUevent event;
    CHECK(cuCtxSetCurrent(client.context));
    CHECK(cuMemAlloc(&word, 4096));
    CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    for (int r = 0; r < rounds; r++) {
        CUstream stream;
        uint32_t zero = 0, found = 0;
        CHECK(cuStreamCreateWithPriority(&stream, r % 2 ? CU_STREAM_NON_BLOCKING : 0, -(r % 6)));
        CHECK(cuMemcpyHtoDAsync(word, &zero, sizeof zero, stream));
        uint64_t ns = 1000;
        uint32_t one = 1;
        void *params[] = {&ns, &word, &one};
        for (int i = 0; i < 20; i++) {
            CHECK(cuLaunchKernel(client.add, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL));
            CHECK(cuEventRecord(event, stream));
            CUresult state = cuEventQuery(event);
            EXPECT(state == CUDA_SUCCESS || state == CUDA_ERROR_NOT_READY, 1);
        }
        CHECK(cuLaunchHostFunc(stream, count_call, NULL));
        CHECK(cuMemcpyDtoHAsync(&found, word, sizeof found, stream));
        CHECK(cuStreamSynchronize(stream));
        EXPECT(found, 20);
        CHECK(cuLaunchKernel_ptsz(client.add, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
        CHECK(cuStreamDestroy(stream));
        /* Nothing else keeps this kernel ahead of the next round's copy. */
        CHECK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
    }
    CHECK(cuMemFree(word));
    return NULL;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 8;
    rounds = argc > 2 ? atoi(argv[2]) : 20;
    pthread_t ids[256];
    client_start(&client);
    EXPECT(threads >= 1 && threads <= 256, 1);
    for (int i = 0; i < threads; i++)
        EXPECT(pthread_create(&ids[i], NULL, work, NULL), 0);
    for (int i = 0; i < threads; i++)
        EXPECT(pthread_join(ids[i], NULL), 0);
    EXPECT(calls, threads * rounds);
    printf("ok\n");
    return 0;
}
