/* The calls through which a program finds the rest of the driver. */
#include "hooks.h"

EXPORT CUresult cuInit(unsigned flags);
CUresult cuInit(unsigned flags) {
    REAL(cuInit, (unsigned));
    return real(flags);
}

EXPORT CUresult cuGetProcAddress(const char *name, void **function, int version, uint64_t flags);
CUresult cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
    REAL(cuGetProcAddress, (const char *, void **, int, uint64_t));
    CUresult result = real(name, function, version, flags);
    /* Old drivers answer success with a NULL pointer. */
    if (result == CUDA_SUCCESS && function != NULL)
        *function = resolve_replace(name, *function);
    return result;
}

EXPORT CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags,
                                    int *status);
CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags,
                             int *status) {
    REAL(cuGetProcAddress_v2, (const char *, void **, int, uint64_t, int *));
    CUresult result = real(name, function, version, flags, status);
    if (result == CUDA_SUCCESS && function != NULL)
        *function = resolve_replace(name, *function);
    return result;
}
