/*
 * BERT-large (24 layers unless told otherwise, 1024 wide, 16 heads) with a head for questions, in
 * fp16: what a TensorRT engine of it computes, enqueued as fast (11 launches a layer). The weights
 * are made up by a rule (`fill` in bert.cu), so that another implementation can have the same.
 * Architecture: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019.
 */
#include "cuda_libraries.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HIDDEN = 1024,
    HEADS = 16,
    HEAD_WIDTH = HIDDEN / HEADS,
    INNER = 4096,
    VOCABULARY = 30522,
    PLACES = 512,
    THREADS = 256,
    WORKSPACE_BYTES = 32 << 20,
    HALF = 2, /* Bytes of a number. */
};

/* The weights in the order of their seeds: these, then LAYER_PARTS for each layer. */
enum { WORDS, PLACE, TYPE, FIRST_GAMMA, FIRST_BETA, HEAD, HEAD_BIAS, PARTS };
enum {
    QKV,
    QKV_BIAS,
    OUT,
    OUT_BIAS,
    GAMMA_1,
    BETA_1,
    UP,
    UP_BIAS,
    DOWN,
    DOWN_BIAS,
    GAMMA_2,
    BETA_2,
    LAYER_PARTS
};

enum kernel { FILL, EMBED, ADD_BIAS, GELU, SOFTMAX, ADD_NORM, ANSWER, KERNELS };
static const char *const kernel_names[KERNELS] = {"fill",    "embed",    "add_bias", "gelu",
                                                  "softmax", "add_norm", "head"};

/* Device memory of one request: activations, and the arrays of pointers for the heads' products. */
enum buffer { STATE, QKV_ROWS, SCORES, CONTEXT, PROJECTED, WIDE, WORKSPACE, POINTERS, BUFFERS };
enum pointers { Q_OF, K_OF, V_OF, SCORES_OF, CONTEXT_OF, POINTER_KINDS };

struct bert {
    struct engine engine;
    const struct cuda_driver *cuda;
    const struct options *options;
    struct blas blas;
    blas_handle handle;
    cuda_module module;
    cuda_function kernels[KERNELS];
    cuda_stream stream; /* What the handle was told last. */
    int tokens;
    cuda_address weights[PARTS];
    cuda_address (*layers)[LAYER_PARTS];
    cuda_address buffers[BUFFERS];
    char *error; /* Of the call under way. */
    size_t error_size;
};

static bool driver_ok(struct bert *bert, const char *call, cuda_result result) {
    if (result != CUDA_SUCCESS)
        cuda_driver_describe(bert->cuda, call, result, bert->error, bert->error_size);
    return result == CUDA_SUCCESS;
}

static bool blas_ok(struct bert *bert, const char *call, int status) {
    if (status != 0)
        snprintf(bert->error, bert->error_size, "%s failed with status %d", call, status);
    return status == 0;
}

static bool launch(struct bert *bert, enum kernel kernel, uint32_t blocks, uint32_t threads,
                   void **parameters) {
    cuda_result result = bert->cuda->launch_kernel(bert->kernels[kernel], blocks, 1, 1, threads, 1,
                                                   1, 0, bert->stream, parameters, NULL);
    return driver_ok(bert, kernel_names[kernel], result);
}

/* to[tokens, columns] = from[tokens, inner] * weights[columns, inner]^T, in cuBLAS's column order.
 */
static bool multiply(struct bert *bert, cuda_address weights, cuda_address from, cuda_address to,
                     int columns, int inner) {
    const float one = 1, zero = 0;
    int status =
        bert->blas.multiply(bert->handle, BLAS_OP_T, BLAS_OP_N, columns, bert->tokens, inner, &one,
                            (void *)weights, BLAS_R_16F, inner, (void *)from, BLAS_R_16F, inner,
                            &zero, (void *)to, BLAS_R_16F, columns, BLAS_COMPUTE_32F, BLAS_ALGO);
    return blas_ok(bert, "cublasGemmEx", status);
}

static const void *const *pointers_of(const struct bert *bert, enum pointers kind) {
    size_t count = (size_t)bert->options->batch * HEADS;
    return (const void *const *)bert->buffers[POINTERS] + kind * count;
}

