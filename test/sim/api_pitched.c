/* Copies and memsets of two and three dimensions. Arrays are missing. */
#include "api.h"
#include "copy.h"

/* One end of a copy. */
struct end {
    size_t x, y, z;
    CUmemorytype type;
    uint64_t host, device;
    size_t pitch, height;
};

static bool end_address(const struct end *end, uint64_t *address) {
    uint64_t base = end->type == CU_MEMORYTYPE_HOST ? end->host : end->device;
    if (end->type != CU_MEMORYTYPE_HOST && end->type != CU_MEMORYTYPE_DEVICE &&
        end->type != CU_MEMORYTYPE_UNIFIED)
        return false;
    *address = base + (end->z * end->height + end->y) * end->pitch + end->x;
    return base != 0;
}

static CUresult copy_between(const struct end *from, const struct end *to, size_t width,
                             size_t height, size_t depth, CUstream stream, bool per_thread,
                             enum copy_manner manner) {
    uint64_t source, target;
    if (!end_address(from, &source) || !end_address(to, &target) || height > UINT32_MAX ||
        depth > UINT32_MAX)
        return CUDA_ERROR_INVALID_VALUE;
    if ((height > 1 || depth > 1) && (from->pitch < width || to->pitch < width))
        return CUDA_ERROR_INVALID_VALUE;
    bool from_host = from->type == CU_MEMORYTYPE_HOST, to_host = to->type == CU_MEMORYTYPE_HOST;
    bool known = from->type != CU_MEMORYTYPE_UNIFIED && to->type != CU_MEMORYTYPE_UNIFIED;
    int kind = !known || from_host == to_host ? copy_kind(target, source)
               : to_host                      ? SIM_OP_COPY_D2H
                                              : SIM_OP_COPY_H2D;
    struct shape shape = {.rows = (uint32_t)height,
                          .layers = (uint32_t)depth,
                          .target_pitch = to->pitch,
                          .target_layer = to->pitch * to->height,
                          .source_pitch = from->pitch,
                          .source_layer = from->pitch * from->height};
    return copy_submit(kind, target, source, width * height * depth, &shape, stream, per_thread,
                       manner);
}

static CUresult copy_2d(const CUDA_MEMCPY2D *copy, CUstream stream, bool per_thread,
                        enum copy_manner manner) {
    if (!copy)
        return CUDA_ERROR_INVALID_VALUE;
    struct end from = {.x = copy->srcXInBytes,
                       .y = copy->srcY,
                       .type = copy->srcMemoryType,
                       .host = (uint64_t)copy->srcHost,
                       .device = copy->srcDevice,
                       .pitch = copy->srcPitch ? copy->srcPitch : copy->WidthInBytes};
    struct end to = {.x = copy->dstXInBytes,
                     .y = copy->dstY,
                     .type = copy->dstMemoryType,
                     .host = (uint64_t)copy->dstHost,
                     .device = copy->dstDevice,
                     .pitch = copy->dstPitch ? copy->dstPitch : copy->WidthInBytes};
    return copy_between(&from, &to, copy->WidthInBytes, copy->Height, 1, stream, per_thread,
                        manner);
}

/* The form for two devices has contexts where the other has nothing. */
static CUresult copy_3d(const CUDA_MEMCPY3D *copy, CUstream stream, bool per_thread,
                        enum copy_manner manner) {
    if (!copy)
        return CUDA_ERROR_INVALID_VALUE;
    struct end from = {.x = copy->srcXInBytes,
                       .y = copy->srcY,
                       .z = copy->srcZ,
                       .type = copy->srcMemoryType,
                       .host = (uint64_t)copy->srcHost,
                       .device = copy->srcDevice,
                       .pitch = copy->srcPitch ? copy->srcPitch : copy->WidthInBytes,
                       .height = copy->srcHeight ? copy->srcHeight : copy->Height};
    struct end to = {.x = copy->dstXInBytes,
                     .y = copy->dstY,
                     .z = copy->dstZ,
                     .type = copy->dstMemoryType,
                     .host = (uint64_t)copy->dstHost,
                     .device = copy->dstDevice,
                     .pitch = copy->dstPitch ? copy->dstPitch : copy->WidthInBytes,
                     .height = copy->dstHeight ? copy->dstHeight : copy->Height};
    return copy_between(&from, &to, copy->WidthInBytes, copy->Height, copy->Depth, stream,
                        per_thread, manner);
}

