/* Attributes of streams: of those there are, the priority. */
#include "api.h"

static CUresult get(CUstream handle, int attribute, CUlaunchAttributeValue *value,
                    bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!value)
        return CUDA_ERROR_INVALID_VALUE;
    if (attribute != CU_LAUNCH_ATTRIBUTE_PRIORITY)
        return CUDA_ERROR_NOT_SUPPORTED;
    value->priority = stream->priority;
    return CUDA_SUCCESS;
}

static CUresult set(CUstream handle, int attribute, const CUlaunchAttributeValue *value,
                    bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!value)
        return CUDA_ERROR_INVALID_VALUE;
    if (attribute != CU_LAUNCH_ATTRIBUTE_PRIORITY)
        return CUDA_ERROR_NOT_SUPPORTED;
    stream_set_priority(stream, value->priority);
    return CUDA_SUCCESS;
}

static CUresult copy(CUstream to_handle, CUstream from_handle, bool per_thread) {
    struct stream *to, *from;
    CUresult result = stream_resolve(to_handle, per_thread, &to);
    if (result == CUDA_SUCCESS)
        result = stream_resolve(from_handle, per_thread, &from);
    if (result == CUDA_SUCCESS)
        stream_set_priority(to, from->priority);
    return result;
}

#define ATTRIBUTE_FORMS(suffix, per_thread)                                                        \
    CU_EXPORT CUresult cuStreamGetAttribute##suffix(CUstream stream, int attribute,                \
                                                    CUlaunchAttributeValue *value) {               \
        return get(stream, attribute, value, per_thread);                                          \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamSetAttribute##suffix(CUstream stream, int attribute,                \
                                                    const CUlaunchAttributeValue *value) {         \
        return set(stream, attribute, value, per_thread);                                          \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamCopyAttributes##suffix(CUstream to, CUstream from) {                \
        return copy(to, from, per_thread);                                                         \
    }

ATTRIBUTE_FORMS(, false)
ATTRIBUTE_FORMS(_ptsz, true)
