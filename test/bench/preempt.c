/*
 * The programs of the preemption benchmark.
 *
 *   preempt feed STREAMS NS...
 *   preempt burst NS
 *
 * The first launches kernels that last so long, one after the other in an order that is always the
 * same, on so many streams, each fed by a thread of its own, until its input ends. Kernels of
 * different length have different grids, as different kernels have. The other launches once, and
 * then for each line "COUNT PAUSE_NS" of its input makes so many bursts of one kernel, with pauses
 * between them of half to one and a half times as long; it prints when each began and ended, on
 * CLOCK_MONOTONIC, and "." behind the last.
 */
#include "clients/driver.h"

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { STREAMS_MAX = 16, KERNELS_MAX = 16 };

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static void pause_for(uint64_t ns) {
    struct timespec time = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    nanosleep(&time, NULL);
}

static CUstream make_stream(void) {
    CUstream stream;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    return stream;
}

static atomic_bool ended;
static uint64_t kernels[KERNELS_MAX];
static uint64_t kernel_count;
static CUdeviceptr word;

static void *feed(void *unused) {
    (void)unused;
    driver_join_thread();
    CUstream stream = make_stream();
    uint64_t state = 1;
    while (!atomic_load(&ended)) {
        uint64_t kind = random_below(&state, kernel_count);
        uint32_t value = 1;
        void *parameters[] = {&kernels[kind], &word, &value};
        DRIVER_CHECK(cuda.cuLaunchKernel(cuda.mix, (unsigned)kind + 1, 1, 1, 1, 1, 1, 0, stream,
                                         parameters, NULL));
    }
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    return NULL;
}

static void feed_streams(uint64_t streams) {
    pthread_t threads[STREAMS_MAX];
    CHECK(streams <= STREAMS_MAX, "over %d streams", STREAMS_MAX);
    for (uint64_t i = 0; i < streams; i++)
        CHECK(pthread_create(&threads[i], NULL, feed, NULL) == 0, "no thread");
    puts("feeds");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    atomic_store(&ended, true);
    for (uint64_t i = 0; i < streams; i++)
        pthread_join(threads[i], NULL);
}

static void burst(uint64_t kernel_ns) {
    CUstream stream = make_stream();
    uint64_t state = 1;
    unsigned long long count, pause_ns;
    for (bool first = true; first || scanf("%llu %llu", &count, &pause_ns) == 2; first = false) {
        if (first)
            count = 1, pause_ns = 0;
        for (uint64_t i = 0; i < count; i++) {
            if (pause_ns > 0)
                pause_for(pause_ns / 2 + random_below(&state, pause_ns));
            uint64_t began = now();
            DRIVER_CHECK(driver_mix(stream, 0, kernel_ns, word, 1));
            DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
            printf("%llu %llu\n", (unsigned long long)began, (unsigned long long)now());
        }
        puts(".");
        fflush(stdout);
    }
}

int main(int count, char **arguments) {
    bool feeds = count >= 4 && strcmp(arguments[1], "feed") == 0;
    CHECK(feeds || (count == 3 && strcmp(arguments[1], "burst") == 0),
          "usage: preempt feed STREAMS NS..., or preempt burst NS");
    driver_start();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&word, sizeof(uint32_t)));
    if (!feeds) {
        burst(check_argument(arguments[2]));
        return 0;
    }
    CHECK(count - 3 <= KERNELS_MAX, "over %d kernels", KERNELS_MAX);
    while (kernel_count < (uint64_t)count - 3) {
        kernels[kernel_count] = check_argument(arguments[3 + kernel_count]);
        kernel_count++;
    }
    feed_streams(check_argument(arguments[2]));
    return 0;
}
