/* Throughput of a stream of equal kernels with a bounded number of launches in flight.
 *   window KERNEL_NS WINDOW COUNT
 * WINDOW 0 leaves the bound to the driver. Each launch is followed by the record of an event; a
 * full window waits by polling the oldest one. Prints JSON: the time for each kernel, in the
 * clock's own ns divided by $XSCHED_SIM_SCALE; the median over blocks of 16 launches, so that a
 * moment in which the machine runs something else does not count. Runs on a real driver too. */
#include <stdlib.h>

#include "client.h"

#define MAX_WINDOW 64
#define BLOCK 16

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    struct client client;
    CUstream stream;
    CUevent events[MAX_WINDOW];
    if (argc != 4 || atoi(argv[2]) > MAX_WINDOW) {
        fprintf(stderr, "usage: window KERNEL_NS WINDOW(0..%d) COUNT\n", MAX_WINDOW);
        return 2;
    }
    uint64_t ns = strtoull(argv[1], NULL, 10);
    int window = atoi(argv[2]), count = atoi(argv[3]);
    const char *text = getenv("XSCHED_SIM_SCALE");
    double scale = text ? atof(text) : 1;
    client_start(&client);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    for (int i = 0; i < MAX_WINDOW; i++)
        CHECK(cuEventCreate(&events[i], CU_EVENT_DISABLE_TIMING));
    CHECK(client_spin(&client, stream, ns));
    CHECK(cuStreamSynchronize(stream));
    double *blocks = calloc((size_t)count / BLOCK + 1, sizeof *blocks);
    EXPECT(blocks != NULL, 1);
    int done = 0;
    uint64_t begin = client_now(), block = begin;
    for (int i = 0; i < count; i++) {
        if (window && i >= window)
            while (cuEventQuery(events[i % window]) == CUDA_ERROR_NOT_READY)
                ;
        CHECK(client_spin(&client, stream, ns));
        if (window)
            CHECK(cuEventRecord(events[i % window], stream));
        if ((i + 1) % BLOCK == 0) {
            uint64_t now = client_now();
            blocks[done++] = (double)(now - block) / BLOCK / scale;
            block = now;
        }
    }
    CHECK(cuStreamSynchronize(stream));
    /* Without a window the host runs ahead of the device: there the whole is what counts. */
    double per_kernel = (double)(client_now() - begin) / scale / count;
    if (window && done) {
        qsort(blocks, (size_t)done, sizeof *blocks, compare);
        per_kernel = blocks[done / 2];
    }
    printf("{\"kernelNs\":%llu,\"window\":%d,\"count\":%d,\"perKernelNs\":%.0f}\n",
           (unsigned long long)ns, window, count, per_kernel);
    free(blocks);
    return 0;
}
