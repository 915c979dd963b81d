/* What a model's configuration asks of the backend. */
#ifndef TEST_TRITON_OPTIONS_H
#define TEST_TRITON_OPTIONS_H

#include "triton_api.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    bool is_bert;           /* `engine`: "bert", or "chain", which is the default. */
    uint32_t layers;        /* Of bert (`layers`, 24). */
    uint32_t batch;         /* Texts in a request to bert (`batch`, 1). */
    uint32_t sequence;      /* Tokens of a text (`sequence`, 384). */
    uint32_t launches;      /* Kernels of one request to chain (`launches`, 240). */
    uint64_t launch_ns;     /* How long each of chain's lasts (`launch_ns`, 5000). */
    uint32_t blocks;        /* Of each of chain's; some thousand fill a GPU (`blocks`, 1). */
    uint32_t sets;          /* Requests that may be under way at once (`sets`, 2). */
    bool completion_thread; /* A thread of its own answers (`completion_thread`, false). */
    bool graph;             /* Each request is one CUDA graph (`graph`, false). */
    bool stream_priority;   /* Streams get the priority of the configuration (`stream_priority`). */
    int priority;           /* `optimization { priority }` as CUDA steps: 1 MAX, 0, -1 MIN. */
    char kernels[512];      /* The kernels: chain's as PTX, bert's as CUDA C++ (`kernels`). */
    char cublas[512];       /* File of cuBLAS, else where the loader finds it (`cublas`). */
    char nvrtc[512];        /* The same for NVRTC (`nvrtc`). */
};

/*
 * Reads the model's parameters; what is missing gets the default in brackets above. An error names
 * the parameter, the value and the range.
 */
TRITONSERVER_Error *options_read(TRITONBACKEND_Model *model, struct options *options);

#endif
