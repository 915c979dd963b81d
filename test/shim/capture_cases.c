/*
 * Open captures are counted however they end: by their stream, by their context, or with the thread
 * whose default stream it was. The driver is this file's own.
 */
#include "capture.h"
#include "resolve.h"

#include "check.h"

#include <pthread.h>

struct driver_calls driver;

/* A stream's context is the first half of its handle's name. */
static CUresult get_current(CUcontext *context) {
    *context = (CUcontext)0x1000;
    return CUDA_SUCCESS;
}

static CUresult get_context(CUstream stream, CUcontext *context) {
    *context = (CUcontext)((uintptr_t)stream & ~(uintptr_t)0xfff);
    return CUDA_SUCCESS;
}

static CUstream stream_of(uintptr_t context, uintptr_t number) {
    return (CUstream)(context << 12 | number << 4);
}

static void expect_open(int count, const char *when) {
    int found = atomic_load(&hot.captures_open);
    CHECK(found == count, "%s: %d captures are open, expected %d", when, found, count);
}

static void begin(CUstream stream, enum null_stream null_stream) {
    struct stream_context place = capture_place(stream);
    capture_began(stream, null_stream, &place);
}

static void *begin_on_own_stream(void *how) {
    begin(how, PER_THREAD);
    expect_open(1, "while the thread lives");
    return NULL;
}

static void *begin_and_end(void *how) {
    begin(how, PER_THREAD);
    capture_ended(how, PER_THREAD);
    expect_open(0, "after its end");
    return NULL;
}

static void run_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0, "no thread");
    CHECK(pthread_join(thread, NULL) == 0, "the thread cannot be joined");
}

int main(void) {
    driver.cuCtxGetCurrent = get_current;
    driver.cuStreamGetCtx = get_context;

    begin(stream_of(1, 1), LEGACY);
    begin(stream_of(1, 2), LEGACY);
    capture_ended(stream_of(1, 3), LEGACY);
    expect_open(2, "the end of one that never began");
    capture_ended(stream_of(1, 1), LEGACY);
    capture_stream_destroyed(stream_of(1, 2), capture_latest());
    expect_open(0, "ended and destroyed");

    begin(stream_of(1, 1), LEGACY);
    begin(stream_of(2, 1), LEGACY);
    begin(stream_of(2, 2), PER_THREAD);
    capture_context_destroyed((CUcontext)0x2000, capture_latest());
    expect_open(1, "the end of one of two contexts");
    begin(NULL, PER_THREAD);
    expect_open(2, "on the thread's own stream");
    capture_context_destroyed((CUcontext)0x1000, capture_latest());
    expect_open(0, "the end of both");

    uint64_t latest = capture_latest();
    begin(stream_of(1, 1), LEGACY);
    capture_stream_destroyed(stream_of(1, 1), latest);
    capture_context_destroyed((CUcontext)0x1000, latest);
    expect_open(1, "on a stream with the handle of one that is gone");
    capture_ended(stream_of(1, 1), LEGACY);
    expect_open(0, "after its end");

    run_thread(begin_on_own_stream, NULL);
    expect_open(0, "after the thread has ended");
    run_thread(begin_on_own_stream, CU_STREAM_PER_THREAD);
    expect_open(0, "after the second thread has ended");
    run_thread(begin_and_end, NULL);
    expect_open(0, "an end, and the thread's end after it");

    enum { MANY = 100 };
    for (uintptr_t i = 1; i <= MANY; i++)
        begin(stream_of(3, i), LEGACY);
    expect_open(MANY, "more than are remembered");
    capture_reset_after_fork();
    expect_open(0, "in a child");
    CHECK(capture_is_error(900) && capture_is_error(908), "a capture's error is not known as one");
    CHECK(!capture_is_error(600) && !capture_is_error(909) && !capture_is_error(0),
          "another result is taken for a capture's error");
    return 0;
}
