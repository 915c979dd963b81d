/*
 * A program whose threads come and go: threads COUNT. Each launches one kernel on its own default
 * stream, waits for it and ends. Prints the sum that the kernels made.
 */
#include "driver.h"

#include "check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

static CUdeviceptr word;

static void *work(void *number) {
    driver_join_thread();
    DRIVER_CHECK(driver_mix(NULL, 1, 1000, word, (uint32_t)(uintptr_t)number));
    DRIVER_CHECK(cuda.cuStreamSynchronize_ptsz(NULL));
    return NULL;
}

int main(int argc, char **argv) {
    uint32_t sum = 0;
    unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (count == 0) {
        fprintf(stderr, "usage: threads COUNT\n");
        return 2;
    }
    driver_start();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&word, sizeof sum));
    DRIVER_CHECK(cuda.cuMemsetD32_v2(word, 0, 1));
    for (uintptr_t i = 0; i < count; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, work, (void *)i) == 0, "no thread %" PRIuPTR, i);
        CHECK(pthread_join(thread, NULL) == 0, "thread %" PRIuPTR " is lost", i);
    }
    DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(&sum, word, sizeof sum));
    printf("%" PRIu32 "\n", sum);
    return 0;
}