/* Scores of each head, softmax, and the mixture of values. */
static bool attend(struct bert *bert) {
    const float one = 1, zero = 0;
    int sequence = (int)bert->options->sequence, count = (int)bert->options->batch * HEADS;
    float scale = 0.125F; /* 1 / sqrt(HEAD_WIDTH) */
    int row = 3 * HIDDEN;
    int status = bert->blas.multiply_many(bert->handle, BLAS_OP_T, BLAS_OP_N, sequence, sequence,
                                          HEAD_WIDTH, &one, pointers_of(bert, K_OF), BLAS_R_16F,
                                          row, pointers_of(bert, Q_OF), BLAS_R_16F, row, &zero,
                                          (void *const *)pointers_of(bert, SCORES_OF), BLAS_R_16F,
                                          sequence, count, BLAS_COMPUTE_32F, BLAS_ALGO);
    void *parameters[] = {&bert->buffers[SCORES], &sequence, &scale};
    if (!blas_ok(bert, "cublasGemmBatchedEx", status) ||
        !launch(bert, SOFTMAX, (uint32_t)(count * sequence / 4), 128, parameters))
        return false;
    status = bert->blas.multiply_many(bert->handle, BLAS_OP_N, BLAS_OP_N, HEAD_WIDTH, sequence,
                                      sequence, &one, pointers_of(bert, V_OF), BLAS_R_16F, row,
                                      pointers_of(bert, SCORES_OF), BLAS_R_16F, sequence, &zero,
                                      (void *const *)pointers_of(bert, CONTEXT_OF), BLAS_R_16F,
                                      HIDDEN, count, BLAS_COMPUTE_32F, BLAS_ALGO);
    return blas_ok(bert, "cublasGemmBatchedEx", status);
}

static bool add_norm(struct bert *bert, cuda_address *bias, cuda_address *gamma,
                     cuda_address *beta) {
    cuda_address *state = &bert->buffers[STATE];
    void *parameters[] = {&bert->buffers[PROJECTED], bias, state, gamma, beta, state};
    return launch(bert, ADD_NORM, (uint32_t)bert->tokens, THREADS, parameters);
}

static bool enqueue_layer(struct bert *bert, cuda_address *layer) {
    cuda_address *buffers = bert->buffers;
    uint32_t tokens = (uint32_t)bert->tokens;
    int qkv_columns = 3 * HIDDEN, inner = INNER;
    void *qkv_bias[] = {&buffers[QKV_ROWS], &layer[QKV_BIAS], &qkv_columns};
    void *up_bias[] = {&buffers[WIDE], &layer[UP_BIAS], &inner};
    return multiply(bert, layer[QKV], buffers[STATE], buffers[QKV_ROWS], qkv_columns, HIDDEN) &&
           launch(bert, ADD_BIAS, tokens, THREADS, qkv_bias) && attend(bert) &&
           multiply(bert, layer[OUT], buffers[CONTEXT], buffers[PROJECTED], HIDDEN, HIDDEN) &&
           add_norm(bert, &layer[OUT_BIAS], &layer[GAMMA_1], &layer[BETA_1]) &&
           multiply(bert, layer[UP], buffers[STATE], buffers[WIDE], INNER, HIDDEN) &&
           launch(bert, GELU, tokens, THREADS, up_bias) &&
           multiply(bert, layer[DOWN], buffers[WIDE], buffers[PROJECTED], HIDDEN, INNER) &&
           add_norm(bert, &layer[DOWN_BIAS], &layer[GAMMA_2], &layer[BETA_2]);
}

/* Telling the handle its stream takes its workspace away. */
static bool use_stream(struct bert *bert, cuda_stream stream) {
    if (bert->stream == stream)
        return true;
    bert->stream = stream;
    return blas_ok(bert, "cublasSetStream", bert->blas.set_stream(bert->handle, stream)) &&
           blas_ok(bert, "cublasSetWorkspace",
                   bert->blas.set_workspace(bert->handle, (void *)bert->buffers[WORKSPACE],
                                            WORKSPACE_BYTES));
}

static bool bert_enqueue(struct engine *engine, cuda_stream stream, cuda_address input,
                         cuda_address output, char *error, size_t error_size) {
    struct bert *bert = (struct bert *)engine;
    cuda_address *weights = bert->weights;
    int sequence = (int)bert->options->sequence, vocabulary = VOCABULARY;
    bert->error = error;
    bert->error_size = error_size;
    void *embed[] = {&input,
                     &weights[WORDS],
                     &weights[PLACE],
                     &weights[TYPE],
                     &weights[FIRST_GAMMA],
                     &weights[FIRST_BETA],
                     &bert->buffers[STATE],
                     &sequence,
                     &vocabulary};
    void *answer[] = {&bert->buffers[STATE], &weights[HEAD], &weights[HEAD_BIAS], &output,
                      &bert->tokens};
    bool enqueued =
        use_stream(bert, stream) && launch(bert, EMBED, (uint32_t)bert->tokens, THREADS, embed);
    for (uint32_t i = 0; i < bert->options->layers && enqueued; i++)
        enqueued = enqueue_layer(bert, bert->layers[i]);
    return enqueued && launch(bert, ANSWER, ((uint32_t)bert->tokens + 3) / 4, 128, answer);
}

