/* Every way to launch a kernel, what the driver refuses, and the order that streams keep. */
#include "program.h"

enum { SHORT_NS = 2000, STREAMS = 16 };

typedef CUresult (*launch_ex)(const CUlaunchConfig *config, CUfunction function, void **params,
                              void **extra);
typedef CUresult (*launch_cooperative)(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                       unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                       CUstream stream, void **params);

static void ways(void) {
    CUdeviceptr word = words_make(1, 1);
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUfunction function = program.kernels.mix;
    uint64_t ns = SHORT_NS;
    uint32_t value = 3;
    void *params[] = {&ns, &word, &value};
    program_section("ways");
    SHOW(cuLaunchKernel(function, 3, 2, 1, 32, 1, 1, 0, stream, params, NULL));
    say_memory("params", word, 4);
    struct {
        uint64_t ns;
        CUdeviceptr word;
        uint32_t value;
    } packed = {SHORT_NS, word, 4};
    size_t size = 20;
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
                     CU_LAUNCH_PARAM_END};
    SHOW(cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, NULL, extra));
    say_memory("extra", word, 4);
    launch_ex with_config;
    if (FIND(with_config, "cuLaunchKernelEx")) {
        CUlaunchConfig config = {1, 1, 1, 64, 1, 1, 0, stream, NULL, 0};
        value = 5;
        SHOW(with_config(&config, function, params, NULL));
        SHOW(with_config(&config, function, NULL, extra));
        say_memory("config", word, 4);
        config.gridDimX = 0;
        SHOW(with_config(&config, function, params, NULL));
    } else {
        SKIP("no cuLaunchKernelEx");
    }
    launch_cooperative cooperative;
    if (FIND(cooperative, "cuLaunchCooperativeKernel")) {
        value = 6;
        SHOW(cooperative(function, 4, 1, 1, 32, 1, 1, 0, stream, params));
        say_memory("cooperative", word, 4);
    } else {
        SKIP("no cuLaunchCooperativeKernel");
    }
    NEED(cuStreamDestroy(stream));
}

enum refusal { NO_BLOCKS, BIG_BLOCK, DEEP_BLOCK, TALL_GRID, BOTH_FORMS, REFUSALS };

/* A launch that no driver takes. */
static CUresult refuse(enum refusal refusal, CUstream stream, void **params) {
    size_t size = 0;
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, params, CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
                     CU_LAUNCH_PARAM_END};
    unsigned grid_x = refusal == NO_BLOCKS ? 0 : 1, grid_y = refusal == TALL_GRID ? 1 << 20 : 1;
    unsigned block_x = refusal == BIG_BLOCK ? 1 << 20 : 1, block_z = refusal == DEEP_BLOCK ? 65 : 1;
    return cuLaunchKernel(program.kernels.mix, grid_x, grid_y, 1, block_x, 1, block_z, 0, stream,
                          params, refusal == BOTH_FORMS ? extra : NULL);
}

static void refused(void) {
    CUdeviceptr word = words_make(1, 1);
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    uint64_t ns = SHORT_NS;
    uint32_t value = 3;
    void *params[] = {&ns, &word, &value};
    program_section("refused");
    for (enum refusal refusal = NO_BLOCKS; refusal < REFUSALS; refusal++) {
        CUresult code = refuse(refusal, stream, params);
        /* Whatever is counted for a launch is taken back for one that never was: more of them than
         * any window holds. */
        for (int i = 0; i < 40; i++)
            MUST(refuse(refusal, stream, params) == code);
        say("refusal %d: %d", (int)refusal, code);
        /* Not asked whether it is idle: drivers may put something of their own there first. */
        SHOW(cuStreamSynchronize(stream));
    }
    SHOW(mix(stream, SHORT_NS, word, 7));
    say_memory("afterwards", word, 4);
    NEED(cuStreamDestroy(stream));
}

