/* Starting, devices and the texts of errors. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "model.h"

CU_EXPORT CUresult cuInit(unsigned flags) {
    return flags ? CUDA_ERROR_INVALID_VALUE : runtime_init();
}

CU_EXPORT CUresult cuDriverGetVersion(int *version) {
    if (!version)
        return CUDA_ERROR_INVALID_VALUE;
    *version = SIM_DRIVER_VERSION;
    return CUDA_SUCCESS;
}

static CUresult check(CUdevice device, const void *answer) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!answer)
        return CUDA_ERROR_INVALID_VALUE;
    return device >= 0 && (uint32_t)device < runtime.visible_count ? CUDA_SUCCESS
                                                                   : CUDA_ERROR_INVALID_DEVICE;
}

CU_EXPORT CUresult cuDeviceGetCount(int *count) {
    CUresult result = runtime_check();
    if (result == CUDA_SUCCESS && !count)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        *count = (int)runtime.visible_count;
    return result;
}

CU_EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    CUresult result = check(ordinal, device);
    if (result == CUDA_SUCCESS)
        *device = ordinal;
    return result;
}

CU_EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    CUresult result = check(device, name);
    if (result == CUDA_SUCCESS && length <= 0)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        snprintf(name, (size_t)length, "%s", SIM_DEVICE_NAME);
    return result;
}

CU_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    CUresult result = check(device, bytes);
    if (result == CUDA_SUCCESS)
        *bytes = SIM_DEVICE_MEMORY;
    return result;
}

CU_EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
    CUresult result = check(device, uuid);
    if (result == CUDA_SUCCESS)
        *uuid = visible_uuid(runtime.visible[device], true);
    return result;
}

CU_EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    CUresult result = check(device, uuid);
    if (result == CUDA_SUCCESS)
        *uuid = visible_uuid(runtime.visible[device], false);
    return result;
}

/* CU_DEVICE_ATTRIBUTE numbers with the values of an H200; all others are 0. Of this one the value
 * is the simulated device's own. */
enum { MPS_ENABLED = 133 };

static const struct {
    int attribute, value;
} attributes[] = {
    {1, 1024}, /* threads of a block */
    {2, 1024}, /* its x, y and z */
    {3, 1024},
    {4, 64},
    {5, 2147483647}, /* a grid's x, y and z */
    {6, 65535},
    {7, 65535},
    {8, 49152},                /* shared memory of a block */
    {9, 65536},                /* constant memory */
    {10, 32},                  /* warp */
    {12, 65536},               /* registers of a block */
    {13, 1980000},             /* clock in kHz */
    {15, 1},                   /* copies overlap kernels */
    {16, SIM_MULTIPROCESSORS}, /* multiprocessors */
    {19, 1},                   /* host memory can be mapped */
    {31, 1},                   /* concurrent kernels */
    {36, 3201000},             /* memory clock in kHz */
    {37, 6144},                /* memory bus in bits */
    {38, 52428800},            /* L2 */
    {39, 2048},                /* threads of a multiprocessor */
    {40, 2},                   /* copy engines */
    {41, 1},                   /* unified addressing */
    {75, 9},                   /* compute capability */
    {76, 0},
    {78, 1},  /* stream priorities */
    {83, 1},  /* managed memory */
    {88, 1},  /* pageable memory access */
    {90, 1},  /* compute preemption */
    {95, 1},  /* cooperative launch */
    {115, 1}, /* memory pools */
    {122, 1}, /* stream memory operations on 64 bits */
};

CU_EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    CUresult result = check(device, value);
    if (result == CUDA_SUCCESS && (attribute <= 0 || attribute > 200))
        result = CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS)
        return result;
    *value = attribute == MPS_ENABLED && runtime.file->mps;
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (attributes[i].attribute == attribute)
            *value = attributes[i].value;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device) {
    CUresult result = check(device, text);
    if (result == CUDA_SUCCESS && length < 13)
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        snprintf(text, (size_t)length, "0000:%02X:00.0", runtime.visible[device] + 1);
    return result;
}

static const struct {
    CUresult code;
    const char *name, *text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_DEINITIALIZED, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE, "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE",
     "cannot set while device is active in this process"},
    {CUDA_ERROR_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_MERGE, "CUDA_ERROR_STREAM_CAPTURE_MERGE",
     "operation would result in a merge of separate capture sequences"},
    {CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED",
     "capture was not ended in the same stream as it began"},
    {CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
     "capturing stream has unjoined work"},
    {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
    {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE",
     "the graph update was not performed because it included changes which violated constraints"},
    {CUDA_ERROR_INVALID_RESOURCE_TYPE, "CUDA_ERROR_INVALID_RESOURCE_TYPE", "invalid resource type"},
    {CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION, "CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION",
     "invalid resource configuration"},
    {CUDA_ERROR_STREAM_DETACHED, "CUDA_ERROR_STREAM_DETACHED", "stream is detached"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static CUresult error_text(CUresult code, const char **answer, bool name) {
    if (!answer)
        return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code) {
            *answer = name ? errors[i].name : errors[i].text;
            return CUDA_SUCCESS;
        }
    *answer = NULL;
    return CUDA_ERROR_INVALID_VALUE;
}

CU_EXPORT CUresult cuGetErrorName(CUresult code, const char **name) {
    return error_text(code, name, true);
}

CU_EXPORT CUresult cuGetErrorString(CUresult code, const char **text) {
    return error_text(code, text, false);
}
