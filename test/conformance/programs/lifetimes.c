/* Streams and contexts that come and go, with work pending and without. */
#include "program.h"

enum { SHORT_NS = 2000, CREATIONS = 250 };

static CUresult (*context_push)(CUcontext);
static CUresult (*context_pop)(CUcontext *);
static CUresult (*context_get)(CUcontext *);

/* What a destroyed stream still holds goes on. */
static void pending(void) {
    CUdeviceptr words = words_make(8, 0);
    program_section("pending");
    for (uint32_t i = 0; i < 8; i++) {
        CUstream stream = stream_make(i % 2 ? CU_STREAM_NON_BLOCKING : CU_STREAM_DEFAULT, 0);
        for (uint32_t n = 0; n < 40; n++)
            NEED(mix(stream, 10000, word_at(words, i), n + i));
        SHOW(cuStreamDestroy(stream));
    }
    say_memory("words", words, 8 * sizeof(uint32_t));
    NEED(cuMemFree(words));
}

/* Handles come again: what was known of a stream must go with it. */
static void again(void) {
    CUdeviceptr word = words_make(1, 0);
    CUstream kept[4];
    program_section("again");
    for (uint32_t i = 0; i < CREATIONS; i++) {
        CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, -(int)(i % 3));
        NEED(mix(stream, SHORT_NS, word, i));
        if (i % 5 == 0)
            NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuStreamSynchronize(stream));
        NEED(cuStreamDestroy(stream));
    }
    say_memory("one at a time", word, 4);
    /* Destroyed before they are done, in groups. */
    CUdeviceptr words = words_make(4, 0);
    for (uint32_t i = 0; i < CREATIONS / 4; i++) {
        for (uint32_t n = 0; n < 4; n++) {
            kept[n] = stream_make(CU_STREAM_NON_BLOCKING, 0);
            NEED(mix(kept[n], SHORT_NS, word_at(words, n), i));
        }
        for (uint32_t n = 0; n < 4; n++)
            NEED(cuStreamDestroy(kept[3 - n]));
        NEED(cuCtxSynchronize());
    }
    say_memory("four at a time", words, 16);
    NEED(cuMemFree(word));
    NEED(cuMemFree(words));
}

/* Streams and events of a capture that is given up. */
static void given_up(void) {
    CUdeviceptr word = words_make(1, 0);
    program_section("given up");
    for (uint32_t i = 0; i < 10; i++) {
        CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
        NEED(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
        NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuStreamDestroy(stream));
        stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
        NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuStreamSynchronize(stream));
        NEED(cuStreamDestroy(stream));
    }
    say_memory("word", word, 4);
    NEED(cuMemFree(word));
}

static bool is_current(CUcontext context) {
    CUcontext current = NULL;
    NEED(context_get(&current));
    return current == context;
}

static void contexts(void) {
    program_section("contexts");
    for (uint32_t i = 0; i < 5; i++) {
        CUcontext context, popped;
        NEED(cuCtxCreate(&context, 0, program.device));
        MUST(is_current(context));
        struct kernels kernels = program_load();
        CUdeviceptr words = words_make(2, i);
        CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, -1);
        for (uint32_t n = 0; n < 20; n++) {
            NEED(launch(kernels.mix, stream, SHORT_NS, words, n));
            NEED(launch(kernels.mix, NULL, SHORT_NS, words + 4, n));
        }
        NEED(context_pop(&popped));
        MUST(popped == context && is_current(program.context));
        CUdeviceptr outside = words_make(1, i);
        NEED(mix(NULL, SHORT_NS, outside, 1));
        say_memory("outside", outside, 4);
        NEED(cuMemFree(outside));
        NEED(context_push(context));
        say_memory("inside", words, 8);
        /* Destroyed with work pending, its stream and memory with it. */
        for (uint32_t n = 0; n < 20; n++)
            NEED(launch(kernels.mix, stream, 10000, words, n));
        SHOW(cuCtxDestroy(context));
        say("the first is current: %d", is_current(program.context));
    }
    SHOW(context_push(NULL));
}

/* Two contexts whose work is fed in turns by one thread. */
static void in_turns(void) {
    CUcontext all[2];
    CUdeviceptr words[2];
    struct kernels kernels[2];
    CUstream streams[2];
    program_section("contexts in turns");
    for (uint32_t i = 0; i < 2; i++) {
        NEED(cuCtxCreate(&all[i], 0, program.device));
        kernels[i] = program_load();
        words[i] = words_make(1, i);
        streams[i] = stream_make(CU_STREAM_NON_BLOCKING, 0);
        NEED(context_pop(NULL));
    }
    for (uint32_t n = 0; n < 60; n++) {
        NEED(context_push(all[n % 2]));
        NEED(launch(kernels[n % 2].mix, n % 3 ? streams[n % 2] : NULL, SHORT_NS, words[n % 2], n));
        if (n % 3 != 1)
            NEED(cuCtxSynchronize());
        NEED(context_pop(NULL));
    }
    for (uint32_t i = 0; i < 2; i++) {
        NEED(context_push(all[i]));
        say_memory("word", words[i], 4);
        SHOW(cuCtxDestroy(all[i]));
    }
}

/* The primary context goes with its last user, or when it is reset, and comes again. */
static void primary(void) {
    CUresult (*release)(CUdevice);
    CUresult (*reset)(CUdevice);
    CUresult (*state)(CUdevice, unsigned *, int *);
    CUcontext same;
    unsigned flags;
    int active = -1;
    FIND(release, "cuDevicePrimaryCtxRelease_v2");
    FIND(reset, "cuDevicePrimaryCtxReset_v2");
    FIND(state, "cuDevicePrimaryCtxGetState");
    program_section("primary");
    SHOW(cuDevicePrimaryCtxRetain(&same, program.device));
    say("the same: %d", same == program.context);
    SHOW(release(program.device));
    SHOW(state(program.device, &flags, &active));
    say("active: %d", active);
    for (uint32_t i = 0; i < 4; i++) {
        CUdeviceptr word = words_make(1, i);
        for (uint32_t n = 0; n < 10; n++)
            NEED(mix(n % 2 ? NULL : CU_STREAM_PER_THREAD, SHORT_NS, word, n));
        say_memory("word", word, 4);
        NEED(mix(NULL, 10000, word, 1));
        if (i % 2 == 0)
            SHOW(reset(program.device));
        else
            SHOW(release(program.device));
        SHOW(state(program.device, &flags, &active));
        say("active: %d", active);
        /* A reset leaves the count of its users alone in some drivers; asking again is the way. */
        NEED(cuDevicePrimaryCtxRetain(&program.context, program.device));
        program_join();
        program.kernels = program_load();
    }
    SHOW(state(program.device, &flags, &active));
    say("active: %d", active);
}

int main(void) {
    program_start("lifetimes");
    FIND(context_push, "cuCtxPushCurrent_v2");
    FIND(context_pop, "cuCtxPopCurrent_v2");
    FIND(context_get, "cuCtxGetCurrent");
    pending();
    again();
    given_up();
    contexts();
    in_turns();
    primary();
    return 0;
}
