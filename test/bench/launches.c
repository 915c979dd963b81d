/*
 * What a launch costs the thread that makes it.
 *
 *   launches BATCHES LAUNCHES PAGES own|legacy kernel|copy [outranked]
 *   launches idle
 *
 * The first makes so many batches, of so many launches of an empty kernel each or of copies of a
 * word, on a stream of its own or on the legacy one; when it is to be outranked there is another
 * stream of a higher CUDA priority, which has had one launch. The other makes a stream, launches
 * once, and waits for the end of its input.
 *
 * Each batch is made twice, in turns: by the functions that the program finds, which may be a
 * shim's, and by the driver's own. Prints the nanoseconds a launch of both, a line for each batch.
 * The stream is waited for after every one, which is not counted: fewer than the device's queue
 * holds never wait for the device itself. For every driver: the kernels are those of the file
 * $CLIENT_PTX.
 *
 * In a loop of nothing but launches the processor has all at hand that a launch needs. Programs do
 * other things in between, so before each launch PAGES pages of memory are written to, a line of
 * each: that takes the processor's caches and translations of addresses. Then each launch is timed
 * alone, and what is printed is the mean of the middle 80% of a batch.
 */
#include "clients/driver.h"

#include "check.h"
#include "idle.h"
#include "moment.h"
#include "own_symbol.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define USAGE                                                                                      \
    "usage: launches BATCHES LAUNCHES PAGES own|legacy kernel|copy [outranked], or launches idle"

/* The driver's functions, its own or a shim's. */
struct functions {
    __typeof__(cuda.cuLaunchKernel) launch;
    __typeof__(cuda.cuMemcpyDtoDAsync_v2) copy;
};

enum { PAGE_BYTES = 4096, LINE_BYTES = 64, MEMORY_PAGES = 1 << 14, MOST_LAUNCHES = 1000 };

/* Writes to so many pages of 64 MiB, in no order. */
static void use_pages(uint64_t pages) {
    static char *memory;
    static uint64_t state = 1;
    if (pages > 0 && memory == NULL) {
        memory = calloc(MEMORY_PAGES, PAGE_BYTES);
        CHECK(memory != NULL, "no memory");
    }
    for (uint64_t i = 0; i < pages; i++)
        memory[random_below(&state, MEMORY_PAGES * PAGE_BYTES / LINE_BYTES) * LINE_BYTES]++;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static double mean_of_middle(uint64_t *times, uint64_t count) {
    qsort(times, count, sizeof(*times), compare);
    uint64_t sum = 0, from = count / 10, to = count - from;
    for (uint64_t i = from; i < to; i++)
        sum += times[i];
    return (double)sum / (double)(to - from);
}

struct batch {
    uint64_t launches;
    uint64_t pages;
    CUstream stream;
    /* Two of them. */
    CUdeviceptr words;
    bool copies;
};

static void submit(const struct functions *by, const struct batch *batch) {
    uint64_t ns = 0;
    uint32_t value = 1;
    CUdeviceptr words = batch->words;
    void *parameters[] = {&ns, &words, &value};
    if (batch->copies)
        DRIVER_CHECK(by->copy(words, words + sizeof(uint32_t), sizeof(uint32_t), batch->stream));
    else
        DRIVER_CHECK(by->launch(cuda.mix, 1, 1, 1, 1, 1, 1, 0, batch->stream, parameters, NULL));
}

/* Nanoseconds a launch. */
static double time_batch(const struct functions *by, const struct batch *batch) {
    static uint64_t times[MOST_LAUNCHES];
    uint64_t began = now();
    for (uint64_t i = 0; i < batch->launches; i++) {
        if (batch->pages > 0) {
            use_pages(batch->pages);
            /* What it wrote is no part of the launch. */
            atomic_thread_fence(memory_order_seq_cst);
            began = now();
        }
        submit(by, batch);
        if (batch->pages > 0)
            times[i] = now() - began;
    }
    double passed = (double)(now() - began) / (double)batch->launches;
    DRIVER_CHECK(cuda.cuStreamSynchronize(batch->stream));
    return batch->pages > 0 ? mean_of_middle(times, batch->launches) : passed;
}

/* A launch on a stream that outranks those of the default priority, where priorities are ranks. */
static void use_urgent_stream(CUdeviceptr words) {
    CUstream urgent;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&urgent, NON_BLOCKING, -1));
    DRIVER_CHECK(driver_mix(urgent, 0, 0, words, 1));
    DRIVER_CHECK(cuda.cuStreamSynchronize(urgent));
}

int main(int count, char **arguments) {
    CHECK(count >= 2, USAGE);
    driver_start();
    CUstream stream;
    CUdeviceptr words;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&words, 2 * sizeof(uint32_t)));
    if (strcmp(arguments[1], "idle") == 0) {
        stay_idle(stream, words);
        return 0;
    }
    CHECK(count == 6 || (count == 7 && strcmp(arguments[6], "outranked") == 0), USAGE);
    bool is_legacy = strcmp(arguments[4], "legacy") == 0;
    bool copies = strcmp(arguments[5], "copy") == 0;
    CHECK(is_legacy || strcmp(arguments[4], "own") == 0, USAGE);
    CHECK(copies || strcmp(arguments[5], "kernel") == 0, USAGE);
    if (count == 7)
        use_urgent_stream(words);
    uint64_t batches = check_argument(arguments[1]);
    struct batch batch = {.launches = check_argument(arguments[2]),
                          .pages = check_argument(arguments[3]),
                          .stream = is_legacy ? NULL : stream,
                          .words = words,
                          .copies = copies};
    CHECK(batch.launches <= MOST_LAUNCHES, "over %d launches", MOST_LAUNCHES);
    const struct functions found = {cuda.cuLaunchKernel, cuda.cuMemcpyDtoDAsync_v2};
    struct functions own;
    own_symbol("libcuda.so", "cuLaunchKernel", &own.launch);
    own_symbol("libcuda.so", "cuMemcpyDtoDAsync_v2", &own.copy);
    for (uint64_t i = 0; i < batches; i++) {
        double found_ns, own_ns;
        if (i % 2 == 0) {
            found_ns = time_batch(&found, &batch);
            own_ns = time_batch(&own, &batch);
        } else {
            own_ns = time_batch(&own, &batch);
            found_ns = time_batch(&found, &batch);
        }
        printf("%.2f %.2f\n", found_ns, own_ns);
    }
    return 0;
}
