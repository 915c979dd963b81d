/* Many threads, each with a stream of its own and its own default stream. */
#include "program.h"

#include <pthread.h>

enum { SHORT_NS = 2000, THREADS = 12, LAUNCHES = 60, GENERATIONS = 40 };

struct worker {
    pthread_t thread;
    uint32_t number;
    CUdeviceptr words;
    bool leaves_work;
};

static CUstream shared_stream;
static CUdeviceptr shared_word;

static void *work(void *data) {
    struct worker *worker = data;
    uint32_t number = worker->number;
    program_join();
    CUstream own = stream_make(CU_STREAM_NON_BLOCKING, -(int)(number % 4));
    for (uint32_t i = 0; i < LAUNCHES; i++) {
        NEED(mix(own, SHORT_NS, worker->words, number + i));
        NEED(mix_own(NULL, SHORT_NS, worker->words + 4, number * i));
        /* The sum is the same in any order. */
        NEED(launch(program.kernels.add, shared_stream, 1000, shared_word, number));
        if (i % 10 == number % 10)
            NEED(cuStreamSynchronize(i % 2 ? own : CU_STREAM_PER_THREAD));
    }
    if (!worker->leaves_work) {
        NEED(cuStreamSynchronize(own));
        NEED(cuStreamSynchronize(CU_STREAM_PER_THREAD));
    }
    NEED(cuStreamDestroy(own));
    return NULL;
}

static void at_once(const char *name, bool leave_work) {
    struct worker workers[THREADS];
    CUdeviceptr words = words_make(2 * (size_t)THREADS, 0);
    program_section(name);
    if (leave_work && program_is_serial()) {
        SKIP("compute-sanitizer waits for itself where several threads do this");
        return;
    }
    words_set(shared_word, 1, 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){0, i + 1, word_at(words, 2 * (uint64_t)i), leave_work};
        THREAD(workers[i].thread, work, &workers[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        MUST(pthread_join(workers[i].thread, NULL) == 0);
    NEED(cuCtxSynchronize());
    for (uint32_t i = 0; i < THREADS; i++)
        say_memory("thread", word_at(words, 2 * (uint64_t)i), 8);
    say_memory("sum", shared_word, 4);
    NEED(cuMemFree(words));
}

static void *add_once(void *data) {
    uint32_t value = *(uint32_t *)data;
    program_join();
    NEED(mix_own(NULL, 20000, shared_word, value));
    NEED(mix_own(NULL, 20000, shared_word, value + 1));
    return NULL;
}

/* One after the other, each ending with its work pending; its own default stream ends with it. */
static void generations(void) {
    program_section("generations");
    words_set(shared_word, 1, 0);
    for (uint32_t i = 0; i < GENERATIONS; i++) {
        pthread_t thread;
        THREAD(thread, add_once, &i);
        MUST(pthread_join(thread, NULL) == 0);
        if (i % 2 == 0)
            NEED(cuCtxSynchronize());
        else
            NEED(mix(NULL, SHORT_NS, shared_word, i)); /* the legacy stream waits for it */
        NEED(cuCtxSynchronize());
    }
    say_memory("word", shared_word, 4);
}

int main(void) {
    program_start("threads");
    shared_stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    shared_word = words_make(1, 0);
    at_once("at once", false);
    at_once("leaving work", true);
    generations();
    return 0;
}
