#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { SOURCE_MAX = 1 << 20 };

static char *read_source(const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, SOURCE_MAX);
    size_t length = text == NULL ? 0 : fread(text, 1, SOURCE_MAX - 1, file);
    fclose(file);
    if (length > 0)
        return text;
    free(text);
    return NULL;
}

bool engine_open(struct engine *engine, const struct cuda_driver *cuda,
                 const struct options *options, char *error, size_t error_size) {
    engine->cuda = cuda;
    engine->options = *options;
    engine->module = NULL;
    char *source = read_source(options->kernels);
    if (source == NULL) {
        snprintf(error, error_size, "cannot read the kernels in %s", options->kernels);
        return false;
    }
    const char *call = "cuModuleLoadData";
    cuda_result result = cuda->module_load_data(&engine->module, source);
    if (result == CUDA_SUCCESS) {
        call = "cuModuleGetFunction";
        result = cuda->module_get_function(&engine->mix, engine->module, "mix");
    }
    free(source);
    if (result != CUDA_SUCCESS)
        cuda_driver_describe(cuda, call, result, error, error_size);
    return result == CUDA_SUCCESS;
}

void engine_close(struct engine *engine) {
    if (engine->module != NULL)
        engine->cuda->module_unload(engine->module);
    engine->module = NULL;
}

cuda_result engine_enqueue(const struct engine *engine, cuda_stream stream, cuda_address word) {
    unsigned long long duration = engine->options.launch_ns;
    cuda_result result = CUDA_SUCCESS;
    for (uint32_t i = 0; i < engine->options.launches && result == CUDA_SUCCESS; i++) {
        void *parameters[] = {&duration, &word, &i};
        result = engine->cuda->launch_kernel(engine->mix, engine->options.blocks, 1, 1, 1, 1, 1, 0,
                                             stream, parameters, NULL);
    }
    return result;
}