/* A weight's size and its middle. */
struct shape {
    unsigned rows, columns;
    float offset;
};
static const struct shape whole[PARTS] = {
    [WORDS] = {VOCABULARY, HIDDEN, 0}, [PLACE] = {PLACES, HIDDEN, 0}, [TYPE] = {1, HIDDEN, 0},
    [FIRST_GAMMA] = {1, HIDDEN, 1},    [FIRST_BETA] = {1, HIDDEN, 0}, [HEAD] = {2, HIDDEN, 0},
    [HEAD_BIAS] = {1, 2, 0},
};
static const struct shape of_layer[LAYER_PARTS] = {
    [QKV] = {3 * HIDDEN, HIDDEN, 0}, [QKV_BIAS] = {1, 3 * HIDDEN, 0}, [OUT] = {HIDDEN, HIDDEN, 0},
    [OUT_BIAS] = {1, HIDDEN, 0},     [GAMMA_1] = {1, HIDDEN, 1},      [BETA_1] = {1, HIDDEN, 0},
    [UP] = {INNER, HIDDEN, 0},       [UP_BIAS] = {1, INNER, 0},       [DOWN] = {HIDDEN, INNER, 0},
    [DOWN_BIAS] = {1, HIDDEN, 0},    [GAMMA_2] = {1, HIDDEN, 1},      [BETA_2] = {1, HIDDEN, 0},
};

/* Allocates and fills a weight with its seed. Matrices are small numbers, gammas are around 1. */
static bool make_weights(struct bert *bert, cuda_address *weights, const struct shape *shape,
                         unsigned seed) {
    float scale = 0.0346F; /* A standard deviation of 0.02, as BERT begins with. */
    float offset = shape->offset;
    unsigned long long count = (unsigned long long)shape->rows * shape->columns;
    void *parameters[] = {weights, &count, &seed, &scale, &offset};
    return driver_ok(bert, "cuMemAlloc", bert->cuda->memory_allocate(weights, count * HALF)) &&
           launch(bert, FILL, (uint32_t)((count + 4095) / 4096), THREADS, parameters);
}

static bool make_all_weights(struct bert *bert) {
    unsigned seed = 0;
    bool made = true;
    for (int i = 0; i < PARTS && made; i++)
        made = make_weights(bert, &bert->weights[i], &whole[i], seed++);
    for (uint32_t l = 0; l < bert->options->layers && made; l++) {
        for (int i = 0; i < LAYER_PARTS && made; i++)
            made = make_weights(bert, &bert->layers[l][i], &of_layer[i], seed++);
    }
    return made && driver_ok(bert, "cuStreamSynchronize", bert->cuda->stream_synchronize(NULL));
}

