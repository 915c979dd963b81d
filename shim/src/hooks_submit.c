/* The wrappers of every call that submits work, made from the table: gate, call, count. */
#include "hooks.h"

#include "config.h"

/* Whether work may go by gate_pass: what is held back at the gate and counts as passed. `work` in
 * the table begins with one of these names. */
#define MAY_PASS_work_kernel(function, blocks) true
#define MAY_PASS_work_kernel_ex(launch, function) true
#define MAY_PASS_work_graph(exec) true
#define MAY_PASS_work_copy(bytes) config.gate_copies
#define MAY_PASS_work_copies(sizes, count) config.gate_copies
#define MAY_PASS_work_aside() false
#define MAY_PASS_work_wait() false

/* The queue whose work may go on at once, or NULL. */
#define PASS(may_pass, stream, null_stream)                                                        \
    ((may_pass) ? gate_pass(stream_by_name(stream, null_stream)) : NULL)

#define SUBMIT(function, work, stream_of, null_stream, parameters, arguments)                      \
    EXPORT CUresult function parameters;                                                           \
    LAUNCH_PATH CUresult function parameters {                                                     \
        REAL(function, parameters);                                                                \
        struct hot_queue *passed = PASS(MAY_PASS_##work, stream_of, null_stream);                  \
        struct ticket ticket;                                                                      \
        if (!LIKELY(passed != NULL))                                                               \
            gate_enter(&ticket, stream_of, null_stream, work);                                     \
        CUresult result = real arguments;                                                          \
        if (LIKELY(passed != NULL))                                                                \
            gate_passed(passed, HOOK_##function, result);                                          \
        else                                                                                       \
            gate_leave(&ticket, HOOK_##function, result);                                          \
        return result;                                                                             \
    }
/* A copy of `bytes` bytes, which may go in pieces: but not while nobody outranks its queue. */
#define LINEAR(function, stream_of, null_stream, parameters, arguments)                            \
    EXPORT CUresult function parameters;                                                           \
    LAUNCH_PATH CUresult function parameters {                                                     \
        REAL(function, parameters);                                                                \
        CUresult result;                                                                           \
        size_t done = 0;                                                                           \
        struct hot_queue *passed = PASS(config.gate_copies, stream_of, null_stream);               \
        if (LIKELY(passed != NULL)) {                                                              \
            size_t piece = bytes;                                                                  \
            result = real arguments;                                                               \
            gate_passed(passed, HOOK_##function, result);                                          \
            return result;                                                                         \
        }                                                                                          \
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
