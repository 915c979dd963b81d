/* Events of ours behind the work of streams that the drain thread cannot ask. */
#include "capture.h"
#include "queue.h"
#include "resolve.h"

bool queue_trail(struct queue *queue) {
    CUevent tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    if (tail == NULL) {
        int mode = capture_relax();
        bool made = driver.cuEventCreate(&tail, CU_EVENT_DISABLE_TIMING) == CUDA_SUCCESS;
        CUevent other = NULL;
        /* Of two threads that both make one, both use the first: what one of them records proves
         * nothing by the event of the other. */
        if (made && !atomic_compare_exchange_strong(&queue->tail, &other, tail)) {
            driver.cuEventDestroy_v2(tail);
            tail = other;
        }
        capture_restore(mode);
        if (!made)
            return false;
    }
    return driver.cuEventRecord(tail, queue->stream) == CUDA_SUCCESS;
}

bool queue_trail_anywhere(struct queue *queue) {
    CUcontext popped;
    if (atomic_load(&captures_open) > 0 && capture_includes(queue))
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
    uint64_t returned = atomic_load(&queue->returned);
    if (!queue_trail_anywhere(queue))
        return false;
    atomic_store(&queue->trailed, returned);
    return true;
}
