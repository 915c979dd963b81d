/*
 * The part of the CUDA driver API that the demo's load program and the Triton backend of the tests
 * use, found at run time: they build without CUDA and run on a real driver or the simulated one.
 */
#ifndef XSCHED_DEMO_CUDA_DRIVER_H
#define XSCHED_DEMO_CUDA_DRIVER_H

#include <stddef.h>

typedef int cuda_result;
typedef int cuda_device;
typedef unsigned long long cuda_address;
typedef struct cuda_context_st *cuda_context;
typedef struct cuda_module_st *cuda_module;
typedef struct cuda_function_st *cuda_function;
typedef struct cuda_stream_st *cuda_stream;
typedef struct cuda_event_st *cuda_event;
typedef struct cuda_graph_st *cuda_graph;
typedef struct cuda_graph_exec_st *cuda_graph_exec;

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
    CUDA_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR = 39,
    CUDA_STREAM_NON_BLOCKING = 1,
    CUDA_EVENT_DISABLE_TIMING = 2,
    CUDA_CAPTURE_MODE_THREAD_LOCAL = 1,
};

/* Name of the driver's symbol, name of the field below, parameter types. */
#define CUDA_FUNCTIONS(X)                                                                          \
    X(cuInit, init, (unsigned))                                                                    \
    X(cuDriverGetVersion, driver_get_version, (int *))                                             \
    X(cuGetErrorName, get_error_name, (cuda_result, const char **))                                \
    X(cuGetErrorString, get_error_string, (cuda_result, const char **))                            \
    X(cuDeviceGetCount, device_get_count, (int *))                                                 \
    X(cuDeviceGet, device_get, (cuda_device *, int))                                               \
    X(cuDeviceGetName, device_get_name, (char *, int, cuda_device))                                \
    X(cuDeviceGetAttribute, device_get_attribute, (int *, int, cuda_device))                       \
    X(cuDevicePrimaryCtxRetain, primary_context_retain, (cuda_context *, cuda_device))             \
    X(cuDevicePrimaryCtxRelease_v2, primary_context_release, (cuda_device))                        \
    X(cuCtxSetCurrent, context_set_current, (cuda_context))                                        \
    X(cuModuleLoadData, module_load_data, (cuda_module *, const void *))                           \
    X(cuModuleGetFunction, module_get_function, (cuda_function *, cuda_module, const char *))      \
    X(cuModuleUnload, module_unload, (cuda_module))                                                \
    X(cuMemAlloc_v2, memory_allocate, (cuda_address *, size_t))                                    \
    X(cuMemFree_v2, memory_free, (cuda_address))                                                   \
    X(cuMemAllocHost_v2, host_memory_allocate, (void **, size_t))                                  \
    X(cuMemFreeHost, host_memory_free, (void *))                                                   \
    X(cuMemcpyHtoDAsync_v2, copy_to_device, (cuda_address, const void *, size_t, cuda_stream))     \
    X(cuMemcpyDtoHAsync_v2, copy_to_host, (void *, cuda_address, size_t, cuda_stream))             \
    X(cuStreamCreateWithPriority, stream_create, (cuda_stream *, unsigned, int))                   \
    X(cuStreamWaitEvent, stream_wait_event, (cuda_stream, cuda_event, unsigned))                   \
    X(cuStreamSynchronize, stream_synchronize, (cuda_stream))                                      \
    X(cuStreamDestroy_v2, stream_destroy, (cuda_stream))                                           \
    X(cuEventCreate, event_create, (cuda_event *, unsigned))                                       \
    X(cuEventRecord, event_record, (cuda_event, cuda_stream))                                      \
    X(cuEventSynchronize, event_synchronize, (cuda_event))                                         \
    X(cuEventDestroy_v2, event_destroy, (cuda_event))                                              \
    X(cuLaunchKernel, launch_kernel,                                                               \
      (cuda_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,        \
       cuda_stream, void **, void **))                                                             \
    X(cuStreamBeginCapture_v2, stream_begin_capture, (cuda_stream, int))                           \
    X(cuStreamEndCapture, stream_end_capture, (cuda_stream, cuda_graph *))                         \
    X(cuGraphInstantiateWithFlags, graph_instantiate,                                              \
      (cuda_graph_exec *, cuda_graph, unsigned long long))                                         \
    X(cuGraphLaunch, graph_launch, (cuda_graph_exec, cuda_stream))                                 \
    X(cuGraphExecDestroy, graph_exec_destroy, (cuda_graph_exec))                                   \
    X(cuGraphDestroy, graph_destroy, (cuda_graph))

struct cuda_driver {
#define CUDA_DECLARE_FIELD(symbol, field, parameters) cuda_result(*field) parameters;
    CUDA_FUNCTIONS(CUDA_DECLARE_FIELD)
#undef CUDA_DECLARE_FIELD
};

/*
 * Loads the driver at `path` (NULL: libcuda.so.1) and fills `driver`. Returns 0, or -1 with the
 * reason in `error` (cut to `error_size` bytes). The library stays loaded until the process ends.
 */
int cuda_driver_load(struct cuda_driver *driver, const char *path, char *error, size_t error_size);

/*
 * Sets the function pointer at `field` to the library's `symbol`. Returns 0, or -1 with the reason
 * in `error`, where the library is called by its `name`.
 */
int cuda_resolve(void *library, const char *name, const char *symbol, void *field, char *error,
                 size_t error_size);

/*
 * Writes "CALL failed: NAME (NUMBER): TEXT" for a driver's error into `text`. Also works for
 * numbers that the driver does not know.
 */
void cuda_driver_describe(const struct cuda_driver *driver, const char *call, cuda_result result,
                          char *text, size_t text_size);

#endif
