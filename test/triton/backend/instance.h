/*
 * One model instance, as TensorRT's backend has them: a stream for execution and one for each
 * direction of copies, sets of buffers and events that follow each other, an enqueue that does not
 * wait, and an answer from the calling thread or from a completion thread.
 */
#ifndef TEST_TRITON_INSTANCE_H
#define TEST_TRITON_INSTANCE_H

#include "engine.h"

#include <pthread.h>

enum { SETS_MAX = 16 };

/* The buffers and events of one request under way. */
struct set {
    bool busy; /* Guarded by the instance's lock. */
    TRITONBACKEND_Request *request;
    void *host_input, *host_output; /* Pinned. */
    cuda_address input, output;     /* The same if the engine works in place. */
    cuda_event input_ready, output_ready, answered;
    cuda_graph_exec graph;
    uint64_t exec_start_ns, compute_start_ns;
};

struct instance {
    TRITONBACKEND_ModelInstance *handle;
    struct cuda_driver cuda;
    cuda_context context;
    struct options options;
    struct engine *engine;
    cuda_stream execute, input, output;
    struct set sets[SETS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t completion;
    bool has_completion;
    bool ending;
    uint32_t next, oldest; /* Sets are used in turn; what the completion thread answers next. */
    uint32_t under_way;
};

/* Makes the instance's streams, buffers and graphs on a device. */
TRITONSERVER_Error *instance_open(struct instance *instance, TRITONBACKEND_ModelInstance *handle,
                                  const struct options *options, int device);

/* Waits for what is under way and frees everything. */
void instance_close(struct instance *instance);

/* Takes the request: it is answered and released, by now or later. */
void instance_execute(struct instance *instance, TRITONBACKEND_Request *request);

#endif
