#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static TRITONSERVER_Error *describe(const struct instance *instance, const char *call,
                                    cuda_result result) {
    char text[256];
    cuda_driver_describe(&instance->cuda, call, result, text, sizeof(text));
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, text);
}

/* Leaves the function with an error that says which call failed. */
#define TRY(instance, member, arguments)                                                           \
    do {                                                                                           \
        cuda_result tried = (instance)->cuda.member arguments;                                     \
        if (tried != CUDA_SUCCESS)                                                                 \
            return describe(instance, #member, tried);                                             \
    } while (0)

static TRITONSERVER_Error *explain(const char *text) {
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, text);
}

static TRITONSERVER_Error *enqueue_kernels(struct instance *instance, struct set *set) {
    char text[512];
    struct engine *engine = instance->engine;
    bool enqueued =
        engine->enqueue(engine, instance->execute, set->input, set->output, text, sizeof(text));
    return enqueued ? NULL : explain(text);
}

/* Everything between the input on the device and the result there. */
static TRITONSERVER_Error *enqueue_compute(struct instance *instance, struct set *set) {
    if (set->graph == NULL)
        return enqueue_kernels(instance, set);
    TRY(instance, graph_launch, (set->graph, instance->execute));
    return NULL;
}

static TRITONSERVER_Error *record_graph(struct instance *instance, struct set *set) {
    cuda_graph graph = NULL;
    /* What libraries load at first use may not be loaded during a capture. */
    TRITONSERVER_Error *error = enqueue_kernels(instance, set);
    if (error != NULL)
        return error;
    TRY(instance, stream_synchronize, (instance->execute));
    TRY(instance, stream_begin_capture, (instance->execute, CUDA_CAPTURE_MODE_THREAD_LOCAL));
    error = enqueue_kernels(instance, set);
    cuda_result ended = instance->cuda.stream_end_capture(instance->execute, &graph);
    if (error != NULL)
        return error;
    if (ended != CUDA_SUCCESS)
        return describe(instance, "stream_end_capture", ended);
    TRY(instance, graph_instantiate, (&set->graph, graph, 0));
    TRY(instance, graph_destroy, (graph));
    return NULL;
}

static TRITONSERVER_Error *open_set(struct instance *instance, struct set *set) {
    const struct engine *engine = instance->engine;
    TRY(instance, host_memory_allocate, (&set->host_input, engine->input.size));
    TRY(instance, host_memory_allocate, (&set->host_output, engine->output.size));
    memset(set->host_input, 0, engine->input.size);
    TRY(instance, memory_allocate, (&set->input, engine->input.size));
    set->output = set->input;
    if (!engine->in_place)
        TRY(instance, memory_allocate, (&set->output, engine->output.size));
    TRY(instance, event_create, (&set->input_ready, CUDA_EVENT_DISABLE_TIMING));
    TRY(instance, event_create, (&set->output_ready, CUDA_EVENT_DISABLE_TIMING));
    TRY(instance, event_create, (&set->answered, CUDA_EVENT_DISABLE_TIMING));
    TRY(instance, copy_to_device,
        (set->input, set->host_input, engine->input.size, instance->execute));
    return instance->options.graph ? record_graph(instance, set) : NULL;
}

/* Copies the request's input, which may lie in several pieces of the host's memory. */
static TRITONSERVER_Error *read_input(TRITONBACKEND_Request *request, const struct tensor *tensor,
                                      void *to) {
    TRITONBACKEND_Input *input = NULL;
    uint32_t pieces = 0;
    size_t filled = 0;
    bool fits = true;
    TRITONSERVER_Error *error = TRITONBACKEND_RequestInput(request, tensor->name, &input);
    if (error == NULL) {
        error = TRITONBACKEND_InputProperties(input, NULL, NULL, NULL, NULL, NULL, &pieces);
    }
    for (uint32_t i = 0; i < pieces && error == NULL && fits; i++) {
        const void *buffer = NULL;
        uint64_t size = 0;
        int memory_type = TRITONSERVER_MEMORY_CPU;
        int64_t memory_id = 0;
        error = TRITONBACKEND_InputBuffer(input, i, &buffer, &size, &memory_type, &memory_id);
        /* The kinds of memory but for the GPU's are the host's. */
        fits = error == NULL && memory_type != TRITONSERVER_MEMORY_GPU &&
               size <= tensor->size - filled;
        if (fits) {
            memcpy((char *)to + filled, buffer, size);
            filled += size;
        }
    }
    if (error != NULL || (fits && filled == tensor->size))
        return error;
    char text[256];
    snprintf(text, sizeof(text), "%s must be %zu bytes in the host's memory", tensor->name,
             tensor->size);
    return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INVALID_ARG, text);
}

