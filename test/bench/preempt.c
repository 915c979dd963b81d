/*
 * The programs of the preemption benchmark.
 *
 *   preempt feed STREAMS BLOCKS NS...
 *   preempt burst NS [KERNELS GAP_NS SYNC_EACH]
 *   preempt both PRIORITY BURST_NS STREAMS BLOCKS NS...
 *
 * The first launches kernels that last so long, one after the other in an order that is always the
 * same, on so many streams, each fed by a thread of its own, until its input ends. Kernels have so
 * many blocks of 1024 threads, to fill a real GPU with them, or, where that is 0, few of one
 * thread, which is all the same to the simulated GPU. Kernels of different length have different
 * grids, as different kernels have. The second launches bursts of one kernel, the first at once; or
 * of more, with so much of the host's time before each but the first, and a synchronisation behind
 * so many each time, the last one included. The third does both, the bursts on a stream of that
 * CUDA priority, and feeds when it is told "feed".
 *
 * For each line "COUNT PAUSE_NS" of its input a program makes so many bursts, with pauses between
 * them of half to one and a half times as long; it prints when each began and ended, on
 * CLOCK_MONOTONIC, and "." behind the last. An empty line it answers with the number of kernels
 * that it has fed the GPU so far, and the time.
 */
#include "clients/driver.h"

#include "check.h"
#include "moment.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STREAMS_MAX = 16, KERNELS_MAX = 16, LINE_MAX_BYTES = 64 };

static void pause_for(uint64_t ns) {
    struct timespec time = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    nanosleep(&time, NULL);
}

static CUstream make_stream(int priority) {
    CUstream stream;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, priority));
    return stream;
}

static atomic_bool ended;
static uint64_t kernels[KERNELS_MAX];
static uint64_t kernel_count;
static unsigned wide_blocks;
static uint64_t stream_count;
static pthread_t threads[STREAMS_MAX];
static uint64_t threads_begun;
static atomic_ullong launches;
static CUdeviceptr word;

static void *feed(void *unused) {
    (void)unused;
    driver_join_thread();
    CUstream stream = make_stream(0);
    uint64_t state = 1;
    while (!atomic_load(&ended)) {
        uint64_t kind = random_below(&state, kernel_count);
        uint32_t value = 1;
        void *parameters[] = {&kernels[kind], &word, &value};
        unsigned blocks = wide_blocks + (unsigned)kind + (wide_blocks == 0);
        unsigned block_threads = wide_blocks == 0 ? 1 : 1024;
        DRIVER_CHECK(cuda.cuLaunchKernel(cuda.mix, blocks, 1, 1, block_threads, 1, 1, 0, stream,
                                         parameters, NULL));
        atomic_fetch_add(&launches, 1);
    }
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    return NULL;
}

static void begin_feeding(void) {
    for (; threads_begun < stream_count; threads_begun++)
        CHECK(pthread_create(&threads[threads_begun], NULL, feed, NULL) == 0, "no thread");
    puts("feeds");
}

static CUstream burst_stream;
static uint64_t burst_ns;
static uint64_t burst_kernels = 1, burst_gap_ns, burst_sync_each = 1;

/* The host is busy with other things. */
static void work_until(uint64_t time) {
    while (now() < time) {
    }
}

static void burst_once(void) {
    uint64_t due = now();
    for (uint64_t i = 1; i <= burst_kernels; i++) {
        DRIVER_CHECK(driver_mix(burst_stream, 0, burst_ns, word, 1));
        if (i % burst_sync_each == 0 || i == burst_kernels) {
            DRIVER_CHECK(cuda.cuStreamSynchronize(burst_stream));
            due = now();
        }
        due += burst_gap_ns;
        if (i < burst_kernels)
            work_until(due);
    }
}

static void burst(unsigned long long count, unsigned long long pause_ns) {
    static uint64_t state = 1;
    for (uint64_t i = 0; i < count; i++) {
        if (pause_ns > 0)
            pause_for(pause_ns / 2 + random_below(&state, pause_ns));
        uint64_t began = now();
        burst_once();
        printf("%llu %llu\n", (unsigned long long)began, (unsigned long long)now());
    }
    puts(".");
}

static void obey(const char *line) {
    if (strcmp(line, "\n") == 0) {
        unsigned long long count = atomic_load(&launches);
        printf("%llu %llu\n", count, (unsigned long long)now());
    } else if (strcmp(line, "feed\n") == 0) {
        begin_feeding();
    } else {
        char *rest;
        unsigned long long count = strtoull(line, &rest, 10);
        burst(count, check_argument(strtok(rest, " \n")));
    }
    fflush(stdout);
}

static void read_feed(int count, char **arguments) {
    CHECK(count >= 3, "STREAMS BLOCKS NS... are missing");
    stream_count = check_argument(arguments[0]);
    CHECK(stream_count <= STREAMS_MAX, "over %d streams", STREAMS_MAX);
    wide_blocks = (unsigned)check_argument(arguments[1]);
    CHECK(count - 2 <= KERNELS_MAX, "over %d kernels", KERNELS_MAX);
    for (int i = 2; i < count; i++)
        kernels[kernel_count++] = check_argument(arguments[i]);
}

int main(int count, char **arguments) {
    const char *role = count > 1 ? arguments[1] : "";
    bool feeds = strcmp(role, "feed") == 0;
    bool both = strcmp(role, "both") == 0 && count > 4;
    bool bursts = strcmp(role, "burst") == 0 && (count == 3 || count == 6);
    CHECK(feeds || both || bursts,
          "usage: preempt feed ..., preempt burst ..., or preempt both ...");
    driver_start();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&word, sizeof(uint32_t)));
    if (feeds) {
        read_feed(count - 2, arguments + 2);
        begin_feeding();
    } else {
        burst_ns = check_argument(arguments[both ? 3 : 2]);
        if (bursts && count == 6) {
            burst_kernels = check_argument(arguments[3]);
            burst_gap_ns = check_argument(arguments[4]);
            burst_sync_each = check_argument(arguments[5]);
            CHECK(burst_sync_each > 0, "SYNC_EACH is 0");
        }
        burst_stream = make_stream(both ? (int)strtol(arguments[2], NULL, 10) : 0);
        if (both)
            read_feed(count - 4, arguments + 4);
        burst(1, 0);
    }
    fflush(stdout);
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(line);
    atomic_store(&ended, true);
    for (uint64_t i = 0; i < threads_begun; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