/* The legacy stream and blocking ones wait for each other, non-blocking ones for nobody. */
static void default_streams(void) {
    CUdeviceptr words = words_make(2, 0);
    uint32_t *seen = pinned_make(sizeof *seen);
    CUstream blocking = stream_make(CU_STREAM_DEFAULT, 0);
    CUstream aloof = stream_make(CU_STREAM_NON_BLOCKING, 0);
    struct hold hold = hold_make();
    program_section("default streams");
    if (program_is_serial()) {
        SKIP("they are launched on beside each other");
        return;
    }
    hold_stream(hold, blocking);
    SHOW(mix(blocking, SHORT_NS, words, 1));
    SHOW(mix(NULL, SHORT_NS, words, 2));
    SHOW(mix(blocking, SHORT_NS, words, 3));
    SHOW(mix(CU_STREAM_LEGACY, SHORT_NS, words, 4));
    SHOW(mix(CU_STREAM_PER_THREAD, SHORT_NS, words, 5));
    SHOW(mix_own(CU_STREAM_LEGACY, SHORT_NS, words, 6));
    SHOW(mix_own(NULL, SHORT_NS, words, 7));
    SHOW(mix(aloof, SHORT_NS, words + 4, 8));
    SHOW(cuMemcpyDtoHAsync(seen, words + 4, sizeof *seen, aloof));
    SHOW(cuStreamSynchronize(aloof));
    say("the non-blocking stream did %" PRIu32, *seen);
    SHOW(cuStreamQuery(blocking));
    SHOW(cuStreamQuery(NULL));
    SHOW(cuStreamQuery(CU_STREAM_LEGACY));
    SHOW(cuStreamQuery(CU_STREAM_PER_THREAD));
    hold_release(hold);
    SHOW(cuStreamSynchronize(CU_STREAM_PER_THREAD));
    SHOW(cuStreamSynchronize(NULL));
    SHOW(cuStreamQuery(blocking));
    say_memory("in order", words, 4);
    for (uint32_t i = 0; i < 50; i++) {
        NEED(mix(blocking, SHORT_NS, words, i));
        NEED(mix(NULL, SHORT_NS, words, i));
        NEED(mix_own(NULL, SHORT_NS, words, i));
        NEED(mix(NULL, SHORT_NS, words, i));
    }
    say_memory("in turns", words, 4);
    NEED(cuStreamDestroy(blocking));
    NEED(cuStreamDestroy(aloof));
}

static void priorities(void) {
    typedef CUresult (*get_range)(int *, int *);
    typedef CUresult (*get_number)(CUstream, int *);
    static const int wanted[] = {0, -1, -2, -100, 100};
    get_range range;
    get_number priority_of, flags_of;
    int least = 1, greatest = 1;
    FIND(range, "cuCtxGetStreamPriorityRange");
    FIND(priority_of, "cuStreamGetPriority");
    FIND(flags_of, "cuStreamGetFlags");
    program_section("priorities");
    SHOW(range(&least, &greatest));
    say("from %d to %d", least, greatest);
    for (int i = 0; i < 5; i++) {
        CUstream stream;
        int priority = 1, flags = -1;
        SHOW(cuStreamCreateWithPriority(&stream, i % 2, wanted[i]));
        SHOW(priority_of(stream, &priority));
        SHOW(flags_of(stream, &flags));
        say("%d became %d with flags %d", wanted[i], priority, flags);
        SHOW(cuStreamDestroy(stream));
    }
}

static void many_streams(void) {
    CUdeviceptr words = words_make(STREAMS, 0);
    CUstream streams[STREAMS];
    program_section("many streams");
    for (int i = 0; i < STREAMS; i++)
        streams[i] = stream_make(i % 3 == 0 ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING, -(i % 4));
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t i = 0; i < STREAMS; i++)
            NEED(mix(streams[i], SHORT_NS, word_at(words, i), round * STREAMS + i));
    for (int i = 0; i < STREAMS; i++)
        SHOW(cuStreamSynchronize(streams[i]));
    say_memory("words", words, STREAMS * sizeof(uint32_t));
    for (int i = 0; i < STREAMS; i++)
        NEED(cuStreamDestroy(streams[i]));
}

/* More than the hardware queue holds. */
static void long_queue(void) {
    CUdeviceptr word = words_make(1, 0);
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    program_section("long queue");
    for (uint32_t i = 0; i < 3000; i++)
        NEED(mix(stream, 1000, word, i));
    SHOW(cuStreamSynchronize(stream));
    say_memory("word", word, 4);
    NEED(cuStreamDestroy(stream));
}

int main(void) {
    program_start("launches");
    ways();
    refused();
    default_streams();
    priorities();
    many_streams();
    long_queue();
    return 0;
}