static CUresult fill_2d(CUdeviceptr to, size_t pitch, uint64_t value, uint32_t width,
                        size_t columns, size_t rows, CUstream stream, bool per_thread,
                        enum copy_manner manner) {
    if (rows > UINT32_MAX || (rows > 1 && pitch < columns * width))
        return CUDA_ERROR_INVALID_VALUE;
    struct shape shape = {.rows = (uint32_t)rows, .layers = 1, .target_pitch = pitch};
    return fill_submit(to, value, width, columns * rows, &shape, stream, per_thread, manner);
}

#define SYNC_COPY(name, type, body, suffix, per_thread)                                            \
    CU_EXPORT CUresult name##suffix(const type *copy) {                                            \
        return body(copy, NULL, per_thread, COPY_SYNC);                                            \
    }
#define ASYNC_COPY(name, type, body, suffix, per_thread)                                           \
    CU_EXPORT CUresult name##suffix(const type *copy, CUstream stream) {                           \
        return body(copy, stream, per_thread, COPY_ASYNC);                                         \
    }
#define SYNC_FILL(name, type, width, suffix, per_thread)                                           \
    CU_EXPORT CUresult name##suffix(CUdeviceptr to, size_t pitch, type value, size_t columns,      \
                                    size_t rows) {                                                 \
        return fill_2d(to, pitch, value, width, columns, rows, NULL, per_thread, COPY_SYNC);       \
    }
#define ASYNC_FILL(name, type, width, suffix, per_thread)                                          \
    CU_EXPORT CUresult name##suffix(CUdeviceptr to, size_t pitch, type value, size_t columns,      \
                                    size_t rows, CUstream stream) {                                \
        return fill_2d(to, pitch, value, width, columns, rows, stream, per_thread, COPY_ASYNC);    \
    }

#define PITCHED_FORMS(sync_suffix, async_suffix, per_thread)                                       \
    SYNC_COPY(cuMemcpy2D_v2, CUDA_MEMCPY2D, copy_2d, sync_suffix, per_thread)                      \
    SYNC_COPY(cuMemcpy2DUnaligned_v2, CUDA_MEMCPY2D, copy_2d, sync_suffix, per_thread)             \
    SYNC_COPY(cuMemcpy3D_v2, CUDA_MEMCPY3D, copy_3d, sync_suffix, per_thread)                      \
    SYNC_COPY(cuMemcpy3DPeer, CUDA_MEMCPY3D, copy_3d, sync_suffix, per_thread)                     \
    ASYNC_COPY(cuMemcpy2DAsync_v2, CUDA_MEMCPY2D, copy_2d, async_suffix, per_thread)               \
    ASYNC_COPY(cuMemcpy3DAsync_v2, CUDA_MEMCPY3D, copy_3d, async_suffix, per_thread)               \
    ASYNC_COPY(cuMemcpy3DPeerAsync, CUDA_MEMCPY3D, copy_3d, async_suffix, per_thread)              \
    SYNC_FILL(cuMemsetD2D8_v2, unsigned char, 1, sync_suffix, per_thread)                          \
    SYNC_FILL(cuMemsetD2D16_v2, unsigned short, 2, sync_suffix, per_thread)                        \
    SYNC_FILL(cuMemsetD2D32_v2, unsigned, 4, sync_suffix, per_thread)                              \
    ASYNC_FILL(cuMemsetD2D8Async, unsigned char, 1, async_suffix, per_thread)                      \
    ASYNC_FILL(cuMemsetD2D16Async, unsigned short, 2, async_suffix, per_thread)                    \
    ASYNC_FILL(cuMemsetD2D32Async, unsigned, 4, async_suffix, per_thread)

PITCHED_FORMS(, , false)
PITCHED_FORMS(_ptds, _ptsz, true)
