/* A program that works for a while and says how far it is: rounds of kernels on two streams joined
 * by events, a graph, copies, a host function and work that the program itself holds back. After
 * each round it prints the result, which follows from the round alone; a wrong one ends it with
 * exit code 1.
 *   steady ROUNDS PAUSE_US
 * PAUSE_US is what the host does between two rounds. After half of the rounds it says so and waits
 * for a byte, or the end, of its standard input. */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"

enum { KERNELS = 6, HELD_KERNELS = 24, HELD_EVERY = 16 };
static const uint64_t KERNEL_NS = 4000;

static struct client client;
static CUstream a, b;
static CUevent joined;
static CUdeviceptr word;
static CUgraphExec exec;
static uint32_t *copied;         /* pinned: what the device had at the end of a round */
static _Atomic uint32_t *opened; /* pinned: lets work pass that was held back */
static atomic_int calls;

static void count_call(void *unused) {
    (void)unused;
    calls++;
}

/* One kernel on the device, and the same on the host. */
static void mix(CUstream stream, uint32_t value, uint32_t *expected) {
    CHECK(client_mix(&client, stream, KERNEL_NS, word, value));
    *expected = *expected * 31 + value;
}

static void record_graph(void) {
    CUgraph graph;
    CHECK(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    for (uint32_t i = 0; i < 3; i++)
        CHECK(client_mix(&client, a, KERNEL_NS, word, 100 + i));
    CHECK(cuStreamEndCapture(a, &graph));
    CHECK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK(cuGraphDestroy(graph));
}

/* More work than fits in a window waits for a value that comes only after all of it is launched. */
static void hold_back(uint32_t *expected) {
    *opened = 0;
    CHECK(cuStreamWaitValue32(b, (CUdeviceptr)(uintptr_t)opened, 1, CU_STREAM_WAIT_VALUE_EQ));
    for (uint32_t i = 0; i < HELD_KERNELS; i++)
        mix(b, 200 + i, expected);
    *opened = 1;
    CHECK(cuStreamSynchronize(b));
}

static uint32_t run_round(uint32_t round) {
    uint32_t expected = round;
    CHECK(cuMemcpyHtoDAsync(word, &expected, sizeof expected, a));
    for (uint32_t i = 0; i < KERNELS; i++)
        mix(a, i, &expected);
    CHECK(cuEventRecord(joined, a));
    CHECK(cuStreamWaitEvent(b, joined, 0));
    for (uint32_t i = 0; i < KERNELS; i++)
        mix(b, 50 + i, &expected);
    CHECK(cuEventRecord(joined, b));
    CHECK(cuStreamWaitEvent(a, joined, 0));
    CHECK(cuGraphLaunch(exec, a));
    for (uint32_t i = 0; i < 3; i++)
        expected = expected * 31 + 100 + i;
    CHECK(cuLaunchHostFunc(a, count_call, NULL));
    CHECK(cuStreamSynchronize(a));
    if (round % HELD_EVERY == 0)
        hold_back(&expected);
    CHECK(cuMemcpyDtoHAsync(copied, word, sizeof *copied, a));
    CHECK(cuEventRecord(joined, a));
    CHECK(cuEventSynchronize(joined));
    EXPECT(*copied, expected);
    return expected;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: steady ROUNDS PAUSE_US\n");
        return 2;
    }
    int rounds = atoi(argv[1]);
    long pause_us = atol(argv[2]);
    struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
    setvbuf(stdout, NULL, _IOLBF, 0);
    client_start(&client);
    CHECK(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamCreateWithPriority(&b, CU_STREAM_NON_BLOCKING, -2));
    CHECK(cuEventCreate(&joined, CU_EVENT_DISABLE_TIMING));
    CHECK(cuMemAlloc(&word, 4096));
    CHECK(cuMemAllocHost((void **)&copied, 4096));
    CHECK(cuMemAllocHost((void **)&opened, 4096));
    record_graph();
    for (int i = 0; i < rounds; i++) {
        if (i == rounds / 2) {
            printf("half\n");
            getchar();
        }
        printf("round %d: %u\n", i, run_round((uint32_t)i));
        nanosleep(&pause, NULL);
    }
    EXPECT(calls, rounds);
    printf("ok\n");
    return 0;
}
