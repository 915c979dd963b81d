/* The GPU's side of xsched-load: a device, a kernel, a stream, and requests launched on it. */
#ifndef XSCHED_DEMO_WORKLOAD_H
#define XSCHED_DEMO_WORKLOAD_H

#include "cuda_driver.h"
#include "options.h"

#include <stdbool.h>

struct workload {
    struct cuda_driver driver;
    cuda_device device;
    char device_name[128];
    int driver_version; /* 1000 * major + 10 * minor */
    int multiprocessors;
    cuda_context context;
    cuda_module module;
    cuda_function kernel;
    unsigned blocks;
    unsigned kernels;
    unsigned long long kernel_ns;
    cuda_stream stream; /* NULL: the legacy default stream */
    cuda_graph graph;
    cuda_graph_exec graph_exec; /* not NULL: a request is one launch of this */
    unsigned in_flight;
    cuda_event done[OPTIONS_IN_FLIGHT_MAX]; /* used only when in_flight > 1 */
    unsigned long launched;
    unsigned long awaited;
    char error[512]; /* what went wrong, after a function returned false */
};

/* Finds the driver and device 0. False: there is none, `error` says why. */
bool workload_find(struct workload *workload);

/* Makes context, kernel, stream and, if asked, the graph. Call after workload_find. */
bool workload_open(struct workload *workload, const struct load_options *options);

/* Launches one request and returns without waiting. At most `in_flight` may be outstanding. */
bool workload_launch(struct workload *workload);

/* Waits for the oldest outstanding request. */
bool workload_wait(struct workload *workload);

/* Releases what workload_open made; harmless after a failure at any point. */
void workload_close(struct workload *workload);

#endif
