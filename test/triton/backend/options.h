/* What a model's configuration asks of the backend. */
#ifndef TEST_TRITON_OPTIONS_H
#define TEST_TRITON_OPTIONS_H

#include "triton_api.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    uint32_t launches;      /* Kernels of one request (`launches`, 240). */
    uint64_t launch_ns;     /* How long each lasts (`launch_ns`, 5000). */
    uint32_t blocks;        /* Of each kernel; some thousand fill a GPU (`blocks`, 1). */
    uint32_t sets;          /* Requests that may be under way at once (`sets`, 2). */
    bool completion_thread; /* A thread of its own answers (`completion_thread`, false). */
    bool graph;             /* Each request is one CUDA graph (`graph`, false). */
    bool stream_priority;   /* Streams get the priority of the configuration (`stream_priority`). */
    int priority;           /* `optimization { priority }` as CUDA steps: 1 MAX, 0, -1 MIN. */
    char kernels[512];      /* File of the kernels as PTX text (`kernels`). */
};

/*
 * Reads the model's parameters; what is missing gets the default in brackets above. An error names
 * the parameter, the value and the range.
 */
TRITONSERVER_Error *options_read(TRITONBACKEND_Model *model, struct options *options);

#endif
