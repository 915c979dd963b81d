#include "workload.h"

#include "spin_ptx.h"

#include <stdio.h>
#include <string.h>

/* The largest block: with it a kernel that fills the GPU needs the fewest blocks. */
#define WORKLOAD_THREADS 1024

static bool workload_check(struct workload *workload, const char *call, cuda_result result) {
    if (result == CUDA_SUCCESS)
        return true;
    cuda_driver_describe(&workload->driver, call, result, workload->error, sizeof(workload->error));
    return false;
}

/* Calls a driver function by its field's name; the error names the driver's own function. */
#define CALL(workload, symbol, call) workload_check((workload), #symbol, (workload)->driver.call)

bool workload_find(struct workload *workload) {
    if (cuda_driver_load(&workload->driver, NULL, workload->error, sizeof(workload->error)) != 0)
        return false;
    int count = 0;
    if (!CALL(workload, cuInit, init(0)) ||
        !CALL(workload, cuDeviceGetCount, device_get_count(&count)))
        return false;
    if (count == 0) {
        snprintf(workload->error, sizeof(workload->error), "the driver shows no device");
        return false;
    }
    return CALL(workload, cuDeviceGet, device_get(&workload->device, 0)) &&
           CALL(workload, cuDeviceGetName,
                device_get_name(workload->device_name, sizeof(workload->device_name),
                                workload->device)) &&
           CALL(workload, cuDriverGetVersion, driver_get_version(&workload->driver_version)) &&
           CALL(workload, cuDeviceGetAttribute,
                device_get_attribute(&workload->multiprocessors,
                                     CUDA_ATTRIBUTE_MULTIPROCESSOR_COUNT, workload->device));
}

/*
 * A kernel that leaves room on the GPU runs beside another one and delays nobody, so by default
 * each kernel takes every thread of every multiprocessor.
 */
static bool workload_choose_blocks(struct workload *workload, unsigned blocks) {
    int threads = 0;
    if (!CALL(workload, cuDeviceGetAttribute,
              device_get_attribute(&threads, CUDA_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR,
                                   workload->device)))
        return false;
    unsigned resident =
        (unsigned)workload->multiprocessors * ((unsigned)threads / WORKLOAD_THREADS);
    workload->blocks = blocks ? blocks : (resident ? resident : 1);
    return true;
}

static bool workload_launch_kernels(struct workload *workload) {
    void *parameters[] = {&workload->kernel_ns};
    for (unsigned i = 0; i < workload->kernels; i++) {
        if (!CALL(workload, cuLaunchKernel,
                  launch_kernel(workload->kernel, workload->blocks, 1, 1, WORKLOAD_THREADS, 1, 1, 0,
                                workload->stream, parameters, NULL)))
            return false;
    }
    return true;
}

static bool workload_capture_graph(struct workload *workload) {
    return CALL(workload, cuStreamBeginCapture,
                stream_begin_capture(workload->stream, CUDA_CAPTURE_MODE_THREAD_LOCAL)) &&
           workload_launch_kernels(workload) &&
           CALL(workload, cuStreamEndCapture,
                stream_end_capture(workload->stream, &workload->graph)) &&
           CALL(workload, cuGraphInstantiateWithFlags,
                graph_instantiate(&workload->graph_exec, workload->graph, 0));
}

bool workload_open(struct workload *workload, const struct load_options *options) {
    workload->kernels = options->kernels;
    workload->kernel_ns = (unsigned long long)(options->kernel_us * 1e3 + 0.5);
    workload->in_flight = options->in_flight;
    if (!CALL(workload, cuDevicePrimaryCtxRetain,
              primary_context_retain(&workload->context, workload->device)) ||
        !CALL(workload, cuCtxSetCurrent, context_set_current(workload->context)) ||
        !CALL(workload, cuModuleLoadData, module_load_data(&workload->module, SPIN_PTX)) ||
        !CALL(workload, cuModuleGetFunction,
              module_get_function(&workload->kernel, workload->module, SPIN_KERNEL)) ||
        !workload_choose_blocks(workload, options->blocks))
        return false;
    if (options->stream == STREAM_NEW &&
        !CALL(workload, cuStreamCreateWithPriority,
              stream_create(&workload->stream, CUDA_STREAM_NON_BLOCKING, options->stream_priority)))
        return false;
    for (unsigned i = 0; workload->in_flight > 1 && i < workload->in_flight; i++) {
        if (!CALL(workload, cuEventCreate,
                  event_create(&workload->done[i], CUDA_EVENT_DISABLE_TIMING)))
            return false;
    }
    return !options->graph || workload_capture_graph(workload);
}

bool workload_launch(struct workload *workload) {
    bool launched =
        workload->graph_exec
            ? CALL(workload, cuGraphLaunch, graph_launch(workload->graph_exec, workload->stream))
            : workload_launch_kernels(workload);
    if (!launched)
        return false;
    cuda_event done = workload->done[workload->launched % workload->in_flight];
    if (done && !CALL(workload, cuEventRecord, event_record(done, workload->stream)))
        return false;
    workload->launched++;
    return true;
}

bool workload_wait(struct workload *workload) {
    cuda_event done = workload->done[workload->awaited % workload->in_flight];
    workload->awaited++;
    if (done)
        return CALL(workload, cuEventSynchronize, event_synchronize(done));
    return CALL(workload, cuStreamSynchronize, stream_synchronize(workload->stream));
}

void workload_close(struct workload *workload) {
    const struct cuda_driver *driver = &workload->driver;
    if (workload->graph_exec)
        driver->graph_exec_destroy(workload->graph_exec);
    if (workload->graph)
        driver->graph_destroy(workload->graph);
    for (unsigned i = 0; i < OPTIONS_IN_FLIGHT_MAX; i++) {
        if (workload->done[i])
            driver->event_destroy(workload->done[i]);
    }
    if (workload->stream)
        driver->stream_destroy(workload->stream);
    if (workload->module)
        driver->module_unload(workload->module);
    if (workload->context)
        driver->primary_context_release(workload->device);
    memset(workload->done, 0, sizeof(workload->done));
    workload->graph_exec = NULL;
    workload->graph = NULL;
    workload->stream = NULL;
    workload->module = NULL;
    workload->context = NULL;
}
