/* The driver API as a program without CUDA's headers uses it: found by dlopen and dlsym. */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum { CUDA_SUCCESS = 0, NON_BLOCKING = 1, NO_TIMING = 2 };
enum capture_mode { CAPTURE_GLOBAL, CAPTURE_THREAD_LOCAL, CAPTURE_RELAXED };

#define DRIVER_CALLS(CALL)                                                                         \
    CALL(cuInit, (unsigned))                                                                       \
    CALL(cuDeviceGet, (CUdevice *, int))                                                           \
    CALL(cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))                                        \
    CALL(cuCtxSetCurrent, (CUcontext))                                                             \
    CALL(cuCtxSynchronize, (void))                                                                 \
    CALL(cuModuleLoadData, (CUmodule *, const void *))                                             \
    CALL(cuModuleGetFunction, (CUfunction *, CUmodule, const char *))                              \
    CALL(cuMemAlloc_v2, (CUdeviceptr *, size_t))                                                   \
    CALL(cuMemcpyHtoD_v2, (CUdeviceptr, const void *, size_t))                                     \
    CALL(cuMemcpyDtoH_v2, (void *, CUdeviceptr, size_t))                                           \
    CALL(cuMemcpyDtoDAsync_v2, (CUdeviceptr, CUdeviceptr, size_t, CUstream))                       \
    CALL(cuMemsetD32_v2, (CUdeviceptr, unsigned, size_t))                                          \
    CALL(cuLaunchKernel, (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,  \
                          unsigned, CUstream, void **, void **))                                   \
    CALL(cuLaunchKernel_ptsz, (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned,       \
                               unsigned, unsigned, CUstream, void **, void **))                    \
    CALL(cuStreamCreateWithPriority, (CUstream *, unsigned, int))                                  \
    CALL(cuStreamDestroy_v2, (CUstream))                                                           \
    CALL(cuStreamSynchronize, (CUstream))                                                          \
    CALL(cuStreamSynchronize_ptsz, (CUstream))                                                     \
    CALL(cuStreamBeginCapture_v2, (CUstream, int))                                                 \
    CALL(cuStreamBeginCapture_v2_ptsz, (CUstream, int))                                            \
    CALL(cuStreamEndCapture, (CUstream, CUgraph *))                                                \
    CALL(cuStreamEndCapture_ptsz, (CUstream, CUgraph *))                                           \
    CALL(cuStreamWaitEvent, (CUstream, CUevent, unsigned))                                         \
    CALL(cuThreadExchangeStreamCaptureMode, (int *))                                               \
    CALL(cuGraphInstantiateWithFlags, (CUgraphExec *, CUgraph, unsigned long long))                \
    CALL(cuGraphLaunch, (CUgraphExec, CUstream))                                                   \
    CALL(cuGraphDestroy, (CUgraph))                                                                \
    CALL(cuGraphExecDestroy, (CUgraphExec))                                                        \
    CALL(cuEventCreate, (CUevent *, unsigned))                                                     \
    CALL(cuEventRecord, (CUevent, CUstream))                                                       \
    CALL(cuEventSynchronize, (CUevent))                                                            \
    CALL(cuEventDestroy_v2, (CUevent))                                                             \
    CALL(cuGetProcAddress_v2, (const char *, void **, int, uint64_t, int *))                       \
    CALL(cuLaunchHostFunc, (CUstream, void (*)(void *), void *))                                   \
    CALL(cuMemFree_v2, (CUdeviceptr))                                                              \
    CALL(cuMemAllocAsync, (CUdeviceptr *, size_t, CUstream))                                       \
    CALL(cuMemFreeAsync, (CUdeviceptr, CUstream))                                                  \
    CALL(cuMemcpyHtoDAsync_v2, (CUdeviceptr, const void *, size_t, CUstream))                      \
    CALL(cuStreamWaitValue32_v2, (CUstream, CUdeviceptr, uint32_t, unsigned))                      \
    CALL(cuStreamWriteValue32_v2, (CUstream, CUdeviceptr, uint32_t, unsigned))

#define DECLARE(name, parameters) CUresult(*name) parameters;
struct driver {
    DRIVER_CALLS(DECLARE)
    CUcontext context;
    /* mix(u64 ns, u32 *word, u32 value): *word = *word * 31 + value. */
    CUfunction mix;
};
#undef DECLARE

extern struct driver cuda;

/*
 * Loads the driver, device 0's primary context and the kernels in the file $CLIENT_PTX; ends the
 * program where that fails. The context is current in the calling thread.
 */
void driver_start(void);

/* The kernel mix of $CLIENT_PTX, loaded into the current context. */
CUfunction driver_load_mix(void);

/* Makes the context current in another thread. */
void driver_join_thread(void);

/* Launches mix; `per_thread` uses the per-thread-default-stream variant of the call. */
CUresult driver_mix(CUstream stream, int per_thread, uint64_t ns, CUdeviceptr word, uint32_t value);

/* Ends the program with exit code 1 when a call of the driver does not succeed. */
#define DRIVER_CHECK(call) driver_check((call), #call, __FILE__, __LINE__)
void driver_check(CUresult result, const char *text, const char *file, int line);

#endif
