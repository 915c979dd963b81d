/*
 * The beginnings of contexts: the first of a process says that it will want the GPU, and on whose
 * behalf. Whoever it outranks keeps a window from then on.
 */
#include "hooks.h"

#include "context.h"

static void arrive(void) {
    if (!process_is_inert())
        process_arrive();
}

#define CONTEXT_CREATE(function, parameters, arguments)                                            \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        arrive();                                                                                  \
        return real arguments;                                                                     \
    }
#define CONTEXT_CREATE_PLAIN(function)                                                             \
    CONTEXT_CREATE(function, (CUcontext * context, unsigned flags, CUdevice device),               \
                   (context, flags, device))
#define CONTEXT_CREATE_VDPAU(function)                                                             \
    CONTEXT_CREATE(                                                                                \
        function,                                                                                  \
        (CUcontext * context, unsigned flags, CUdevice device, uint32_t vdpau, void *get_address), \
        (context, flags, device, vdpau, get_address))

CONTEXT_CREATE_PLAIN(cuCtxCreate)
CONTEXT_CREATE_PLAIN(cuCtxCreate_v2)
CONTEXT_CREATE(cuCtxCreate_v3,
               (CUcontext * context, void *affinities, int count, unsigned flags, CUdevice device),
               (context, affinities, count, flags, device))
CONTEXT_CREATE(cuCtxCreate_v4,
               (CUcontext * context, void *settings, unsigned flags, CUdevice device),
               (context, settings, flags, device))
CONTEXT_CREATE_PLAIN(cuGLCtxCreate)
CONTEXT_CREATE_PLAIN(cuGLCtxCreate_v2)
CONTEXT_CREATE_VDPAU(cuVDPAUCtxCreate)
CONTEXT_CREATE_VDPAU(cuVDPAUCtxCreate_v2)

/* What the CUDA runtime does for its first call that needs a context; later ones find it there. */
CONTEXT_CREATE(cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device), (context, device))

/* It brings the primary one with it. */
EXPORT CUresult cuGreenCtxCreate(CUgreenCtx *green, CUdevResourceDesc desc, CUdevice device,
                                 unsigned flags);
CUresult cuGreenCtxCreate(CUgreenCtx *green, CUdevResourceDesc desc, CUdevice device,
                          unsigned flags) {
    REAL(cuGreenCtxCreate, (CUgreenCtx *, CUdevResourceDesc, CUdevice, unsigned));
    if (!process_is_inert()) {
        process_arrive();
        /* Another thread may use it as soon as it is there. */
        context_note_green();
    }
    return real(green, desc, device, flags);
}
