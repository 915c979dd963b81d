/* Green contexts: partitions of the device with streams of their own, in its primary context. */
#include "program.h"

#include <pthread.h>

enum { SIDES = 2, STREAMS = 3, ALL = SIDES * STREAMS };
enum { LAUNCHES = 30, SHORT_NS = 2000, LONG_NS = 20000, DETACHED = 917 };

/* A green context with some streams. */
struct side {
    CUgreenCtx green;
    CUcontext context;
    CUstream streams[STREAMS];
};

static CUresult (*get_resource)(CUdevice, CUdevResource *, int);
static CUresult (*split)(CUdevResource *, unsigned *, const CUdevResource *, CUdevResource *,
                         unsigned, unsigned);
static CUresult (*describe)(CUdevResourceDesc *, CUdevResource *, unsigned);
static CUresult (*green_create)(CUgreenCtx *, CUdevResourceDesc, CUdevice, unsigned);
static CUresult (*green_destroy)(CUgreenCtx);
static CUresult (*green_context)(CUcontext *, CUgreenCtx);
static CUresult (*green_stream)(CUstream *, CUgreenCtx, unsigned, int);
static CUresult (*context_get)(CUcontext *);
static CUresult (*context_push)(CUcontext);
static CUresult (*context_pop)(CUcontext *);

static CUdevResourceDesc parts[SIDES];

static struct side side_make(uint32_t part) {
    struct side side;
    NEED(green_create(&side.green, parts[part], program.device, CU_GREEN_CTX_DEFAULT_STREAM));
    NEED(green_context(&side.context, side.green));
    for (int i = 0; i < STREAMS; i++)
        NEED(green_stream(&side.streams[i], side.green, CU_STREAM_NON_BLOCKING, -2 * i));
    return side;
}

/* What its streams hold goes on. */
static void side_end(struct side side) {
    for (uint32_t i = 0; i < STREAMS; i++)
        NEED(cuStreamDestroy(side.streams[i]));
    NEED(green_destroy(side.green));
}

/* Two partitions. False, with the reason printed, where there are none. */
static bool find_parts(void) {
    CUdevResource whole, groups[SIDES];
    unsigned count = SIDES;
    if (!FIND(get_resource, "cuDeviceGetDevResource") ||
        !FIND(split, "cuDevSmResourceSplitByCount") ||
        !FIND(describe, "cuDevResourceGenerateDesc") || !FIND(green_create, "cuGreenCtxCreate") ||
        !FIND(green_destroy, "cuGreenCtxDestroy") || !FIND(green_context, "cuCtxFromGreenCtx") ||
        !FIND(green_stream, "cuGreenCtxStreamCreate")) {
        SKIP("the driver has no green contexts");
        return false;
    }
    CUresult result = get_resource(program.device, &whole, CU_DEV_RESOURCE_TYPE_SM);
    if (result == CUDA_SUCCESS)
        result = split(groups, &count, &whole, NULL, 0, 16);
    if (result != CUDA_SUCCESS || count < SIDES) {
        SKIP("the device is not divided: %d", (int)result);
        return false;
    }
    for (uint32_t i = 0; i < SIDES; i++)
        NEED(describe(&parts[i], &groups[i], 1));
    CUgreenCtx green;
    result = green_create(&green, parts[0], program.device, CU_GREEN_CTX_DEFAULT_STREAM);
    if (result != CUDA_SUCCESS) {
        SKIP("no green context can be made: %d", (int)result);
        return false;
    }
    NEED(green_destroy(green));
    return true;
}

static void streams(const struct side *sides) {
    CUdeviceptr words = words_make(ALL, 0);
    program_section("streams");
    for (uint32_t n = 0; n < LAUNCHES; n++) {
        for (uint32_t i = 0; i < ALL; i++)
            NEED(mix(sides[i % SIDES].streams[i / SIDES], SHORT_NS, word_at(words, i), n + i));
    }
    for (uint32_t i = 0; i < ALL; i++)
        NEED(cuStreamSynchronize(sides[i % SIDES].streams[i / SIDES]));
    say_memory("words", words, ALL * sizeof(uint32_t));
    NEED(cuMemFree(words));
}

