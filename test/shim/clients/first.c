/*
 * Submits nothing before a large copy to the device, of so many MiB, and ends.
 *
 *   first MIB
 */
#include "driver.h"

#include "check.h"

#include <stdlib.h>

int main(int count, char **words) {
    CHECK(count == 2, "usage: first MIB");
    size_t bytes = (size_t)check_argument(words[1]) << 20;
    void *from = calloc(1, bytes);
    CHECK(from != NULL, "no memory");
    driver_start();
    CUstream stream;
    CUdeviceptr to;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&to, bytes));
    DRIVER_CHECK(cuda.cuMemcpyHtoDAsync_v2(to, from, bytes, stream));
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    DRIVER_CHECK(cuda.cuMemFree_v2(to));
    free(from);
    return 0;
}
