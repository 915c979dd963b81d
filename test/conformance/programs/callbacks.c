/* Host functions and callbacks: their order, what they see, and work that follows from it. */
#include "program.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SHORT_NS = 2000, NOTES = 200, DECISIONS = 25 };

static CUstream stream, other;

/* What was seen, in order. Functions of one stream never run at the same time. */
static uint32_t notes[NOTES];
static atomic_uint note_count;
static uint32_t *seen;

static void note(void *data) {
    (void)data;
    notes[atomic_fetch_add(&note_count, 1)] = *seen;
}

static void note_callback(CUstream from, CUresult status, void *data) {
    (void)from;
    notes[atomic_fetch_add(&note_count, 1)] = *(uint32_t *)data + (uint32_t)status;
}

static void say_notes(void) {
    uint32_t count = atomic_exchange(&note_count, 0);
    say("%" PRIu32 " notes %08" PRIx32, count, digest(notes, count * sizeof notes[0]));
}

/* Each function sees the copy before it and not the one after it. */
static void in_order(void) {
    CUdeviceptr word = words_make(1, 0);
    CUresult (*add_callback)(CUstream, CUstreamCallback, void *, unsigned);
    FIND(add_callback, "cuStreamAddCallback");
    program_section("in order");
    for (uint32_t i = 0; i < 60; i++) {
        NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuMemcpyDtoHAsync(seen, word, sizeof *seen, stream));
        NEED(cuLaunchHostFunc(stream, note, NULL));
        if (i % 4 == 0)
            NEED(add_callback(stream, note_callback, seen, 0));
    }
    SHOW(cuStreamSynchronize(stream));
    say_notes();
    SHOW(cuLaunchHostFunc(stream, NULL, NULL));
    SHOW(add_callback(stream, note_callback, seen, 7));
}

/* Functions of two streams, led by events. */
static void across(void) {
    CUevent there = event_make(), back = event_make();
    CUdeviceptr word = words_make(1, 0);
    program_section("across");
    for (uint32_t i = 0; i < 20; i++) {
        NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuMemcpyDtoHAsync(seen, word, sizeof *seen, stream));
        NEED(cuLaunchHostFunc(stream, note, NULL));
        NEED(cuEventRecord(there, stream));
        NEED(cuStreamWaitEvent(other, there, 0));
        NEED(mix(other, SHORT_NS, word, i + 7));
        NEED(cuMemcpyDtoHAsync(seen, word, sizeof *seen, other));
        NEED(cuLaunchHostFunc(other, note, NULL));
        NEED(cuEventRecord(back, other));
        NEED(cuStreamWaitEvent(stream, back, 0));
    }
    SHOW(cuStreamSynchronize(stream));
    say_notes();
    NEED(cuEventDestroy(there));
    NEED(cuEventDestroy(back));
}

/* The driver may not be called from there; the answer says so, whoever hears the call first. */
static void call_driver(void *data) {
    *(CUresult *)data = cuStreamQuery(other);
}

static void forbidden(void) {
    CUresult result = -1;
    program_section("forbidden");
    if (program_is_serial()) {
        SKIP("who is under compute-sanitizer never gets an answer from there");
        return;
    }
    SHOW(cuLaunchHostFunc(stream, call_driver, &result));
    SHOW(cuStreamSynchronize(stream));
    say("a query from inside: %d", result);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t news;
    uint32_t decisions;
    uint32_t value;
} mailbox = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

static void decide(void *data) {
    (void)data;
    pthread_mutex_lock(&mailbox.lock);
    mailbox.decisions++;
    mailbox.value = *seen;
    pthread_cond_signal(&mailbox.news);
    pthread_mutex_unlock(&mailbox.lock);
}

/* A thread launches what a host function found out, so that the stream waits for both. */
static void *follow(void *data) {
    CUdeviceptr word = *(CUdeviceptr *)data;
    program_join();
    for (uint32_t i = 1; i <= DECISIONS; i++) {
        pthread_mutex_lock(&mailbox.lock);
        while (mailbox.decisions < i)
            pthread_cond_wait(&mailbox.news, &mailbox.lock);
        uint32_t value = mailbox.value;
        pthread_mutex_unlock(&mailbox.lock);
        for (uint32_t n = 0; n < 1 + value % 7; n++)
            NEED(mix(value % 2 ? stream : other, SHORT_NS, word, value));
        NEED(cuStreamSynchronize(value % 2 ? stream : other));
        NEED(mix(stream, SHORT_NS, word, i));
        NEED(cuMemcpyDtoHAsync(seen, word, sizeof *seen, stream));
        NEED(cuLaunchHostFunc(stream, decide, NULL));
    }
    return NULL;
}

static void decisions(void) {
    CUdeviceptr word = words_make(1, 3);
    pthread_t thread;
    program_section("decisions");
    *seen = 5;
    THREAD(thread, follow, &word);
    SHOW(cuLaunchHostFunc(stream, decide, NULL));
    MUST(pthread_join(thread, NULL) == 0);
    SHOW(cuStreamSynchronize(stream));
    say("%" PRIu32 " decisions", mailbox.decisions);
    say_memory("word", word, 4);
}

static atomic_bool allowed;

static void await_permission(void *data) {
    (void)data;
    while (!atomic_load(&allowed))
        sched_yield();
    notes[atomic_fetch_add(&note_count, 1)] = 77;
}

/* A function that lasts until another stream's work is done. */
static void long_function(void) {
    CUdeviceptr words = words_make(2, 0);
    program_section("long function");
    if (program_is_serial()) {
        SKIP("a stream works beside one whose function waits");
        return;
    }
    SHOW(cuLaunchHostFunc(stream, await_permission, NULL));
    SHOW(mix(stream, SHORT_NS, words, 1));
    SHOW(mix(other, SHORT_NS, words + 4, 2));
    SHOW(cuStreamSynchronize(other));
    SHOW(cuStreamQuery(stream));
    atomic_store(&allowed, true);
    SHOW(cuStreamSynchronize(stream));
    say_notes();
    say_memory("words", words, 8);
}

int main(void) {
    program_start("callbacks");
    stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    other = stream_make(CU_STREAM_NON_BLOCKING, -1);
    seen = pinned_make(sizeof *seen);
    in_order();
    across();
    forbidden();
    decisions();
    long_function();
    return 0;
}