/* Input, kernels and result, each on its stream, joined by events; nothing is waited for. */
static TRITONSERVER_Error *enqueue(struct instance *instance, struct set *set) {
    const struct tensor *input = &instance->engine->input, *output = &instance->engine->output;
    TRITONSERVER_Error *error = read_input(set->request, input, set->host_input);
    if (error != NULL)
        return error;
    TRY(instance, copy_to_device, (set->input, set->host_input, input->size, instance->input));
    TRY(instance, event_record, (set->input_ready, instance->input));
    TRY(instance, stream_wait_event, (instance->execute, set->input_ready, 0));
    error = enqueue_compute(instance, set);
    if (error != NULL)
        return error;
    TRY(instance, event_record, (set->output_ready, instance->execute));
    TRY(instance, stream_wait_event, (instance->output, set->output_ready, 0));
    TRY(instance, copy_to_host, (set->host_output, set->output, output->size, instance->output));
    TRY(instance, event_record, (set->answered, instance->output));
    return NULL;
}

static TRITONSERVER_Error *write_output(TRITONBACKEND_Response *response,
                                        const struct tensor *tensor, const void *result) {
    TRITONBACKEND_Output *output = NULL;
    void *buffer = NULL;
    int memory_type = TRITONSERVER_MEMORY_CPU;
    int64_t memory_id = 0;
    TRITONSERVER_Error *error = TRITONBACKEND_ResponseOutput(
        response, &output, tensor->name, tensor->type, tensor->shape, tensor->dimensions);
    if (error == NULL) {
        error = TRITONBACKEND_OutputBuffer(output, &buffer, tensor->size, &memory_type, &memory_id);
    }
    if (error == NULL)
        memcpy(buffer, result, tensor->size);
    return error;
}

static void ignore(TRITONSERVER_Error *error) {
    if (error != NULL)
        TRITONSERVER_ErrorDelete(error);
}

/* Waits for the result (unless the enqueue failed), answers and releases the request. */
static void answer(struct instance *instance, struct set *set, TRITONSERVER_Error *error) {
    TRITONBACKEND_Response *response = NULL;
    if (error == NULL) {
        cuda_result result = instance->cuda.event_synchronize(set->answered);
        if (result != CUDA_SUCCESS)
            error = describe(instance, "event_synchronize", result);
    }
    uint64_t computed = now_ns();
    bool success = error == NULL;
    ignore(TRITONBACKEND_ResponseNew(&response, set->request));
    if (response != NULL) {
        if (error == NULL)
            error = write_output(response, &instance->engine->output, set->host_output);
        ignore(TRITONBACKEND_ResponseSend(response, TRITONSERVER_RESPONSE_COMPLETE_FINAL, error));
    }
    ignore(error);
    uint64_t ended = now_ns();
    ignore(TRITONBACKEND_ModelInstanceReportStatistics(instance->handle, set->request, success,
                                                       set->exec_start_ns, set->compute_start_ns,
                                                       computed, ended));
    ignore(TRITONBACKEND_ModelInstanceReportBatchStatistics(
        instance->handle, 1, set->exec_start_ns, set->compute_start_ns, computed, ended));
    ignore(TRITONBACKEND_RequestRelease(set->request, TRITONSERVER_REQUEST_RELEASE_ALL));
}

static void *complete(void *data) {
    struct instance *instance = data;
    instance->cuda.context_set_current(instance->context);
    pthread_mutex_lock(&instance->lock);
    for (;;) {
        while (instance->under_way == 0 && !instance->ending)
            pthread_cond_wait(&instance->news, &instance->lock);
        if (instance->under_way == 0)
            break;
        struct set *set = &instance->sets[instance->oldest];
        pthread_mutex_unlock(&instance->lock);
        answer(instance, set, NULL);
        pthread_mutex_lock(&instance->lock);
        set->busy = false;
        instance->under_way--;
        instance->oldest = (instance->oldest + 1) % instance->options.sets;
        pthread_cond_broadcast(&instance->news);
    }
    pthread_mutex_unlock(&instance->lock);
    return NULL;
}

