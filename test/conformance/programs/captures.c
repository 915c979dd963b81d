/* Threads that capture while others launch, wait and ask. */
#include "program.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SHORT_NS = 2000, CAPTURERS = 3, WORKERS = 2, ROUNDS = 25, KERNELS = 6, STEPS = 200 };

struct capturer {
    pthread_t thread;
    CUstreamCaptureMode mode;
    CUdeviceptr word;
    unsigned broken;
    size_t nodes;
    uint32_t seed;
};

struct worker {
    pthread_t thread;
    CUdeviceptr word;
    unsigned failed;
};

/* Captures, launches what it captured, and again. */
static void *capture_rounds(void *data) {
    struct capturer *capturer = data;
    program_join();
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        CUgraph graph = NULL;
        CUgraphExec exec;
        size_t count = 0;
        unsigned broken = 0;
        for (uint32_t i = 0; i < KERNELS; i++)
            broken += mix(stream, SHORT_NS, capturer->word, i) != CUDA_SUCCESS;
        broken += cuStreamBeginCapture(stream, capturer->mode) != CUDA_SUCCESS;
        for (uint32_t i = 0; i < KERNELS; i++)
            broken += mix(stream, SHORT_NS, capturer->word, capturer->seed + round) != CUDA_SUCCESS;
        broken += cuStreamEndCapture(stream, &graph) != CUDA_SUCCESS;
        if (broken == 0) {
            NEED(cuGraphGetNodes(graph, NULL, &count));
            capturer->nodes += count;
            NEED(cuGraphInstantiateWithFlags(&exec, graph, 0));
            NEED(cuGraphLaunch(exec, stream));
            NEED(cuGraphLaunch(exec, stream));
            NEED(cuStreamSynchronize(stream));
            NEED(cuGraphExecDestroy(exec));
            NEED(cuGraphDestroy(graph));
        }
        capturer->broken += broken;
    }
    NEED(cuStreamDestroy(stream));
    return NULL;
}

/* Launches, waits and asks. */
static void *work(void *data) {
    struct worker *worker = data;
    program_join();
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, -1);
    CUevent event = event_make();
    for (uint32_t i = 0; i < STEPS; i++) {
        worker->failed += mix(stream, SHORT_NS, worker->word, i) != CUDA_SUCCESS;
        worker->failed += cuEventRecord(event, stream) != CUDA_SUCCESS;
        if (i % 8 == 0)
            worker->failed += cuStreamSynchronize(stream) != CUDA_SUCCESS;
        if (i % 8 == 4)
            worker->failed += cuEventSynchronize(event) != CUDA_SUCCESS;
        CUresult answer = cuStreamQuery(stream);
        worker->failed += answer != CUDA_SUCCESS && answer != CUDA_ERROR_NOT_READY;
    }
    return NULL;
}

/* A global capture forbids others to wait and to ask: nobody else may be there. */
static void together(const char *name, CUstreamCaptureMode mode, int capturer_count,
                     int worker_count) {
    CUdeviceptr words = words_make(CAPTURERS + WORKERS, 0);
    struct capturer capturers[CAPTURERS] = {{0}};
    struct worker workers[WORKERS] = {{0}};
    program_section(name);
    for (int i = 0; i < worker_count; i++) {
        workers[i].word = word_at(words, CAPTURERS + i);
        THREAD(workers[i].thread, work, &workers[i]);
    }
    for (int i = 0; i < capturer_count; i++) {
        capturers[i].mode = mode;
        capturers[i].word = word_at(words, i);
        capturers[i].seed = 100 * (uint32_t)i;
        THREAD(capturers[i].thread, capture_rounds, &capturers[i]);
    }
    for (int i = 0; i < capturer_count; i++) {
        MUST(pthread_join(capturers[i].thread, NULL) == 0);
        say("capturer %d: %u broken, %zu nodes", i, capturers[i].broken, capturers[i].nodes);
    }
    for (int i = 0; i < worker_count; i++) {
        MUST(pthread_join(workers[i].thread, NULL) == 0);
        say("worker %d: %u failed", i, workers[i].failed);
    }
    say_memory("words", words, (CAPTURERS + WORKERS) * sizeof(uint32_t));
    NEED(cuMemFree(words));
}

/* --- a global capture beside a thread that does this or that, in a fixed order --- */

