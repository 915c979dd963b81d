#include "context.h"

#include "resolve.h"

bool context_of_stream(CUstream stream, struct stream_context *found) {
    CUgreenCtx green = NULL;
    *found = (struct stream_context){NULL, NULL};
    /* The first form, where it knows streams of green contexts, names the green one. */
    if (driver.cuStreamGetCtx_v2 != NULL && driver.cuCtxFromGreenCtx != NULL &&
        driver.cuStreamGetCtx_v2(stream, &found->context, &green) == CUDA_SUCCESS) {
        return green == NULL || driver.cuCtxFromGreenCtx(&found->green, green) == CUDA_SUCCESS;
    }
    if (stream == CU_STREAM_LEGACY) {
        return driver.cuCtxGetCurrent != NULL &&
               driver.cuCtxGetCurrent(&found->context) == CUDA_SUCCESS && found->context != NULL;
    }
    return driver.cuStreamGetCtx != NULL &&
           driver.cuStreamGetCtx(stream, &found->context) == CUDA_SUCCESS;
}
