/* The wrappers of every call that submits work, made from the table: gate, call, count. */
#include "hooks.h"

/* Whether work may go by gate_pass: what runs kernels, and is most of what there is. `work` in the
 * table begins with one of these names. */
#define IS_LAUNCH_work_kernel(function, blocks) true
#define IS_LAUNCH_work_kernel_ex(config, function) true
#define IS_LAUNCH_work_graph(exec) true
#define IS_LAUNCH_work_copy(bytes) false
#define IS_LAUNCH_work_copies(sizes, count) false
#define IS_LAUNCH_work_aside() false
#define IS_LAUNCH_work_wait() false

#define SUBMIT(function, work, stream_of, null_stream, parameters, arguments)                      \
    EXPORT CUresult function parameters;                                                           \
    LAUNCH_PATH CUresult function parameters {                                                     \
        REAL(function, parameters);                                                                \
        struct hot_queue *passed = IS_LAUNCH_##work ? gate_pass(stream_of, null_stream) : NULL;    \
        struct ticket ticket;                                                                      \
        if (__builtin_expect(passed == NULL, 0))                                                   \
            gate_enter(&ticket, stream_of, null_stream, work);                                     \
        CUresult result = real arguments;                                                          \
        if (passed != NULL)                                                                        \
            gate_passed(passed, HOOK_##function, result);                                          \
        else                                                                                       \
            gate_leave(&ticket, HOOK_##function, result);                                          \
        return result;                                                                             \
    }
/* A copy of `bytes` bytes, which may go in pieces. */
#define LINEAR(function, stream_of, null_stream, parameters, arguments)                            \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        CUresult result;                                                                           \
        size_t done = 0;                                                                           \
        struct pieces pieces;                                                                      \
        pieces_begin(&pieces, stream_of, null_stream, bytes);                                      \
        do {                                                                                       \
            struct ticket ticket;                                                                  \
            size_t piece = pieces_next(&pieces, bytes - done);                                     \
            gate_enter(&ticket, stream_of, null_stream, work_copy(piece));                         \
            result = real arguments;                                                               \
            gate_leave(&ticket, HOOK_##function, result);                                          \
            done += piece;                                                                         \
        } while (result == CUDA_SUCCESS && done < bytes);                                          \
        pieces_end(&pieces);                                                                       \
        return result;                                                                             \
    }
#define CUSTOM(function)
#include "hooks.def"
