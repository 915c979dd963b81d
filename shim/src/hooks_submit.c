/* The wrappers of every call that submits work, made from the table: gate, call, count. */
#include "hooks.h"

/* The queue whose work may go on at once, or NULL: only what is held back at the gate and counts as
 * passed goes by gate_pass. `work` in the table begins with one of these names. */
#define PASS_work_kernel(function, blocks) gate_pass(named)
#define PASS_work_kernel_ex(launch, function) gate_pass(named)
#define PASS_work_graph(exec) gate_pass(named)
#define PASS_work_copy(bytes) gate_pass_copy(named)
#define PASS_work_copies(sizes, count) gate_pass_copy(named)
#define PASS_work_aside() ((void)named, NULL)
#define PASS_work_wait() ((void)named, NULL)

#define SUBMIT(function, work, stream_of, null_stream, parameters, arguments)                      \
    EXPORT CUresult function parameters;                                                           \
    LAUNCH_PATH CUresult function parameters {                                                     \
        REAL(function, parameters);                                                                \
        CUstream named = stream_by_name(stream_of, null_stream);                                   \
        struct hot_queue *passed = PASS_##work;                                                    \
        struct ticket ticket;                                                                      \
        bool is_passed = gate_is_passed(passed);                                                   \
        if (!LIKELY(is_passed))                                                                    \
            gate_enter(&ticket, passed, stream_of, null_stream, work);                             \
        CUresult result = real arguments;                                                          \
        if (LIKELY(is_passed))                                                                     \
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
        struct hot_queue *passed = gate_pass_copy(stream_by_name(stream_of, null_stream));         \
        bool is_passed = gate_is_passed(passed);                                                   \
        struct ticket ticket;                                                                      \
        if (is_passed || (passed != NULL && bytes <= PIECE_BYTES)) {                               \
            size_t piece = bytes;                                                                  \
            if (!is_passed)                                                                        \
                gate_enter(&ticket, passed, stream_of, null_stream, work_copy(piece));             \
            result = real arguments;                                                               \
            if (is_passed)                                                                         \
                gate_passed(passed, HOOK_##function, result);                                      \
            else                                                                                   \
                gate_leave(&ticket, HOOK_##function, result);                                      \
            return result;                                                                         \
        }                                                                                          \
        if (passed != NULL)                                                                        \
            gate_turn_back(passed);                                                                \
        struct pieces pieces;                                                                      \
        pieces_begin(&pieces, stream_of, null_stream, bytes);                                      \
        do {                                                                                       \
            size_t piece = pieces_next(&pieces, bytes - done);                                     \
            gate_enter(&ticket, NULL, stream_of, null_stream, work_copy(piece));                   \
            result = real arguments;                                                               \
            gate_leave(&ticket, HOOK_##function, result);                                          \
            done += piece;                                                                         \
        } while (result == CUDA_SUCCESS && done < bytes);                                          \
        pieces_end(&pieces);                                                                       \
        return result;                                                                             \
    }
#define CUSTOM(function)
#include "hooks.def"