/* Which contexts streams say they belong to. */
static void belonging(const struct side *sides) {
    CUresult (*contexts)(CUstream, CUcontext *, CUgreenCtx *);
    CUcontext context, again, popped;
    CUgreenCtx green;
    program_section("belonging");
    NEED(green_context(&again, sides[0].green));
    say("one handle: %d", again == sides[0].context);
    if (!FIND(contexts, "cuStreamGetCtx_v2")) {
        SKIP("cuStreamGetCtx_v2");
        return;
    }
    CUstream ordinary = stream_make(CU_STREAM_NON_BLOCKING, 0);
    NEED(contexts(ordinary, &context, &green));
    say("ordinary: %d %d", context == program.context, green == NULL);
    NEED(cuStreamDestroy(ordinary));
    for (uint32_t i = 0; i < SIDES; i++) {
        NEED(contexts(sides[i].streams[0], &context, &green));
        say("green: %d %d", context == program.context, green == sides[i].green);
        NEED(context_push(sides[i].context));
        NEED(contexts(CU_STREAM_LEGACY, &context, &green));
        say("current: %d %d", context == program.context, green == sides[i].green);
        NEED(context_get(&context));
        say("found again: %d", context == sides[i].context);
        /* A stream that is made while it is current is one of its own. */
        CUstream inside = stream_make(CU_STREAM_NON_BLOCKING, -1);
        NEED(context_pop(&popped));
        NEED(contexts(inside, &context, &green));
        say("made inside: %d", green == sides[i].green);
        CUdeviceptr word = words_make(1, i);
        for (uint32_t n = 0; n < LAUNCHES; n++)
            NEED(mix(inside, SHORT_NS, word, n));
        say_memory("word", word, 4);
        NEED(cuStreamDestroy(inside));
        NEED(cuMemFree(word));
    }
}

/* The default stream of a green context with work pending, while others are current. */
static void default_streams(const struct side *sides) {
    CUdeviceptr words = words_make(SIDES + 1, 0);
    program_section("default streams");
    for (uint32_t round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < SIDES; i++) {
            NEED(cuCtxSetCurrent(sides[i].context));
            for (uint32_t n = 0; n < LAUNCHES; n++)
                NEED(mix(n % 2 ? NULL : CU_STREAM_LEGACY, LONG_NS, word_at(words, i), n + round));
            if (round % 3 == 1)
                NEED(cuStreamSynchronize(NULL));
            if (round % 3 == 2)
                NEED(cuCtxSynchronize());
        }
        program_join();
        for (uint32_t n = 0; n < LAUNCHES; n++)
            NEED(mix(NULL, SHORT_NS, word_at(words, SIDES), n));
        /* It waits for the green contexts too. */
        if (round % 2)
            say_memory("outside", words, (SIDES + 1) * sizeof(uint32_t));
    }
    NEED(cuCtxSynchronize());
    for (uint32_t i = 0; i < SIDES; i++) {
        NEED(cuCtxSetCurrent(sides[i].context));
        NEED(mix(NULL, SHORT_NS, word_at(words, i), i));
        say_memory("inside", word_at(words, i), 4);
    }
    program_join();
    NEED(cuMemFree(words));
}

struct worker {
    pthread_t thread;
    const struct side *sides;
    pthread_mutex_t *turn;
    CUdeviceptr words;
    uint32_t number;
};

/* A green context is current in one thread at a time; its default stream goes with it. */
static void *take_turns(void *data) {
    struct worker *worker = data;
    program_join();
    for (uint32_t n = 0; n < 400; n++) {
        uint32_t side = (n + worker->number) % SIDES;
        pthread_mutex_lock(&worker->turn[side]);
        NEED(cuCtxSetCurrent(worker->sides[side].context));
        /* Adds, as the threads come in no order. */
        for (uint32_t i = 0; i < 3; i++)
            NEED(launch(program.kernels.add, NULL, SHORT_NS, word_at(worker->words, side), n));
        if (n % 64 == 63)
            NEED(cuStreamSynchronize(NULL));
        program_join();
        pthread_mutex_unlock(&worker->turn[side]);
    }
    return NULL;
}

static void *feed_streams(void *data) {
    struct worker *worker = data;
    program_join();
    for (uint32_t n = 0; n < 120; n++) {
        for (uint32_t side = 0; side < SIDES; side++) {
            CUstream stream = worker->sides[side].streams[worker->number % STREAMS];
            CUdeviceptr word = word_at(worker->words, SIDES * worker->number + side);
            NEED(launch(program.kernels.add, stream, SHORT_NS, word, n));
        }
    }
    return NULL;
}

