#include "options.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    const char *json;
    size_t size;
};

static bool find_parameter(struct text text, const char *name, char *value, size_t capacity) {
    const char *const path[] = {"parameters", name, "string_value", NULL};
    return json_find_string(text.json, text.size, path, value, capacity);
}

static TRITONSERVER_Error *read_number(struct text text, const char *name, uint64_t low,
                                       uint64_t high, uint64_t *value) {
    char written[64];
    if (!find_parameter(text, name, written, sizeof(written)))
        return NULL;
    char *end = NULL;
    uint64_t number = strtoull(written, &end, 10);
    if (written[0] >= '0' && written[0] <= '9' && *end == '\0' && number >= low && number <= high) {
        *value = number;
        return NULL;
    }
    char message[256];
    snprintf(message, sizeof(message), "parameter %s is '%s', expected a number from %llu to %llu",
             name, written, (unsigned long long)low, (unsigned long long)high);
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INVALID_ARG, message);
}

static TRITONSERVER_Error *read_flag(struct text text, const char *name, bool *flag) {
    uint64_t value = *flag;
    TRITONSERVER_Error *error = read_number(text, name, 0, 1, &value);
    *flag = value != 0;
    return error;
}

static int read_priority(struct text text) {
    const char *const path[] = {"optimization", "priority", NULL};
    char level[32] = "";
    json_find_string(text.json, text.size, path, level, sizeof(level));
    return strcmp(level, "PRIORITY_MAX") == 0 ? 1 : strcmp(level, "PRIORITY_MIN") == 0 ? -1 : 0;
}

static TRITONSERVER_Error *read_engine(struct text text, bool *is_bert) {
    char engine[32] = "chain";
    find_parameter(text, "engine", engine, sizeof(engine));
    *is_bert = strcmp(engine, "bert") == 0;
    if (*is_bert || strcmp(engine, "chain") == 0)
        return NULL;
    char message[128];
    snprintf(message, sizeof(message), "parameter engine is '%s', expected chain or bert", engine);
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INVALID_ARG, message);
}

static TRITONSERVER_Error *read_all(struct text text, struct options *options) {
    uint64_t launches = 240, launch_ns = 5000, blocks = 1, sets = 2;
    uint64_t layers = 24, batch = 1, sequence = 384;
    const struct {
        const char *name;
        uint64_t low, high;
        uint64_t *value;
    } numbers[] = {
        {"layers", 1, 96, &layers},
        {"batch", 1, 256, &batch},
        {"sequence", 4, 512, &sequence},
        {"launches", 1, 100000, &launches},
        {"launch_ns", 0, 1000000000, &launch_ns},
        {"blocks", 1, 65535, &blocks},
        {"sets", 1, 16, &sets},
    };
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"completion_thread", &options->completion_thread},
        {"graph", &options->graph},
        {"stream_priority", &options->stream_priority},
    };
    TRITONSERVER_Error *error = read_engine(text, &options->is_bert);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && error == NULL; i++)
        error =
            read_number(text, numbers[i].name, numbers[i].low, numbers[i].high, numbers[i].value);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && error == NULL; i++)
        error = read_flag(text, flags[i].name, flags[i].flag);
    options->layers = (uint32_t)layers;
    options->batch = (uint32_t)batch;
    options->sequence = (uint32_t)sequence;
    options->launches = (uint32_t)launches;
    options->launch_ns = launch_ns;
    options->blocks = (uint32_t)blocks;
    options->sets = (uint32_t)sets;
    options->priority = read_priority(text);
    find_parameter(text, "cublas", options->cublas, sizeof(options->cublas));
    find_parameter(text, "nvrtc", options->nvrtc, sizeof(options->nvrtc));
    if (error == NULL &&
        !find_parameter(text, "kernels", options->kernels, sizeof(options->kernels))) {
        error = TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INVALID_ARG,
                                      "parameter kernels is missing: the file of the kernels");
    }
    return error;
}

TRITONSERVER_Error *options_read(TRITONBACKEND_Model *model, struct options *options) {
    TRITONSERVER_Message *message = NULL;
    struct text text = {NULL, 0};
    memset(options, 0, sizeof(*options));
    TRITONSERVER_Error *error = TRITONBACKEND_ModelConfig(model, 1, &message);
    if (error != NULL)
        return error;
    error = TRITONSERVER_MessageSerializeToJson(message, &text.json, &text.size);
    if (error == NULL)
        error = read_all(text, options);
    TRITONSERVER_MessageDelete(message);
    return error;
}
