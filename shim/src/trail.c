/* Events of ours behind the work of streams that the drain thread cannot ask. */
#include "capture.h"
#include "queue.h"
#include "resolve.h"

/* Makes the event in the queue's context, even where a green one of it is current: it has to
 * outlive that. */
static CUevent make_tail(struct queue *queue) {
    CUcontext popped;
    CUevent tail = NULL, other = NULL;
    if (driver.cuCtxPushCurrent_v2 == NULL ||
        driver.cuCtxPushCurrent_v2(queue->context) != CUDA_SUCCESS) {
        return NULL;
    }
    int mode = capture_relax();
    if (driver.cuEventCreate(&tail, CU_EVENT_DISABLE_TIMING) != CUDA_SUCCESS)
        tail = NULL;
    /* Of two threads that both make one, both use the first: what one of them records proves
     * nothing by the event of the other. */
    if (tail != NULL && !atomic_compare_exchange_strong(&queue->tail, &other, tail)) {
        driver.cuEventDestroy_v2(tail);
        tail = other;
    }
    capture_restore(mode);
    driver.cuCtxPopCurrent_v2(&popped);
    return tail;
}

bool queue_trail(struct queue *queue) {
    CUevent tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    if (tail == NULL)
        tail = make_tail(queue);
    if (tail == NULL)
        return false;
    return driver.cuEventRecord(tail, queue->stream) == CUDA_SUCCESS;
}

bool queue_trail_anywhere(struct queue *queue) {
    CUcontext popped;
    if (queue->hot->nameless)
        return atomic_load(&queue->tail) != NULL;
    if (atomic_load(&hot.captures_open) > 0 && capture_includes(queue))
        return false;
    if (driver.cuCtxPushCurrent_v2 == NULL ||
        driver.cuCtxPushCurrent_v2(queue->context) != CUDA_SUCCESS) {
        return false;
    }
    bool trailed = queue_trail(queue);
    driver.cuCtxPopCurrent_v2(&popped);
    return trailed;
}

bool queue_retrail(struct queue *queue) {
    /* Read before the event is recorded: what comes in between may lie behind it. Another thread
     * may do the same, and then less is known than the event proves, never more. */
    uint64_t returned = atomic_load(&queue->hot->returned);
    if (!queue_trail_anywhere(queue))
        return false;
    atomic_store(&queue->trailed, returned);
    return true;
}
