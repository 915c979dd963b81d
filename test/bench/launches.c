/*
 * What a launch costs the thread that makes it.
 *
 *   launches BATCHES LAUNCHES      so many batches, of so many launches of an empty kernel each
 *   launches idle                  makes a stream, launches once, and waits for the end of its
 * input
 *
 * Each batch is made twice, in turns: by the function that the program finds, which may be a
 * shim's, and by the driver's own. Prints the nanoseconds a launch of both, a line for each batch.
 * The stream is waited for after every one, which is not counted: fewer than the device's queue
 * holds never wait for the device itself. For every driver: the kernels are those of the file
 * $CLIENT_PTX.
 */
#include "clients/driver.h"

#include "check.h"
#include "own_symbol.h"

#include <string.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

typedef __typeof__(cuda.cuLaunchKernel) launch_kernel;

/* Nanoseconds a launch. */
static double time_batch(launch_kernel launch, uint64_t launches, CUstream stream,
                         CUdeviceptr word) {
    uint64_t ns = 0;
    uint32_t value = 1;
    void *parameters[] = {&ns, &word, &value};
    uint64_t began = now();
    for (uint64_t i = 0; i < launches; i++)
        DRIVER_CHECK(launch(cuda.mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
    double passed = (double)(now() - began);
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    return passed / (double)launches;
}

int main(int count, char **words) {
    CHECK(count >= 2, "usage: launches BATCHES LAUNCHES | launches idle");
    driver_start();
    CUstream stream;
    CUdeviceptr word;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&word, sizeof(uint32_t)));
    if (strcmp(words[1], "idle") == 0) {
        DRIVER_CHECK(driver_mix(stream, 0, 0, word, 1));
        DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
        puts("idle");
        fflush(stdout);
        while (getchar() != EOF) {
        }
        return 0;
    }
    CHECK(count == 3, "usage: launches BATCHES LAUNCHES");
    uint64_t batches = check_argument(words[1]), launches = check_argument(words[2]);
    launch_kernel own;
    own_symbol("libcuda.so", "cuLaunchKernel", &own);
    for (uint64_t batch = 0; batch < batches; batch++) {
        double found_ns, own_ns;
        if (batch % 2 == 0) {
            found_ns = time_batch(cuda.cuLaunchKernel, launches, stream, word);
            own_ns = time_batch(own, launches, stream, word);
        } else {
            own_ns = time_batch(own, launches, stream, word);
            found_ns = time_batch(cuda.cuLaunchKernel, launches, stream, word);
        }
        printf("%.2f %.2f\n", found_ns, own_ns);
    }
    return 0;
}
