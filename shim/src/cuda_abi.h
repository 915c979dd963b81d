/*
 * The part of the CUDA driver's public ABI that the shim speaks.
 *
 * Own declarations, so that the shim builds on a machine without a CUDA toolkit. Structures that
 * are only passed on are opaque; those that are read are declared up to the last field read.
 */
#ifndef XSCHED_CUDA_ABI_H
#define XSCHED_CUDA_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUfunc_st *CUfunction;
typedef struct CUarray_st *CUarray;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphNode_st *CUgraphNode;
typedef struct CUgraphExec_st *CUgraphExec;
typedef struct CUgreenCtx_st *CUgreenCtx;
typedef struct CUdevResourceDesc_st *CUdevResourceDesc;
typedef struct CUmemPoolHandle_st *CUmemoryPool;
typedef struct CUextSemaphore_st *CUexternalSemaphore;
typedef void (*CUhostFn)(void *data);
typedef void (*CUstreamCallback)(CUstream stream, CUresult status, void *data);

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_DEINITIALIZED = 4,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_STREAM_CAPTURE_FIRST = 900, /* …_UNSUPPORTED */
    CUDA_ERROR_STREAM_CAPTURE_LAST = 908,  /* …_WRONG_THREAD */
};

enum { CU_STREAM_CAPTURE_STATUS_NONE = 0 };
enum { CU_STREAM_CAPTURE_MODE_RELAXED = 2 };
enum { CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_LAUNCH_ATTRIBUTE_PRIORITY = 8 };

/* Handles that name a default stream instead of a stream object. */
#define CU_STREAM_LEGACY ((CUstream)0x1)
#define CU_STREAM_PER_THREAD ((CUstream)0x2)

typedef struct {
    unsigned char bytes[16];
} CUuuid;

/* Passed by value, so that its size matters: two words. */
typedef struct {
    int type;
    int id;
} CUmemLocation;

/* Passed by value. */
typedef struct {
    char reserved[64];
} CUipcEventHandle;

/* CUlaunchAttributeValue: a union as large as its padding; of its members we read one. */
typedef union {
    char pad[64];
    int priority;
} CUlaunchAttributeValue;

/* CUlaunchConfig: what precedes the attributes. */
typedef struct {
    unsigned int gridDimX, gridDimY, gridDimZ;
    unsigned int blockDimX, blockDimY, blockDimZ;
    unsigned int sharedMemBytes;
    CUstream hStream;
    void *attrs;
    unsigned int numAttrs;
} CUlaunchConfig;

/* CUDA_LAUNCH_PARAMS, one element of cuLaunchCooperativeKernelMultiDevice's list. */
typedef struct {
    CUfunction function;
    unsigned int gridDimX, gridDimY, gridDimZ;
    unsigned int blockDimX, blockDimY, blockDimZ;
    unsigned int sharedMemBytes;
    CUstream hStream;
    void **kernelParams;
} CUDA_LAUNCH_PARAMS;

#endif
