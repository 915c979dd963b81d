/*
 * Submits nothing before a copy of 64 MiB to the device, and ends.
 *
 *   first
 */
#include "driver.h"

static char from[64 << 20];

int main(void) {
    driver_start();
    CUstream stream;
    CUdeviceptr to;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&to, sizeof(from)));
    DRIVER_CHECK(cuda.cuMemcpyHtoDAsync_v2(to, from, sizeof(from), stream));
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    DRIVER_CHECK(cuda.cuMemFree_v2(to));
    return 0;
}
