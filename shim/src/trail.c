/* Events of ours behind the work of streams that the drain thread cannot ask. */
#include "capture.h"
#include "queue.h"
#include "resolve.h"

bool queue_trail(struct queue *queue) {
    CUevent tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    if (tail == NULL) {
        int mode = capture_relax();
        bool made = driver.cuEventCreate(&tail, CU_EVENT_DISABLE_TIMING) == CUDA_SUCCESS;
        capture_restore(mode);
        if (!made)
            return false;
        atomic_store(&queue->tail, tail);
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

void queue_retrail(struct queue *queue) {
    uint64_t returned = atomic_load(&queue->returned);
    bool trailed = queue_trail_anywhere(queue);
    atomic_store(&queue->trailed, returned);
    atomic_store(&queue->behind, trailed);
}
