/* The ends of queues: their stream, thread or context is gone. */
#include "capture.h"
#include "clock.h"
#include "device.h"
#include "drain.h"
#include "registry.h"
#include "resolve.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

void queue_drop(struct queue *queue, bool context_gone) {
    if (atomic_exchange(&queue->dropped, true))
        return;
    if (!atomic_load(&queue->hot->orphaned))
        queue_forget(queue);
    queue_retire(queue);
    int mode = capture_relax();
    window_clear(queue, !context_gone);
    CUevent tail = atomic_exchange(&queue->tail, NULL);
    if (tail != NULL && !context_gone)
        driver.cuEventDestroy_v2(tail);
    capture_restore(mode);
}

bool queue_is_of_dead_thread(const struct queue *queue) {
    /* What still runs is counted until it has drained; a later sweep takes it. */
    if (queue->stream != CU_STREAM_PER_THREAD || atomic_load(&queue->hot->ready))
        return false;
    pid_t thread = (pid_t)(queue->key_stream >> 2);
    return syscall(SYS_tgkill, getpid(), thread, 0) != 0 && errno == ESRCH;
}

enum leaving { STAYS, LEAVES, LEFT };

/*
 * For the one thread that ends the queue as its stream's. Another that is about to destroy the same
 * stream, as two may be of which one destroys its green context, gets false when the first needs
 * the stream no more.
 */
static bool leave_stream(struct queue *queue) {
    uint32_t before = STAYS;
    if (atomic_compare_exchange_strong(&queue->leaving, &before, LEAVES))
        return true;
    int saved = errno;
    for (; before == LEAVES; before = atomic_load(&queue->leaving))
        futex_wait(&queue->leaving, LEAVES, NS_PER_S);
    errno = saved;
    return false;
}

static void end_stream_queue(struct queue *queue) {
    if (!atomic_load(&queue->hot->ready) || !queue_trail_anywhere(queue)) {
        queue_drop(queue, false);
        return;
    }
    atomic_store(&queue->hot->orphaned, true);
    device_wake(queue->device);
    queue_forget(queue);
    drain_watch();
}

static void drop_stream_queue(struct queue *queue) {
    if (!leave_stream(queue))
        return;
    end_stream_queue(queue);
    atomic_store(&queue->leaving, LEFT);
    futex_wake_all(&queue->leaving);
}

static void drop_if_of_stream(struct queue *queue, void *stream) {
    if (queue->key_context == 0 && queue->key_stream == (uintptr_t)stream &&
        !atomic_load(&queue->hot->orphaned)) {
        drop_stream_queue(queue);
    }
}

void queue_drop_stream(CUstream stream) {
    struct queue *queue = queue_peek(stream, LEGACY);
    if (queue == NULL || !queue_hold(queue, atomic_load(&queue->id)))
        return;
    bool shared = queue->label.id != 0;
    drop_if_of_stream(queue, stream);
    queue_release(queue);
    /* Only a stream that works for models has queues of several labels. */
    if (shared)
        queue_each(drop_if_of_stream, stream);
}

static void drop_if_of_green(struct queue *queue, void *green) {
    if (queue->green == (CUcontext)green && !atomic_load(&queue->hot->orphaned))
        drop_stream_queue(queue);
}

void queue_drop_green(CUcontext green) {
    queue_each(drop_if_of_green, green);
}

static void drop_if_of_context(struct queue *queue, void *context) {
    if (queue->context == (CUcontext)context)
        queue_drop(queue, true);
}

void queue_drop_context(CUcontext context) {
    queue_each(drop_if_of_context, context);
}
