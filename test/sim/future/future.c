/*
 * What a driver may have some day and no version of today has: a way to launch that nobody knows,
 * and a question that launches nothing.
 */
#include "cuda_api.h"

CU_EXPORT CUresult cuLaunchAhead_v2(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                    CUstream stream, void **params, double weight, float bias,
                                    int64_t offset, double *sum);

/* `sum` shows that every argument arrived, those in vector registers and on the stack too. */
CUresult cuLaunchAhead_v2(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                          CUstream stream, void **params, double weight, float bias, int64_t offset,
                          double *sum) {
    *sum = weight * gx * gy * gz + (double)bias + (double)offset;
    return cuLaunchKernel(function, gx, gy, gz, 1, 1, 1, 0, stream, params, NULL);
}

CU_EXPORT CUresult cuDeviceGetAhead(int *value);
CUresult cuDeviceGetAhead(int *value) {
    *value = 42;
    return CUDA_SUCCESS;
}