static void threads(const struct side *sides, const char *name, void *(*body)(void *)) {
    enum { THREADS = 4, WORDS = THREADS * SIDES };
    struct worker workers[THREADS];
    pthread_mutex_t turn[SIDES] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
    CUdeviceptr words = words_make(WORDS, 0);
    program_section(name);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.sides = sides, .turn = turn, .words = words, .number = i};
        THREAD(workers[i].thread, body, &workers[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(workers[i].thread, NULL);
    say_memory("words", words, WORDS * sizeof(uint32_t));
    NEED(cuMemFree(words));
}

/* One word that goes from stream to stream. */
static void events(const struct side *sides) {
    CUdeviceptr word = words_make(1, 0);
    CUevent passed = event_make();
    CUstream chain[] = {sides[0].streams[0], stream_make(CU_STREAM_NON_BLOCKING, 0),
                        sides[1].streams[1], stream_make(CU_STREAM_DEFAULT, -1),
                        sides[0].streams[2]};
    enum { CHAIN = sizeof chain / sizeof chain[0] };
    program_section("events");
    for (uint32_t n = 0; n < 100; n++) {
        NEED(mix(chain[n % CHAIN], LONG_NS, word, n));
        NEED(cuEventRecord(passed, chain[n % CHAIN]));
        NEED(cuStreamWaitEvent(chain[(n + 1) % CHAIN], passed, 0));
        if (n % 10 == 9) {
            /* Once around by way of a default stream. */
            NEED(cuCtxSetCurrent(sides[n / 10 % SIDES].context));
            NEED(cuStreamWaitEvent(NULL, passed, 0));
            NEED(mix(NULL, LONG_NS, word, n));
            NEED(cuEventRecord(passed, NULL));
            program_join();
            NEED(cuStreamWaitEvent(chain[(n + 1) % CHAIN], passed, 0));
        }
    }
    say_memory("word", word, 4);
    NEED(cuStreamDestroy(chain[1]));
    NEED(cuStreamDestroy(chain[3]));
    NEED(cuEventDestroy(passed));
    NEED(cuMemFree(word));
}

/* Events of all that a green context does. */
static void whole(const struct side *sides) {
    CUresult (*record)(CUgreenCtx, CUevent);
    CUresult (*wait)(CUgreenCtx, CUevent);
    program_section("whole");
    if (!FIND(record, "cuGreenCtxRecordEvent") || !FIND(wait, "cuGreenCtxWaitEvent")) {
        SKIP("cuGreenCtxRecordEvent, cuGreenCtxWaitEvent");
        return;
    }
    CUdeviceptr words = words_make(STREAMS, 0);
    CUevent passed = event_make();
    CUstream ordinary = stream_make(CU_STREAM_NON_BLOCKING, 0);
    for (uint32_t round = 0; round < 20; round++) {
        const struct side *from = &sides[round % SIDES], *to = &sides[(round + 1) % SIDES];
        for (uint32_t i = 0; i < STREAMS; i++)
            NEED(mix(from->streams[i], LONG_NS, word_at(words, i), round));
        NEED(record(from->green, passed));
        NEED(cuStreamWaitEvent(ordinary, passed, 0));
        for (uint32_t i = 0; i < STREAMS; i++)
            NEED(mix(ordinary, SHORT_NS, word_at(words, i), i));
        NEED(cuEventRecord(passed, ordinary));
        NEED(wait(to->green, passed));
    }
    say_memory("words", words, STREAMS * sizeof(uint32_t));
    NEED(cuStreamDestroy(ordinary));
    NEED(cuEventDestroy(passed));
    NEED(cuMemFree(words));
}

static void capture(const struct side *side) {
    CUgraph graph;
    CUgraphExec exec;
    size_t nodes = 0;
    CUdeviceptr words = words_make(2, 0);
    CUevent fork = event_make(), join = event_make();
    program_section("capture");
    /* Work beside it, that is asked about meanwhile. */
    for (uint32_t n = 0; n < LAUNCHES; n++)
        NEED(mix(side->streams[2], LONG_NS, word_at(words, 1), n));
    NEED(cuStreamBeginCapture(side->streams[0], CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    for (uint32_t n = 0; n < 5; n++)
        NEED(mix(side->streams[0], SHORT_NS, words, n));
    NEED(cuEventRecord(fork, side->streams[0]));
    NEED(cuStreamWaitEvent(side->streams[1], fork, 0));
    for (uint32_t n = 0; n < 5; n++)
        NEED(mix(side->streams[1], SHORT_NS, words, n));
    NEED(cuEventRecord(join, side->streams[1]));
    NEED(cuStreamWaitEvent(side->streams[0], join, 0));
    NEED(cuStreamEndCapture(side->streams[0], &graph));
    NEED(cuGraphGetNodes(graph, NULL, &nodes));
    say("nodes: %zu", nodes);
    NEED(cuGraphInstantiateWithFlags(&exec, graph, 0));
    for (uint32_t n = 0; n < 10; n++) {
        NEED(cuGraphLaunch(exec, side->streams[n % 2]));
        NEED(cuStreamSynchronize(side->streams[n % 2]));
    }
    say_memory("words", words, 8);
    NEED(cuGraphExecDestroy(exec));
    NEED(cuGraphDestroy(graph));
    NEED(cuEventDestroy(fork));
    NEED(cuEventDestroy(join));
    NEED(cuMemFree(words));
}

/* Work for all its streams. */
static void feed(const struct side *side, uint64_t ns, CUdeviceptr words, uint32_t value) {
    for (uint32_t n = 0; n < 4 * STREAMS; n++)
        NEED(mix(side->streams[n % STREAMS], ns, word_at(words, n % STREAMS), value));
    NEED(context_push(side->context));
    for (uint32_t n = 0; n < 4; n++)
        NEED(mix(NULL, ns, word_at(words, STREAMS), value));
    NEED(context_pop(NULL));
}

/* Handles come again: what was known of a green context must go with it. */
static void again(void) {
    CUdeviceptr words = words_make(STREAMS + 1, 0);
    program_section("again");
    for (uint32_t round = 0; round < 60; round++) {
        struct side side = side_make(round % SIDES);
        feed(&side, SHORT_NS, words, round);
        NEED(cuCtxSynchronize());
        side_end(side);
    }
    say_memory("words", words, (STREAMS + 1) * sizeof(uint32_t));
    NEED(cuMemFree(words));
}

/* Destroyed while they have work. What becomes of it is the driver's affair; all else goes on. */
static void pending(void) {
    CUdeviceptr words = words_make(STREAMS + 1, 0), outside = words_make(1, 0);
    CUstream ordinary = stream_make(CU_STREAM_NON_BLOCKING, 0);
    program_section("pending");
    for (uint32_t round = 0; round < 20; round++) {
        struct side side = side_make(round % SIDES);
        feed(&side, LONG_NS, words, round);
        side_end(side);
        for (uint32_t n = 0; n < 4; n++)
            NEED(mix(ordinary, SHORT_NS, outside, n));
    }
    say_memory("outside", outside, 4);
    NEED(cuStreamDestroy(ordinary));
    NEED(cuMemFree(words));
    NEED(cuMemFree(outside));
}

/* A stream that is left without its green context. Older drivers know no such state, and may take
 * its handle for anything. */
static void detached(void) {
    const char *name;
    program_section("detached");
    if (cuGetErrorName(DETACHED, &name) != CUDA_SUCCESS) {
        SKIP("streams are not detached");
        return;
    }
    CUdeviceptr word = words_make(1, 0);
    for (uint32_t round = 0; round < 5; round++) {
        struct side side = side_make(0);
        NEED(mix(side.streams[0], SHORT_NS, word, round));
        NEED(cuStreamSynchronize(side.streams[0]));
        SHOW(green_destroy(side.green));
        SHOW(mix(side.streams[0], SHORT_NS, word, round));
        for (uint32_t i = 0; i < STREAMS; i++)
            SHOW(cuStreamDestroy(side.streams[i]));
    }
    say_memory("word", word, 4);
    NEED(cuMemFree(word));
}

int main(void) {
    struct side sides[SIDES];
    program_start("green");
    if (!find_parts())
        return 0;
    FIND(context_get, "cuCtxGetCurrent");
    FIND(context_push, "cuCtxPushCurrent_v2");
    FIND(context_pop, "cuCtxPopCurrent_v2");
    for (uint32_t i = 0; i < SIDES; i++)
        sides[i] = side_make(i);
    streams(sides);
    belonging(sides);
    default_streams(sides);
    threads(sides, "in turns", take_turns);
    threads(sides, "threads", feed_streams);
    events(sides);
    whole(sides);
    capture(&sides[0]);
    for (uint32_t i = 0; i < SIDES; i++)
        side_end(sides[i]);
    again();
    pending();
    detached();
    return 0;
}