static pthread_barrier_t barrier;
static CUstream beside;
static CUdeviceptr beside_word;
static CUevent beside_event;
enum attempt { LAUNCH, RECORD, ASK_STREAM, ASK_EVENT, WAIT, ALLOCATE, ATTEMPTS };
static const char *const attempt_names[] = {"launch",    "record", "ask stream",
                                            "ask event", "wait",   "allocate"};

static CUresult try(enum attempt attempt) {
    CUdeviceptr memory;
    CUresult result;
    switch (attempt) {
    case LAUNCH:
        return mix(beside, SHORT_NS, beside_word, 1);
    case RECORD:
        return cuEventRecord(beside_event, beside);
    case ASK_STREAM:
        return cuStreamQuery(beside);
    case ASK_EVENT:
        return cuEventQuery(beside_event);
    case WAIT:
        return cuStreamSynchronize(beside);
    default:
        result = cuMemAlloc(&memory, 4096);
        if (result == CUDA_SUCCESS)
            NEED(cuMemFree(memory));
        return result;
    }
}

struct trial {
    enum attempt attempt;
    CUstreamCaptureMode own_mode;
    CUresult result;
};

static void *try_beside(void *data) {
    struct trial *trial = data;
    program_join();
    NEED(cuThreadExchangeStreamCaptureMode(&trial->own_mode));
    pthread_barrier_wait(&barrier);
    trial->result = try(trial->attempt);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void global_beside(CUstreamCaptureMode own_mode, const char *name) {
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    program_section(name);
    for (enum attempt attempt = LAUNCH; attempt < ATTEMPTS; attempt++) {
        struct trial trial = {attempt, own_mode, -1};
        pthread_t thread;
        CUgraph graph = NULL;
        size_t count = 0;
        NEED(cuStreamSynchronize(beside));
        THREAD(thread, try_beside, &trial);
        NEED(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
        NEED(mix(stream, SHORT_NS, beside_word, 1));
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        CUresult ended = cuStreamEndCapture(stream, &graph);
        if (graph != NULL)
            NEED(cuGraphGetNodes(graph, NULL, &count));
        say("%s: %d, the capture ended with %d and %zu nodes", attempt_names[attempt], trial.result,
            ended, count);
        if (graph != NULL)
            NEED(cuGraphDestroy(graph));
        MUST(pthread_join(thread, NULL) == 0);
    }
    NEED(cuStreamDestroy(stream));
}

/* Work that is in flight all the while: whoever watches over it must not spoil the capture. */
static void *keep_busy(void *data) {
    atomic_bool *over = data;
    program_join();
    for (uint32_t i = 0; !atomic_load(over); i++)
        NEED(mix(beside, 20000, beside_word, i));
    return NULL;
}

static void global_under_load(void) {
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUgraph graphs[ROUNDS];
    atomic_bool over = false;
    pthread_t thread;
    size_t nodes = 0;
    program_section("global under load");
    THREAD(thread, keep_busy, &over);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        NEED(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
        for (uint32_t i = 0; i < KERNELS; i++)
            NEED(mix(stream, SHORT_NS, beside_word, i));
        NEED(cuStreamEndCapture(stream, &graphs[round]));
        NEED(cuGraphGetNodes(graphs[round], NULL, &count));
        nodes += count;
    }
    atomic_store(&over, true);
    MUST(pthread_join(thread, NULL) == 0);
    say("%d captures, %zu nodes", (int)ROUNDS, nodes);
    SHOW(cuCtxSynchronize());
}

int main(void) {
    program_start("captures");
    MUST(pthread_barrier_init(&barrier, NULL, 2) == 0);
    beside = stream_make(CU_STREAM_NON_BLOCKING, -1);
    beside_word = words_make(1, 0);
    beside_event = event_make();
    together("thread local", CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, CAPTURERS, WORKERS);
    together("relaxed", CU_STREAM_CAPTURE_MODE_RELAXED, CAPTURERS, WORKERS);
    together("global", CU_STREAM_CAPTURE_MODE_GLOBAL, 1, 0);
    global_beside(CU_STREAM_CAPTURE_MODE_GLOBAL, "global beside");
    global_beside(CU_STREAM_CAPTURE_MODE_RELAXED, "global beside relaxed");
    global_under_load();
    return 0;
}
