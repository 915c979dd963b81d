#include "device.h"

#include "../../protocol/board.h"
#include "board.h"
#include "clock.h"
#include "gate.h"
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct device devices[DEVICE_MAX];
static _Atomic uint32_t known; /* Devices whose entry is complete. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, or MIG-… where the context is on a slice. */
static void write_uuid(struct device *device) {
    CUuuid gpu, slice;
    bool has_gpu = driver.cuDeviceGetUuid != NULL &&
                   driver.cuDeviceGetUuid(&gpu, device->handle) == CUDA_SUCCESS;
    bool has_slice = driver.cuDeviceGetUuid_v2 != NULL &&
                     driver.cuDeviceGetUuid_v2(&slice, device->handle) == CUDA_SUCCESS;
    if (!has_gpu && !has_slice) {
        snprintf(device->uuid, sizeof(device->uuid), "device-%d", device->handle);
        return;
    }
    bool mig = has_gpu && has_slice && memcmp(&gpu, &slice, sizeof(gpu)) != 0;
    const unsigned char *b = has_slice ? slice.bytes : gpu.bytes;
    snprintf(device->uuid, sizeof(device->uuid),
             "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             mig ? "MIG" : "GPU", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
             b[11], b[12], b[13], b[14], b[15]);
}

/* Drivers before CUDA 12.3 do not say. */
static bool is_shared_by_mps(CUdevice device) {
    enum { MPS_ENABLED = 133 };
    int value = 0;
    if (driver.cuDeviceGetAttribute == NULL ||
        driver.cuDeviceGetAttribute(&value, MPS_ENABLED, device) != CUDA_SUCCESS)
        return getenv("CUDA_MPS_PIPE_DIRECTORY") != NULL;
    return value != 0;
}

struct device *device_current(void) {
    CUdevice handle;
    if (driver.cuCtxGetDevice == NULL || driver.cuCtxGetDevice(&handle) != CUDA_SUCCESS) {
        return NULL;
    }
    uint32_t count = atomic_load_explicit(&known, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (devices[i].handle == handle)
            return &devices[i];
    }
    struct device *device = NULL;
    pthread_mutex_lock(&lock);
    count = atomic_load_explicit(&known, memory_order_relaxed);
    for (uint32_t i = 0; i < count && device == NULL; i++) {
        if (devices[i].handle == handle)
            device = &devices[i];
    }
    if (device == NULL && count < DEVICE_MAX) {
        device = &devices[count];
        device->handle = handle;
        write_uuid(device);
        device->mps = is_shared_by_mps(handle);
        pthread_mutex_init(&device->lock, NULL);
        lane_init(&device->lane);
        device->ready.top = &hot.ready_tops[count];
        device->registered.top = &device->registered_top;
        atomic_store(device->ready.top, RANK_NONE);
        atomic_store(device->registered.top, RANK_NONE);
        atomic_store_explicit(&known, count + 1, memory_order_release);
        /* What it does on one may wait for what it does on another, as collectives do. */
        if (count > 0)
            gate_note_dependence();
    }
    pthread_mutex_unlock(&lock);
    return device;
}

void device_wake(struct device *device) {
    atomic_fetch_add(&device->wake_seq, 1);
    if (atomic_load(&device->waiters) > 0)
        futex_wake_all(&device->wake_seq);
    board_wake(device);
}

bool device_is_awaited(const struct device *device) {
    const struct xsp_ready_device *shared = atomic_load(&device->sleeps_on);
    return atomic_load(shared != NULL ? &shared->waiters : &device->waiters) > 0;
}

struct doze device_listen(struct device *device) {
    struct xsp_ready_device *shared = atomic_load(&device->sleeps_on);
    uint32_t seen = atomic_load(shared != NULL ? &shared->wake_seq : &device->wake_seq);
    return (struct doze){device, shared, seen};
}

void device_doze(const struct doze *doze, uint64_t ns) {
    struct xsp_ready_device *shared = doze->shared;
    if (shared != NULL) {
        atomic_fetch_add(&shared->waiters, 1);
        futex_wait_shared(&shared->wake_seq, doze->seen, ns);
        atomic_fetch_sub(&shared->waiters, 1);
    } else {
        atomic_fetch_add(&doze->device->waiters, 1);
        futex_wait(&doze->device->wake_seq, doze->seen, ns);
        atomic_fetch_sub(&doze->device->waiters, 1);
    }
}

struct device *device_of_context(CUcontext context) {
    CUcontext current = NULL, popped;
    if (driver.cuCtxGetCurrent == NULL || driver.cuCtxGetCurrent(&current) != CUDA_SUCCESS)
        return NULL;
    if (current == context)
        return device_current();
    if (driver.cuCtxPushCurrent_v2 == NULL || driver.cuCtxPopCurrent_v2 == NULL ||
        driver.cuCtxPushCurrent_v2(context) != CUDA_SUCCESS) {
        return NULL;
    }
    struct device *device = device_current();
    driver.cuCtxPopCurrent_v2(&popped);
    return device;
}

void device_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    /* What was never used needs no page of the child's. */
    memset(devices, 0, atomic_load(&known) * sizeof(devices[0]));
    atomic_store(&known, 0);
}
