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
#define CUSTOM(function)
#include "hooks.def"
