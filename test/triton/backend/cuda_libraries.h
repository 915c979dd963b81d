/*
 * The part of cuBLAS and of NVRTC that the engine `bert` uses, found at run time: own declarations,
 * so that the backend builds and serves `chain` without either.
 */
#ifndef TEST_TRITON_CUDA_LIBRARIES_H
#define TEST_TRITON_CUDA_LIBRARIES_H

#include "cuda_driver.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct cublasContext *blas_handle;
typedef struct _nvrtcProgram *rtc_program;

enum { BLAS_OP_N = 0, BLAS_OP_T = 1, BLAS_R_16F = 2, BLAS_COMPUTE_32F = 68, BLAS_ALGO = -1 };

#define BLAS_FUNCTIONS(X)                                                                          \
    X(cublasCreate_v2, create, (blas_handle *))                                                    \
    X(cublasDestroy_v2, destroy, (blas_handle))                                                    \
    X(cublasSetStream_v2, set_stream, (blas_handle, cuda_stream))                                  \
    X(cublasSetWorkspace_v2, set_workspace, (blas_handle, void *, size_t))                         \
    X(cublasGemmEx, multiply,                                                                      \
      (blas_handle, int, int, int, int, int, const void *, const void *, int, int, const void *,   \
       int, int, const void *, void *, int, int, int, int))                                        \
    X(cublasGemmBatchedEx, multiply_many,                                                          \
      (blas_handle, int, int, int, int, int, const void *, const void *const *, int, int,          \
       const void *const *, int, int, const void *, void *const *, int, int, int, int, int))

struct blas {
#define DECLARE(symbol, field, parameters) int(*field) parameters;
    BLAS_FUNCTIONS(DECLARE)
#undef DECLARE
};

/*
 * Loads cuBLAS from `path`, or from where the loader finds it if that is empty. The library stays
 * loaded. False with the reason in `error`.
 */
bool blas_load(struct blas *blas, const char *path, char *error, size_t error_size);

/*
 * Compiles CUDA C++ for a compute capability (90: 9.0) with the NVRTC at `path` (found as above).
 * Returns the program for cuModuleLoadData, from malloc; NULL with the compiler's words in `error`.
 */
char *rtc_compile(const char *path, const char *source, int capability, char *error,
                  size_t error_size);

#endif
