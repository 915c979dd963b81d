#include "fences.h"

#include "capture.h"
#include "resolve.h"

static CUevent take_event(struct fences *fences) {
    CUevent event = NULL;
    if (fences->spare > 0)
        return fences->pool[--fences->spare];
    /* Not a blocking event: that one raises an interrupt, and it is only ever asked. */
    if (driver.cuEventCreate(&event, CU_EVENT_DISABLE_TIMING) != CUDA_SUCCESS)
        return NULL;
    return event;
}

bool fences_add(struct fences *fences, CUstream stream, struct fence fence) {
    int mode = capture_relax();
    fence.event = take_event(fences);
    bool recorded =
        fence.event != NULL && driver.cuEventRecord(fence.event, stream) == CUDA_SUCCESS;
    capture_restore(mode);
    if (recorded)
        fences->ring[(fences->head + fences->length++) % FENCES_MAX] = fence;
    else if (fence.event != NULL)
        fences->pool[fences->spare++] = fence.event;
    return recorded;
}

static void drop_oldest(struct fences *fences) {
    fences->pool[fences->spare++] = fences->ring[fences->head].event;
    fences->head = (fences->head + 1) % FENCES_MAX;
    fences->length--;
}

uint32_t fences_take_passed(struct fences *fences, struct fence *passed, uint32_t most) {
    uint32_t count = 0;
    if (fences->length == 0)
        return 0;
    int mode = capture_relax();
    while (fences->length > 0 && count < most) {
        const struct fence *oldest = fences_oldest(fences);
        /* Any answer but "not ready" ends the wait: an error belongs to the program's own calls. */
        if (driver.cuEventQuery(oldest->event) == CUDA_ERROR_NOT_READY)
            break;
        passed[count++] = *oldest;
        drop_oldest(fences);
    }
    capture_restore(mode);
    return count;
}

uint64_t fences_forget(struct fences *fences) {
    uint64_t cost = 0;
    while (fences->length > 0) {
        cost += fences_oldest(fences)->cost;
        drop_oldest(fences);
    }
    return cost;
}

void fences_clear(struct fences *fences, bool destroy) {
    fences_forget(fences);
    while (destroy && fences->spare > 0)
        driver.cuEventDestroy_v2(fences->pool[--fences->spare]);
    fences->spare = 0;
}