/* Where each head's part of the queries, keys, values, scores and results begins. */
static bool make_pointers(struct bert *bert) {
    const struct options *options = bert->options;
    size_t count = (size_t)options->batch * HEADS, bytes = POINTER_KINDS * count * sizeof(void *);
    cuda_address *table = malloc(bytes);
    if (table == NULL) {
        snprintf(bert->error, bert->error_size, "out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        cuda_address token = i / HEADS * options->sequence, head = i % HEADS * HEAD_WIDTH;
        cuda_address query = bert->buffers[QKV_ROWS] + (token * 3 * HIDDEN + head) * HALF;
        table[Q_OF * count + i] = query;
        table[K_OF * count + i] = query + (cuda_address)HIDDEN * HALF;
        table[V_OF * count + i] = query + (cuda_address)2 * HIDDEN * HALF;
        table[SCORES_OF * count + i] =
            bert->buffers[SCORES] + i * options->sequence * options->sequence * HALF;
        table[CONTEXT_OF * count + i] = bert->buffers[CONTEXT] + (token * HIDDEN + head) * HALF;
    }
    bool copied =
        driver_ok(bert, "cuMemcpyHtoD",
                  bert->cuda->copy_to_device(bert->buffers[POINTERS], table, bytes, NULL)) &&
        driver_ok(bert, "cuStreamSynchronize", bert->cuda->stream_synchronize(NULL));
    free(table);
    return copied;
}

static bool make_buffers(struct bert *bert) {
    size_t tokens = (size_t)bert->tokens, heads = (size_t)bert->options->batch * HEADS;
    const size_t sizes[BUFFERS] = {
        [STATE] = tokens * HIDDEN * HALF,
        [QKV_ROWS] = tokens * 3 * HIDDEN * HALF,
        [SCORES] = heads * bert->options->sequence * bert->options->sequence * HALF,
        [CONTEXT] = tokens * HIDDEN * HALF,
        [PROJECTED] = tokens * HIDDEN * HALF,
        [WIDE] = tokens * INNER * HALF,
        [WORKSPACE] = WORKSPACE_BYTES,
        [POINTERS] = POINTER_KINDS * heads * sizeof(void *),
    };
    for (int i = 0; i < BUFFERS; i++) {
        if (!driver_ok(bert, "cuMemAlloc",
                       bert->cuda->memory_allocate(&bert->buffers[i], sizes[i])))
            return false;
    }
    return make_pointers(bert);
}

static bool load_kernels(struct bert *bert, cuda_device device) {
    enum { CAPABILITY_MAJOR = 75, CAPABILITY_MINOR = 76 };
    const struct cuda_driver *cuda = bert->cuda;
    int major = 0, minor = 0;
    if (!driver_ok(bert, "cuDeviceGetAttribute",
                   cuda->device_get_attribute(&major, CAPABILITY_MAJOR, device)) ||
        !driver_ok(bert, "cuDeviceGetAttribute",
                   cuda->device_get_attribute(&minor, CAPABILITY_MINOR, device)))
        return false;
    char *source = engine_read_file(bert->options->kernels, bert->error, bert->error_size);
    char *program = source == NULL ? NULL
                                   : rtc_compile(bert->options->nvrtc, source, 10 * major + minor,
                                                 bert->error, bert->error_size);
    bool loaded = program != NULL && driver_ok(bert, "cuModuleLoadData",
                                               cuda->module_load_data(&bert->module, program));
    for (int i = 0; i < KERNELS && loaded; i++) {
        loaded =
            driver_ok(bert, kernel_names[i],
                      cuda->module_get_function(&bert->kernels[i], bert->module, kernel_names[i]));
    }
    free(program);
    free(source);
    return loaded;
}

static void bert_close(struct engine *engine) {
    struct bert *bert = (struct bert *)engine;
    const struct cuda_driver *cuda = bert->cuda;
    if (bert->handle != NULL)
        bert->blas.destroy(bert->handle);
    for (int i = 0; i < PARTS; i++) {
        if (bert->weights[i] != 0)
            cuda->memory_free(bert->weights[i]);
    }
    for (uint32_t l = 0; l < bert->options->layers && bert->layers != NULL; l++) {
        for (int i = 0; i < LAYER_PARTS; i++) {
            if (bert->layers[l][i] != 0)
                cuda->memory_free(bert->layers[l][i]);
        }
    }
    for (int i = 0; i < BUFFERS; i++) {
        if (bert->buffers[i] != 0)
            cuda->memory_free(bert->buffers[i]);
    }
    if (bert->module != NULL)
        cuda->module_unload(bert->module);
    free(bert->layers);
    free(bert);
}

struct engine *bert_open(const struct cuda_driver *cuda, cuda_device device,
                         const struct options *options, char *error, size_t error_size) {
    struct bert *bert = calloc(1, sizeof(*bert));
    if (bert != NULL)
        bert->layers = calloc(options->layers, sizeof(*bert->layers));
    if (bert == NULL || bert->layers == NULL) {
        free(bert);
        snprintf(error, error_size, "out of memory");
        return NULL;
    }
    int64_t batch = options->batch, sequence = options->sequence;
    bert->cuda = cuda;
    bert->options = options;
    bert->tokens = (int)(batch * sequence);
    bert->error = error;
    bert->error_size = error_size;
    size_t tokens = (size_t)bert->tokens;
    bert->engine = (struct engine){
        .input = {"input_ids", TRITONSERVER_TYPE_INT32, {batch, sequence}, 2, tokens * 4},
        .output = {"logits", TRITONSERVER_TYPE_FP32, {batch, sequence, 2}, 3, tokens * 8},
        .enqueue = bert_enqueue,
        .close = bert_close,
    };
    if (blas_load(&bert->blas, options->cublas, error, error_size) && load_kernels(bert, device) &&
        make_buffers(bert) && make_all_weights(bert) &&
        blas_ok(bert, "cublasCreate", bert->blas.create(&bert->handle)))
        return &bert->engine;
    bert_close(&bert->engine);
    return NULL;
}
