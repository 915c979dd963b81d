/*
 * Work of one priority that waits for work of another, in every way that a program can bring about:
 * holding back the one for the sake of the other must not hold up both.
 */
#include "program.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SHORT_NS = 2000, LONG_NS = 50000, TURNS = 20 };

static CUstream low, high;
static CUdeviceptr words;

static void begin(const char *name) {
    program_section(name);
    words_set(words, 2, 0);
}

/* The high stream waits for an event of the low one. */
static void by_event(void) {
    CUevent there = event_make(), back = event_make();
    begin("by event");
    for (uint32_t i = 0; i < TURNS; i++) {
        for (uint32_t n = 0; n < 10; n++)
            NEED(mix(low, LONG_NS, words, i + n));
        NEED(cuEventRecord(there, low));
        NEED(cuStreamWaitEvent(high, there, 0));
        NEED(mix(high, SHORT_NS, words, i));
        NEED(cuEventRecord(back, high));
        NEED(cuStreamWaitEvent(low, back, 0));
    }
    SHOW(cuStreamSynchronize(low));
    say_memory("words", words, 8);
    NEED(cuEventDestroy(there));
    NEED(cuEventDestroy(back));
}

/* One thread feeds both. */
static void one_thread(void) {
    begin("one thread");
    for (uint32_t i = 0; i < 10 * TURNS; i++) {
        NEED(mix(i % 2 ? high : low, SHORT_NS, word_at(words, i % 2), i));
        if (i % 50 == 49)
            NEED(cuStreamSynchronize(low));
    }
    SHOW(cuStreamSynchronize(high));
    SHOW(cuStreamSynchronize(low));
    say_memory("words", words, 8);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static uint32_t turn;

struct player {
    pthread_t thread;
    CUstream stream;
    uint32_t number;
};

/* Each thread's work waits for the end of the other's. */
static void *take_turns(void *data) {
    struct player *player = data;
    program_join();
    for (uint32_t i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 2 != player->number)
            pthread_cond_wait(&news, &lock);
        pthread_mutex_unlock(&lock);
        NEED(mix(player->stream, SHORT_NS, words, i));
        NEED(mix(player->stream, LONG_NS, words, player->number));
        NEED(cuStreamSynchronize(player->stream));
        pthread_mutex_lock(&lock);
        turn++;
        pthread_cond_broadcast(&news);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Each thread launches and waits with a lock that the other needs. */
static void *hold_lock(void *data) {
    struct player *player = data;
    program_join();
    for (uint32_t i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        NEED(launch(program.kernels.add, player->stream, SHORT_NS, words, i));
        NEED(launch(program.kernels.add, player->stream, LONG_NS, words, player->number));
        NEED(cuStreamSynchronize(player->stream));
        pthread_mutex_unlock(&lock);
        NEED(mix(player->stream, SHORT_NS, words + 4, 0));
    }
    NEED(cuStreamSynchronize(player->stream));
    return NULL;
}

static void two_threads(const char *name, void *(*body)(void *)) {
    struct player players[2] = {{.stream = low, .number = 0}, {.stream = high, .number = 1}};
    begin(name);
    for (int i = 0; i < 2; i++)
        THREAD(players[i].thread, body, &players[i]);
    for (int i = 0; i < 2; i++)
        MUST(pthread_join(players[i].thread, NULL) == 0);
    say_memory("words", words, 8);
}

static atomic_bool low_done;

/* Never idle until the low stream is done: it must be let through in between. */
static void *press_on(void *unused) {
    (void)unused;
    program_join();
    for (uint32_t i = 0; !atomic_load(&low_done); i++) {
        NEED(mix(high, LONG_NS, words + 4, i));
        if (i % 4 == 3)
            NEED(cuStreamSynchronize(high));
    }
    return NULL;
}

static void until_low_is_done(void) {
    pthread_t thread;
    begin("until low is done");
    THREAD(thread, press_on, NULL);
    for (uint32_t i = 0; i < 3; i++)
        NEED(mix(low, SHORT_NS, words, i));
    SHOW(cuStreamSynchronize(low));
    atomic_store(&low_done, true);
    MUST(pthread_join(thread, NULL) == 0);
    SHOW(cuStreamSynchronize(high));
    say_memory("word", words, 4);
}

static atomic_uint told, answered;

static void tell(void *data) {
    (void)data;
    atomic_fetch_add(&told, 1);
}

/* A function of the low stream wakes the thread of the high one, for whose event the low waits. */
static void *answer(void *data) {
    CUevent *events = data;
    program_join();
    for (uint32_t i = 0; i < TURNS; i++) {
        while (atomic_load(&told) <= i)
            sched_yield();
        NEED(mix(high, SHORT_NS, words, i));
        NEED(cuEventRecord(events[i], high));
        atomic_store(&answered, i + 1);
    }
    return NULL;
}

static void by_function(void) {
    CUevent events[TURNS];
    pthread_t thread;
    begin("by host function");
    for (uint32_t i = 0; i < TURNS; i++)
        events[i] = event_make();
    THREAD(thread, answer, events);
    for (uint32_t i = 0; i < TURNS; i++) {
        NEED(mix(low, SHORT_NS, words, 3 * i));
        NEED(cuLaunchHostFunc(low, tell, NULL));
        while (atomic_load(&answered) <= i)
            sched_yield();
        NEED(cuStreamWaitEvent(low, events[i], 0));
    }
    MUST(pthread_join(thread, NULL) == 0);
    SHOW(cuStreamSynchronize(low));
    say_memory("words", words, 8);
    for (uint32_t i = 0; i < TURNS; i++)
        NEED(cuEventDestroy(events[i]));
}

/* The high stream waits for words that the low one writes later, from another thread. */
static void *write_words(void *data) {
    CUdeviceptr flags = *(CUdeviceptr *)data;
    program_join();
    for (uint32_t i = 1; i <= TURNS; i++) {
        NEED(mix(low, LONG_NS, words, i));
        NEED(cuStreamWriteValue32(low, flags, i, 0));
        NEED(cuStreamWaitValue32(low, flags + 4, i, CU_STREAM_WAIT_VALUE_GEQ));
    }
    return NULL;
}

static void by_value(void) {
    CUdeviceptr flags = words_make(2, 0);
    pthread_t thread;
    begin("by value");
    for (uint32_t i = 1; i <= TURNS; i++) {
        NEED(cuStreamWaitValue32(high, flags, i, CU_STREAM_WAIT_VALUE_GEQ));
        NEED(mix(high, SHORT_NS, words, i));
        NEED(cuStreamWriteValue32(high, flags + 4, i, 0));
    }
    THREAD(thread, write_words, &flags);
    MUST(pthread_join(thread, NULL) == 0);
    SHOW(cuStreamSynchronize(high));
    SHOW(cuStreamSynchronize(low));
    say_memory("words", words, 8);
    NEED(cuMemFree(flags));
}

int main(void) {
    program_start("dependencies");
    words = words_make(2, 0);
    low = stream_make(CU_STREAM_NON_BLOCKING, 0);
    high = stream_make(CU_STREAM_NON_BLOCKING, -5);
    by_event();
    one_thread();
    two_threads("in turns", take_turns);
    two_threads("with a lock", hold_lock);
    until_low_is_done();
    by_function();
    by_value();
    return 0;
}
