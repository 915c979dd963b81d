#include "pieces.h"

#include "capture.h"
#include "clock.h"
#include "process.h"
#include "thread.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A waiter looks again after so long by itself. */
static const uint64_t NAP_NS = 100 * NS_PER_MS;

static uint32_t own_id(void) {
    static _Thread_local uint32_t id;
    if (id == 0)
        id = (uint32_t)syscall(SYS_gettid);
    return id;
}

static bool is_outranked(const struct queue *queue) {
    /* Before the daemon has answered nobody knows. */
    return atomic_load(&queue->hot->window) != 0 || !atomic_load(&queue->hot->permit);
}

void pieces_begin(struct pieces *pieces, CUstream stream, enum null_stream null_stream,
                  size_t bytes) {
    pieces->queue = NULL;
    if (bytes <= PIECE_BYTES || process_is_inert())
        return;
    struct queue *queue = queue_find(stream, null_stream);
    if (queue == NULL || !queue->hot->gates_copies || !is_outranked(queue))
        return;
    /* A graph would keep the pieces for ever. */
    if (atomic_load(&hot.captures_open) > 0)
        return;
    /* A thread that ended between two pieces would keep the others waiting for ever. */
    pieces->cancel = thread_hold_cancel();
    uint32_t nobody = 0;
    while (!atomic_compare_exchange_strong(&queue->hot->copier, &nobody, own_id())) {
        pieces_wait(queue);
        nobody = 0;
    }
    pieces->queue = queue;
}

size_t pieces_next(const struct pieces *pieces, size_t left) {
    if (pieces->queue == NULL || left <= PIECE_BYTES || !is_outranked(pieces->queue))
        return left;
    return PIECE_BYTES;
}

void pieces_end(struct pieces *pieces) {
    if (pieces->queue == NULL)
        return;
    int saved = errno;
    atomic_store(&pieces->queue->hot->copier, 0);
    futex_wake_all(&pieces->queue->hot->copier);
    thread_allow_cancel(pieces->cancel);
    errno = saved;
}

void pieces_wait(struct queue *queue) {
    int saved = errno;
    uint32_t copier;
    while ((copier = atomic_load(&queue->hot->copier)) != 0 && copier != own_id())
        futex_wait(&queue->hot->copier, copier, NAP_NS);
    errno = saved;
}
