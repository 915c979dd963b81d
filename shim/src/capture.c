#include "capture.h"

#include "compat.h"
#include "resolve.h"
#include "thread.h"

#include <pthread.h>
#include <string.h>

/* Where open captures began. What does not fit is counted for the process's life. The lock is held
 * for a look at the table, never in the driver. */
enum { CAPTURE_MAX = 64 };
/* What no capture mode is. */
enum { NO_MODE = 7 };
static struct origin {
    uintptr_t mark; /* The stream's handle, or an address of the thread whose default stream it is;
                       0 for a free entry. */
    uint64_t number;
    struct stream_context at;
} origins[CAPTURE_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic uint64_t captures_began;

static _Thread_local char thread_mark;
/* Its destructor tells of a thread that ends while its own default stream captures. */
static pthread_key_t thread_end;
static bool has_thread_end;

static bool is_per_thread(CUstream stream, enum null_stream null_stream) {
    return stream_by_name(stream, null_stream) == CU_STREAM_PER_THREAD;
}

static uintptr_t mark_of(CUstream stream, enum null_stream null_stream) {
    if (is_per_thread(stream, null_stream))
        return (uintptr_t)&thread_mark;
    return (uintptr_t)(stream == NULL ? CU_STREAM_LEGACY : stream);
}

static void end_at(struct origin *origin) {
    origin->mark = 0;
    atomic_fetch_sub(&hot.captures_open, 1);
}

static void end_by_mark(uintptr_t mark, uint64_t latest) {
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURE_MAX; i++) {
        if (origins[i].mark != mark || origins[i].number > latest)
            continue;
        end_at(&origins[i]);
        break;
    }
    pthread_mutex_unlock(&lock);
    thread_allow_cancel(cancel);
}

static void thread_ended(void *mark) {
    end_by_mark((uintptr_t)mark, UINT64_MAX);
}

static void watch_thread_end(void) {
    if (!has_thread_end)
        has_thread_end = pthread_key_create(&thread_end, thread_ended) == 0;
    if (has_thread_end)
        pthread_setspecific(thread_end, &thread_mark);
}

struct stream_context capture_place(CUstream stream) {
    struct stream_context place;
    context_of_stream(is_default_stream(stream) ? CU_STREAM_LEGACY : stream, &place);
    return place;
}

void capture_began(CUstream stream, enum null_stream null_stream, const struct stream_context *at) {
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&lock);
    uint64_t number = atomic_fetch_add(&captures_began, 1) + 1;
    if (is_per_thread(stream, null_stream))
        watch_thread_end();
    for (int i = 0; i < CAPTURE_MAX; i++) {
        if (origins[i].mark != 0)
            continue;
        origins[i] = (struct origin){mark_of(stream, null_stream), number, *at};
        break;
    }
    atomic_fetch_add(&hot.captures_open, 1);
    pthread_mutex_unlock(&lock);
    thread_allow_cancel(cancel);
}

void capture_ended(CUstream stream, enum null_stream null_stream) {
    end_by_mark(mark_of(stream, null_stream), UINT64_MAX);
}

uint64_t capture_latest(void) {
    return atomic_load(&captures_began);
}

void capture_stream_destroyed(CUstream stream, uint64_t latest) {
    end_by_mark((uintptr_t)stream, latest);
}

void capture_context_destroyed(CUcontext context, uint64_t latest) {
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < CAPTURE_MAX; i++) {
        struct origin *origin = &origins[i];
        if (origin->mark != 0 && origin->number <= latest &&
            (origin->at.context == context || origin->at.green == context))
            end_at(origin);
    }
    pthread_mutex_unlock(&lock);
    thread_allow_cancel(cancel);
}

bool capture_includes(const struct queue *queue) {
    int status = CU_STREAM_CAPTURE_STATUS_NONE;
    if (driver.cuStreamIsCapturing == NULL)
        return false;
    /* The legacy stream answers with an error while a blocking stream captures; a launch on it
     * would be refused as well, so nothing of it is ours. */
    return driver.cuStreamIsCapturing(queue->stream, &status) != CUDA_SUCCESS ||
           status != CU_STREAM_CAPTURE_STATUS_NONE;
}

bool capture_is_error(CUresult result) {
    return result >= CUDA_ERROR_STREAM_CAPTURE_FIRST && result <= CUDA_ERROR_STREAM_CAPTURE_LAST;
}

int capture_relax(void) {
    int cancel = thread_hold_cancel();
    int mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    if (driver.cuThreadExchangeStreamCaptureMode == NULL ||
        driver.cuThreadExchangeStreamCaptureMode(&mode) != CUDA_SUCCESS) {
        mode = NO_MODE;
    }
    return mode << 1 | cancel;
}

void capture_restore(int before) {
    int mode = before >> 1;
    if (mode != NO_MODE)
        driver.cuThreadExchangeStreamCaptureMode(&mode);
    thread_allow_cancel(before & 1);
}

void capture_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    atomic_store(&hot.captures_open, 0);
    memset(origins, 0, sizeof(origins));
}
