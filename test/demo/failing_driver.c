/*
 * A libcuda.so.1 in which every call succeeds without doing anything, but for the one that
 * FAILING_CALL names, which reports CUDA_ERROR_LAUNCH_FAILED. Tests run xsched-load on it.
 */
#include "cuda_driver.h"

#include <stdlib.h>
#include <string.h>

#define FAILURE 719
#define EXPORT __attribute__((visibility("default")))

/* The plain name of a call, without the ending of its version. */
static cuda_result driver_answer(const char *symbol) {
    const char *failing = getenv("FAILING_CALL");
    if (!failing)
        return CUDA_SUCCESS;
    size_t length = strlen(failing);
    int is_named =
        strncmp(symbol, failing, length) == 0 && (symbol[length] == '\0' || symbol[length] == '_');
    return is_named ? FAILURE : CUDA_SUCCESS;
}

EXPORT cuda_result cuDeviceGetCount(int *count) {
    *count = 1;
    return driver_answer("cuDeviceGetCount");
}

EXPORT cuda_result cuDeviceGetName(char *name, int size, cuda_device device) {
    (void)device;
    strncpy(name, "a \"failing\" GPU", (size_t)size);
    return driver_answer("cuDeviceGetName");
}

EXPORT cuda_result cuDeviceGetAttribute(int *value, int attribute, cuda_device device) {
    (void)attribute;
    (void)device;
    *value = 1;
    return driver_answer("cuDeviceGetAttribute");
}

EXPORT cuda_result cuGetErrorName(cuda_result result, const char **name) {
    *name = "CUDA_ERROR_LAUNCH_FAILED";
    return result == FAILURE ? CUDA_SUCCESS : FAILURE;
}

EXPORT cuda_result cuGetErrorString(cuda_result result, const char **text) {
    *text = "unspecified launch failure";
    return result == FAILURE ? CUDA_SUCCESS : FAILURE;
}

/* Handles that the program tells from null decide what it does with them. */
#define DEFINE_CREATE(symbol)                                                                      \
    EXPORT cuda_result symbol(void **handle);                                                      \
    EXPORT cuda_result symbol(void **handle) {                                                     \
        *handle = handle;                                                                          \
        return driver_answer(#symbol);                                                             \
    }

DEFINE_CREATE(cuEventCreate)
DEFINE_CREATE(cuGraphInstantiateWithFlags)

/* What these would return through their parameters stays as the program initialised it: null. */
#define DEFINE(symbol)                                                                             \
    EXPORT cuda_result symbol(void);                                                               \
    EXPORT cuda_result symbol(void) {                                                              \
        return driver_answer(#symbol);                                                             \
    }

DEFINE(cuInit)
DEFINE(cuDriverGetVersion)
DEFINE(cuDeviceGet)
DEFINE(cuDevicePrimaryCtxRetain)
DEFINE(cuDevicePrimaryCtxRelease_v2)
DEFINE(cuCtxSetCurrent)
DEFINE(cuModuleLoadData)
DEFINE(cuModuleGetFunction)
DEFINE(cuModuleUnload)
DEFINE(cuMemAlloc_v2)
DEFINE(cuMemFree_v2)
DEFINE(cuMemAllocHost_v2)
DEFINE(cuMemFreeHost)
DEFINE(cuMemcpyHtoDAsync_v2)
DEFINE(cuMemcpyDtoHAsync_v2)
DEFINE(cuStreamCreateWithPriority)
DEFINE(cuStreamWaitEvent)
DEFINE(cuStreamSynchronize)
DEFINE(cuStreamDestroy_v2)
DEFINE(cuEventRecord)
DEFINE(cuEventSynchronize)
DEFINE(cuEventDestroy_v2)
DEFINE(cuLaunchKernel)
DEFINE(cuStreamBeginCapture_v2)
DEFINE(cuStreamEndCapture)
DEFINE(cuGraphLaunch)
DEFINE(cuGraphExecDestroy)
DEFINE(cuGraphDestroy)
