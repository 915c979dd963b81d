/*
 * What a launch costs the thread that makes it.
 *
 *   launches BATCHES LAUNCHES      so many batches, of so many launches of an empty kernel each
 *   launches idle                  makes a stream, launches once, and waits for the end of its
 * input
 *
 * Prints the nanoseconds a launch of each batch, a line each. The stream is waited for after every
 * batch, which is not counted: fewer than the device's queue holds never wait for the device
 * itself. For every driver: the kernels are those of the file $CLIENT_PTX.
 */
#include "clients/driver.h"

#include "check.h"

#include <string.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
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
    uint64_t ns = 0;
    uint32_t value = 1;
    void *parameters[] = {&ns, &word, &value};
    for (uint64_t batch = 0; batch < batches; batch++) {
        uint64_t began = now();
        for (uint64_t i = 0; i < launches; i++)
            DRIVER_CHECK(
                cuda.cuLaunchKernel(cuda.mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
        printf("%.2f\n", (double)(now() - began) / (double)launches);
        DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    }
    return 0;
}
