#include "context.h"

#include "resolve.h"

#include <stdatomic.h>

/* Most programs make none: they are not asked about by a call that they do not make themselves. */
static atomic_bool has_green;

void context_note_green(void) {
    atomic_store(&has_green, true);
}

/* The contexts of a stream as a driver tells them that knows green ones; nothing where it fails. */
static bool ask_both(CUstream stream, struct stream_context *found) {
    struct stream_context told = {NULL, NULL};
    CUgreenCtx green = NULL;
    if (driver.cuStreamGetCtx_v2 == NULL || driver.cuCtxFromGreenCtx == NULL ||
        driver.cuStreamGetCtx_v2(stream, &told.context, &green) != CUDA_SUCCESS ||
        (green != NULL && driver.cuCtxFromGreenCtx(&told.green, green) != CUDA_SUCCESS))
        return false;
    *found = told;
    return true;
}

bool context_of_stream(CUstream stream, struct stream_context *found) {
    *found = (struct stream_context){NULL, NULL};
    if (atomic_load(&has_green) && ask_both(stream, found))
        return true;
    if (stream == CU_STREAM_LEGACY) {
        return driver.cuCtxGetCurrent != NULL &&
               driver.cuCtxGetCurrent(&found->context) == CUDA_SUCCESS && found->context != NULL;
    }
    return driver.cuStreamGetCtx != NULL &&
           driver.cuStreamGetCtx(stream, &found->context) == CUDA_SUCCESS;
}
