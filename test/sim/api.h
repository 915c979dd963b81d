/* What the files of exported functions share. */
#ifndef SIM_API_H
#define SIM_API_H

#include "capture.h"
#include "cuda_abi.h"
#include "runtime.h"

/* A loaded module's kernel. */
struct function {
    void *handle;
    struct module *module;
    struct context *context;
    const struct ptx_kernel *kernel;
};

/* Fills in a launch from a kernel's parameters, as `params` or packed in `extra` points to them. */
CUresult launch_prepare(CUfunction handle, const unsigned grid[3], const unsigned block[3],
                        void **params, void **extra, struct submission *submission,
                        struct context **context);

/* Plain and _v1 forms of a function share one body: an alias has the same address. */
#define SIM_ALIAS(name, target) CU_EXPORT __typeof__(target) name __attribute__((alias(#target)))

#endif
