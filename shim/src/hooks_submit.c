/* The wrappers of every call that submits work, made from the table: gate, call, count. */
#include "hooks.h"

#define SUBMIT(function, work, stream_of, null_stream, parameters, arguments)                      \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        struct ticket ticket;                                                                      \
        gate_enter(&ticket, stream_of, null_stream, work);                                         \
        CUresult result = real arguments;                                                          \
        gate_leave(&ticket, HOOK_##function, result);                                              \
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
