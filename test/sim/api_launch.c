/* Kernel launches and host functions. */
#include <string.h>

#include "api.h"
#include "memory.h"
#include "model.h"
#include "ptx.h"

/* Value of a parameter of 1 to 8 bytes. */
static uint64_t param_value(const struct ptx_kernel *kernel, int index, void **params,
                            const char *packed) {
    uint64_t value = 0;
    size_t size = kernel->param_size[index] < 8 ? kernel->param_size[index] : 8;
    const void *source = params   ? params[index]
                         : packed ? packed + kernel->param_offset[index]
                                  : NULL;
    if (source)
        memcpy(&value, source, size);
    return value;
}

/* The buffer and its size that `extra` describes. */
static bool extra_read(void **extra, const char **packed, size_t *size) {
    for (; extra && *extra != CU_LAUNCH_PARAM_END; extra += 2) {
        if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER)
            *packed = extra[1];
        else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE)
            *size = *(size_t *)extra[1];
        else
            return false;
    }
    return *packed != NULL;
}

CUresult launch_prepare(CUfunction handle, const unsigned grid[3], const unsigned block[3],
                        void **params, void **extra, struct submission *submission,
                        struct context **context) {
    const struct function *function = handle_find(HANDLE_FUNCTION, handle);
    if (!function)
        return CUDA_ERROR_INVALID_HANDLE;
    uint64_t threads = 1;
    for (int i = 0; i < 3; i++) {
        if (grid[i] == 0 || block[i] == 0 || grid[i] > 0x7fffffffu || (i && grid[i] > 65535))
            return CUDA_ERROR_INVALID_VALUE;
        threads *= block[i];
    }
    if (threads > 1024 || block[2] > 64 || (params && extra))
        return CUDA_ERROR_INVALID_VALUE;
    const struct ptx_kernel *kernel = function->kernel;
    const char *packed = NULL;
    size_t size = 0;
    if (kernel->param_count > 0 && !params) {
        int last = kernel->param_count - 1;
        if (!extra_read(extra, &packed, &size) ||
            size < kernel->param_offset[last] + kernel->param_size[last])
            return CUDA_ERROR_INVALID_VALUE;
    }
    memset(submission, 0, sizeof *submission);
    submission->engine = SIM_ENGINE_COMPUTE;
    submission->launch = true;
    submission->latency = SIM_START_LATENCY_NS;
    submission->duration = kernel->duration_param >= 0
                               ? param_value(kernel, kernel->duration_param, params, packed)
                               : kernel->duration_ns;
    /* An hour at most: no sum of durations overflows. */
    if (submission->duration > 3600000000000ull)
        submission->duration = 3600000000000ull;
    struct payload *payload = &submission->payload;
    payload->kind = SIM_OP_KERNEL;
    payload->effect_count = (uint8_t)kernel->effect_count;
    for (int i = 0; i < kernel->effect_count; i++) {
        const struct ptx_effect *effect = &kernel->effects[i];
        payload->effects[i].kind = (uint8_t)effect->kind;
        if (effect->kind == EFFECT_TRAP)
            continue;
        payload->effects[i].address = param_value(kernel, effect->target, params, packed);
        payload->effects[i].value =
            effect->value < 0 ? effect->number
                              : (uint32_t)param_value(kernel, effect->value, params, packed);
        /* What only the driver can show need not be there before it is asked for. */
        payload->interesting |= !memory_is_private(payload->effects[i].address);
    }
    *context = function->context;
    return CUDA_SUCCESS;
}

static CUresult launch(CUfunction function, const unsigned grid[3], const unsigned block[3],
                       CUstream handle, void **params, void **extra, bool per_thread) {
    struct stream *stream;
    struct context *context;
    struct submission submission;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    uint64_t since = runtime_now();
    result = launch_prepare(function, grid, block, params, extra, &submission, &context);
    if (result == CUDA_SUCCESS && context != stream->context)
        result = CUDA_ERROR_INVALID_HANDLE;
    if (result != CUDA_SUCCESS)
        return result;
    bool capturing = stream->capture != NULL;
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS && !capturing)
        host_delay(since, SIM_HOST_LAUNCH_NS);
    return result;
}

static CUresult host_function(CUhostFn function, CUstreamCallback callback, void *data,
                              CUstream handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!function && !callback)
        return CUDA_ERROR_INVALID_VALUE;
    uint64_t since = runtime_now();
    bool capturing = stream->capture != NULL;
    if (callback && capturing)
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    struct submission submission = {.engine = SIM_ENGINE_EXTERNAL,
                                    .latency = SIM_START_LATENCY_NS,
                                    .payload = {.kind = SIM_OP_HOST, .interesting = true}};
    submission.payload.function = function;
    submission.payload.callback = callback;
    submission.payload.data = data;
    result = queue_submit(stream, &submission, NULL);
    if (result == CUDA_SUCCESS && !capturing)
        host_delay(since, SIM_HOST_FUNC_NS);
    return result;
}

#define LAUNCH_FORMS(suffix, per_thread)                                                           \
    CU_EXPORT CUresult cuLaunchKernel##suffix(                                                     \
        CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,      \
        unsigned bz, unsigned shared, CUstream stream, void **params, void **extra) {              \
        (void)shared;                                                                              \
        return launch(function, (unsigned[3]){gx, gy, gz}, (unsigned[3]){bx, by, bz}, stream,      \
                      params, extra, per_thread);                                                  \
    }                                                                                              \
    CU_EXPORT CUresult cuLaunchCooperativeKernel##suffix(                                          \
        CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,      \
        unsigned bz, unsigned shared, CUstream stream, void **params) {                            \
        (void)shared;                                                                              \
        return launch(function, (unsigned[3]){gx, gy, gz}, (unsigned[3]){bx, by, bz}, stream,      \
                      params, NULL, per_thread);                                                   \
    }                                                                                              \
    CU_EXPORT CUresult cuLaunchKernelEx##suffix(const CUlaunchConfig *config, CUfunction function, \
                                                void **params, void **extra) {                     \
        if (!config || (config->numAttrs && !config->attrs))                                       \
            return CUDA_ERROR_INVALID_VALUE;                                                       \
        return launch(function,                                                                    \
                      (unsigned[3]){config->gridDimX, config->gridDimY, config->gridDimZ},         \
                      (unsigned[3]){config->blockDimX, config->blockDimY, config->blockDimZ},      \
                      config->hStream, params, extra, per_thread);                                 \
    }                                                                                              \
    CU_EXPORT CUresult cuLaunchHostFunc##suffix(CUstream stream, CUhostFn function, void *data) {  \
        return host_function(function, NULL, data, stream, per_thread);                            \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamAddCallback##suffix(CUstream stream, CUstreamCallback callback,     \
                                                   void *data, unsigned flags) {                   \
        if (flags)                                                                                 \
            return CUDA_ERROR_INVALID_VALUE;                                                       \
        return host_function(NULL, callback, data, stream, per_thread);                            \
    }

LAUNCH_FORMS(, false)
LAUNCH_FORMS(_ptsz, true)
