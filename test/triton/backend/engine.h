/*
 * What computes: a chain of kernels that turns a number into another, on a stream of the caller's.
 * The order of the kernels changes the result.
 */
#ifndef TEST_TRITON_ENGINE_H
#define TEST_TRITON_ENGINE_H

#include "cuda_driver.h"
#include "options.h"

struct engine {
    const struct cuda_driver *cuda;
    struct options options;
    cuda_module module;
    cuda_function mix;
};

/* Loads the kernels; the context is current. False with the reason in `error`. */
bool engine_open(struct engine *engine, const struct cuda_driver *cuda,
                 const struct options *options, char *error, size_t error_size);
void engine_close(struct engine *engine);

/* Enqueues all kernels of one request, which work on `word`. The driver's first error. */
cuda_result engine_enqueue(const struct engine *engine, cuda_stream stream, cuda_address word);

#endif
