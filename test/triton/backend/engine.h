/*
 * What computes: turns a model's input into its output on the device, on a stream of the caller's.
 * Two engines: `chain` (timed kernels that any driver runs, the simulated one too) and `bert`
 * (BERT-large on a real GPU).
 */
#ifndef TEST_TRITON_ENGINE_H
#define TEST_TRITON_ENGINE_H

#include "cuda_driver.h"
#include "options.h"

/* The one input or output of a model. */
struct tensor {
    const char *name;
    int type; /* TRITONSERVER_TYPE_…. */
    int64_t shape[3];
    uint32_t dimensions;
    size_t size; /* In bytes. */
};

struct engine {
    struct tensor input, output;
    bool in_place; /* The output takes the input's place on the device. */
    /* Enqueues all kernels of one request. False with the reason in `error`. */
    bool (*enqueue)(struct engine *engine, cuda_stream stream, cuda_address input,
                    cuda_address output, char *error, size_t error_size);
    void (*close)(struct engine *engine);
};

/*
 * Open the engine that the options name; the context is current. Both return NULL with the reason
 * in `error`. The driver's table and the options must outlive the engine.
 */
struct engine *chain_open(const struct cuda_driver *cuda, const struct options *options,
                          char *error, size_t error_size);
struct engine *bert_open(const struct cuda_driver *cuda, cuda_device device,
                         const struct options *options, char *error, size_t error_size);

/* The text of a file up to 1 MiB, from malloc; NULL with the reason in `error`. */
char *engine_read_file(const char *path, char *error, size_t error_size);

#endif
