/* cuGetProcAddress: every pointer that it returns is an exported symbol's. */
#include "resolve.h"

#include "cuda_abi.h"

CU_EXPORT CUresult cuGetProcAddress_v2(const char *name, void **function, int version,
                                       cuuint64_t flags, CUdriverProcAddressQueryResult *status) {
    if (!name || !function || flags > 3)
        return CUDA_ERROR_INVALID_VALUE;
    int outcome;
    sim_function found = export_find(
        name, version, (flags & CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM) != 0, &outcome);
    *(sim_function *)function = found;
    if (status)
        *status = outcome;
    return found ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CU_EXPORT CUresult cuGetProcAddress(const char *name, void **function, int version,
                                    cuuint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, 0);
}

/* The tables behind this are the driver's private ones: there are none here. */
CU_EXPORT CUresult cuGetExportTable(const void **table, const CUuuid *id) {
    if (!table || !id)
        return CUDA_ERROR_INVALID_VALUE;
    *table = 0;
    return CUDA_ERROR_NOT_FOUND;
}