void instance_execute(struct instance *instance, TRITONBACKEND_Request *request) {
    instance->cuda.context_set_current(instance->context);
    pthread_mutex_lock(&instance->lock);
    struct set *set = &instance->sets[instance->next];
    while (set->busy)
        pthread_cond_wait(&instance->news, &instance->lock);
    set->busy = true;
    instance->next = (instance->next + 1) % instance->options.sets;
    pthread_mutex_unlock(&instance->lock);

    set->request = request;
    set->exec_start_ns = set->compute_start_ns = now_ns();
    TRITONSERVER_Error *error = enqueue(instance, set);
    bool later = error == NULL && instance->has_completion;
    if (!later)
        answer(instance, set, error);
    pthread_mutex_lock(&instance->lock);
    if (later) {
        instance->under_way++;
    } else {
        set->busy = false;
        instance->oldest = instance->next;
    }
    pthread_cond_broadcast(&instance->news);
    pthread_mutex_unlock(&instance->lock);
}

static TRITONSERVER_Error *open_streams(struct instance *instance) {
    const struct options *options = &instance->options;
    /* CUDA counts downwards, and numbers beyond the device's range are cut. */
    int priority = options->stream_priority ? -5 * options->priority : 0;
    TRY(instance, stream_create, (&instance->execute, CUDA_STREAM_NON_BLOCKING, priority));
    TRY(instance, stream_create, (&instance->input, CUDA_STREAM_NON_BLOCKING, priority));
    TRY(instance, stream_create, (&instance->output, CUDA_STREAM_NON_BLOCKING, priority));
    return NULL;
}

TRITONSERVER_Error *instance_open(struct instance *instance, TRITONBACKEND_ModelInstance *handle,
                                  const struct options *options, int device) {
    char text[1024];
    cuda_device number;
    memset(instance, 0, sizeof(*instance));
    instance->handle = handle;
    pthread_mutex_init(&instance->lock, NULL);
    pthread_cond_init(&instance->news, NULL);
    /* A stand-in is named by its path: on the loader's path the server would find it too. */
    if (cuda_driver_load(&instance->cuda, getenv("TRITON_TEST_DRIVER"), text, sizeof(text)) != 0)
        return explain(text);
    TRY(instance, init, (0));
    TRY(instance, device_get, (&number, device));
    TRY(instance, primary_context_retain, (&instance->context, number));
    TRY(instance, context_set_current, (instance->context));
    instance->options = *options;
    instance->engine =
        options->is_bert
            ? bert_open(&instance->cuda, number, &instance->options, text, sizeof(text))
            : chain_open(&instance->cuda, &instance->options, text, sizeof(text));
    if (instance->engine == NULL)
        return explain(text);
    TRITONSERVER_Error *error = open_streams(instance);
    for (uint32_t i = 0; i < options->sets && error == NULL; i++)
        error = open_set(instance, &instance->sets[i]);
    if (error != NULL)
        return error;
    instance->has_completion = options->completion_thread &&
                               pthread_create(&instance->completion, NULL, complete, instance) == 0;
    return NULL;
}

static void close_set(struct instance *instance, struct set *set) {
    const struct cuda_driver *cuda = &instance->cuda;
    if (set->graph != NULL)
        cuda->graph_exec_destroy(set->graph);
    if (set->input_ready != NULL)
        cuda->event_destroy(set->input_ready);
    if (set->output_ready != NULL)
        cuda->event_destroy(set->output_ready);
    if (set->answered != NULL)
        cuda->event_destroy(set->answered);
    if (set->output != 0 && set->output != set->input)
        cuda->memory_free(set->output);
    if (set->input != 0)
        cuda->memory_free(set->input);
    if (set->host_input != NULL)
        cuda->host_memory_free(set->host_input);
    if (set->host_output != NULL)
        cuda->host_memory_free(set->host_output);
}

void instance_close(struct instance *instance) {
    if (instance->has_completion) {
        pthread_mutex_lock(&instance->lock);
        instance->ending = true;
        pthread_cond_broadcast(&instance->news);
        pthread_mutex_unlock(&instance->lock);
        pthread_join(instance->completion, NULL);
    }
    if (instance->context == NULL)
        return;
    instance->cuda.context_set_current(instance->context);
    for (uint32_t i = 0; i < SETS_MAX; i++)
        close_set(instance, &instance->sets[i]);
    cuda_stream streams[] = {instance->execute, instance->input, instance->output};
    for (int i = 0; i < 3; i++) {
        if (streams[i] != NULL)
            instance->cuda.stream_destroy(streams[i]);
    }
    if (instance->engine != NULL)
        instance->engine->close(instance->engine);
}
