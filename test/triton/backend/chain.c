/* A chain of timed kernels that turns a number into another. Their order changes the result. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

struct chain {
    struct engine engine;
    const struct cuda_driver *cuda;
    const struct options *options;
    cuda_module module;
    cuda_function mix;
};

static bool chain_enqueue(struct engine *engine, cuda_stream stream, cuda_address input,
                          cuda_address output, char *error, size_t error_size) {
    (void)input;
    struct chain *chain = (struct chain *)engine;
    unsigned long long duration = chain->options->launch_ns;
    cuda_result result = CUDA_SUCCESS;
    for (uint32_t i = 0; i < chain->options->launches && result == CUDA_SUCCESS; i++) {
        void *parameters[] = {&duration, &output, &i};
        result = chain->cuda->launch_kernel(chain->mix, chain->options->blocks, 1, 1, 1, 1, 1, 0,
                                            stream, parameters, NULL);
    }
    if (result != CUDA_SUCCESS)
        cuda_driver_describe(chain->cuda, "cuLaunchKernel", result, error, error_size);
    return result == CUDA_SUCCESS;
}

static void chain_close(struct engine *engine) {
    struct chain *chain = (struct chain *)engine;
    if (chain->module != NULL)
        chain->cuda->module_unload(chain->module);
    free(chain);
}

static bool load_kernels(struct chain *chain, char *error, size_t error_size) {
    char *source = engine_read_file(chain->options->kernels, error, error_size);
    if (source == NULL)
        return false;
    const char *call = "cuModuleLoadData";
    cuda_result result = chain->cuda->module_load_data(&chain->module, source);
    if (result == CUDA_SUCCESS) {
        call = "cuModuleGetFunction";
        result = chain->cuda->module_get_function(&chain->mix, chain->module, "mix");
    }
    free(source);
    if (result != CUDA_SUCCESS)
        cuda_driver_describe(chain->cuda, call, result, error, error_size);
    return result == CUDA_SUCCESS;
}

struct engine *chain_open(const struct cuda_driver *cuda, const struct options *options,
                          char *error, size_t error_size) {
    struct chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) {
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    chain->cuda = cuda;
    chain->options = options;
    chain->engine = (struct engine){
        .input = {"SEED", TRITONSERVER_TYPE_UINT32, {1}, 1, sizeof(uint32_t)},
        .output = {"RESULT", TRITONSERVER_TYPE_UINT32, {1}, 1, sizeof(uint32_t)},
        .in_place = true,
        .enqueue = chain_enqueue,
        .close = chain_close,
    };
    if (load_kernels(chain, error, error_size))
        return &chain->engine;
    chain_close(&chain->engine);
    return NULL;
}
