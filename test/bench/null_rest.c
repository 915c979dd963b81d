/* The rest of null_driver.c: what needs no answer. Weak, so that a call may be in both. */
#include "clients/driver.h"

#define NOTHING(name, ...)                                                                         \
    __attribute__((weak, visibility("default"))) CUresult name(void);                              \
    CUresult name(void) {                                                                          \
        return CUDA_SUCCESS;                                                                       \
    }
DRIVER_CALLS(NOTHING)

/* What the shim calls besides. */
NOTHING(cuCtxPushCurrent_v2)
NOTHING(cuCtxPopCurrent_v2)
NOTHING(cuEventQuery)
NOTHING(cuEventRecord_ptsz)
