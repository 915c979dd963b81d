/*
 * Synchronisation, which brings free evidence that work has drained, and the ends of streams,
 * events and contexts.
 */
#include "hooks.h"

#include "capture.h"
#include "events.h"
#include "hardware.h"
#include "life.h"

#include <errno.h>

/* A synchronisation in progress: the worker need not ask meanwhile. */
struct sync_watch {
    struct queue *queue;
    uint64_t proven;
    int cancel;
};

/* A thread waits for what the queue, which is held until sync_end, has submitted by then. */
static struct sync_watch watch_held(struct queue *queue, uint64_t proven) {
    struct sync_watch watch = {queue, proven, 0};
    /* A thread that ended in there would be waited with for ever. */
    watch.cancel = thread_hold_cancel();
    atomic_fetch_add(&queue->syncing, 1);
    /* From here on the program waits for the GPU. */
    if (atomic_load(&queue->yields))
        queue_end_yield(queue);
    return watch;
}

static struct sync_watch sync_begin(struct queue *queue) {
    struct sync_watch none = {NULL, 0, 0};
    /* Held: while this thread waits for a whole context, others may destroy streams of it. */
    if (queue == NULL || !queue_hold(queue, atomic_load(&queue->id)))
        return none;
    return watch_held(queue, atomic_load(&queue->hot->returned));
}

static void sync_end(struct sync_watch watch, CUresult result) {
    if (watch.queue == NULL)
        return;
    int saved = errno;
    atomic_fetch_sub_explicit(&watch.queue->syncing, 1, memory_order_relaxed);
    if (result == CUDA_SUCCESS)
        queue_try_idle(watch.queue, watch.proven, GAPS_SYNCED);
    queue_release(watch.queue);
    thread_allow_cancel(watch.cancel);
    errno = saved;
}

static struct queue *peek(CUstream stream, enum null_stream null_stream) {
    return process_is_inert() ? NULL : queue_peek(stream, null_stream);
}

#define SYNCHRONIZE(function, null_stream)                                                         \
    EXPORT CUresult function(CUstream stream);                                                     \
    CUresult function(CUstream stream) {                                                           \
        REAL(function, (CUstream));                                                                \
        struct sync_watch watch = sync_begin(peek(stream, null_stream));                           \
        CUresult result = real(stream);                                                            \
        sync_end(watch, result);                                                                   \
        return result;                                                                             \
    }
SYNCHRONIZE(cuStreamSynchronize, LEGACY)
SYNCHRONIZE(cuStreamSynchronize_ptsz, PER_THREAD)
SYNCHRONIZE(cuStreamQuery, LEGACY)
SYNCHRONIZE(cuStreamQuery_ptsz, PER_THREAD)

enum { CONTEXT_QUEUES = 64 };

/* The queues of a context with what each has submitted; more than fit are left to the worker. */
struct context_watch {
    CUcontext context;
    uint32_t count;
    struct sync_watch queues[CONTEXT_QUEUES];
};

static void watch_of_context(struct queue *queue, void *data) {
    struct context_watch *watch = data;
    /* The primary context is waited for with all its green ones, a green one by itself. */
    if (queue->context != watch->context && queue->green != watch->context)
        return;
    if (watch->count == CONTEXT_QUEUES)
        return;
    if (atomic_load(&queue->hot->ready))
        watch->queues[watch->count++] = sync_begin(queue);
}

static void context_sync_begin(struct context_watch *watch, CUcontext context) {
    watch->count = 0;
    watch->context = context;
    if (context != NULL)
        queue_each(watch_of_context, watch);
}

static void context_sync_end(const struct context_watch *watch, CUresult result) {
    /* Backwards, so that the thread may be cancelled again only after the last. */
    for (uint32_t i = watch->count; i > 0; i--)
        sync_end(watch->queues[i - 1], result);
}

EXPORT CUresult cuCtxSynchronize(void);
CUresult cuCtxSynchronize(void) {
    REAL(cuCtxSynchronize, (void));
    CUcontext context = NULL;
    if (process_is_inert() || driver.cuCtxGetCurrent == NULL ||
        driver.cuCtxGetCurrent(&context) != CUDA_SUCCESS) {
        return real();
    }
    struct context_watch watch;
    context_sync_begin(&watch, context);
    CUresult result = real();
    context_sync_end(&watch, result);
    return result;
}

EXPORT CUresult cuCtxSynchronize_v2(CUcontext context);
CUresult cuCtxSynchronize_v2(CUcontext context) {
    REAL(cuCtxSynchronize_v2, (CUcontext));
    if (process_is_inert())
        return real(context);
    struct context_watch watch;
    context_sync_begin(&watch, context);
    CUresult result = real(context);
    context_sync_end(&watch, result);
    return result;
}

/*
 * What the event will prove when it is recorded now. Read before the record, not after: what
 * another thread launches in between may lie behind the event in the stream.
 */
static uint64_t prepare_record(CUevent event, const struct queue *queue) {
    if (!process_is_inert())
        events_move(event, queue);
    return queue != NULL ? atomic_load(&queue->hot->returned) : 0;
}

static void note_record(CUevent event, struct queue *queue, uint64_t proven, CUresult result) {
    if (queue != NULL && result == CUDA_SUCCESS)
        events_note(event, queue, proven);
}

#define RECORD(function, null_stream, parameters, arguments)                                       \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        struct queue *queue = peek(stream, null_stream);                                           \
        uint64_t proven = prepare_record(event, queue);                                            \
        CUresult result = real arguments;                                                          \
        note_record(event, queue, proven, result);                                                 \
        return result;                                                                             \
    }
RECORD(cuEventRecord, LEGACY, (CUevent event, CUstream stream), (event, stream))
RECORD(cuEventRecord_ptsz, PER_THREAD, (CUevent event, CUstream stream), (event, stream))
RECORD(cuEventRecordWithFlags, LEGACY, (CUevent event, CUstream stream, unsigned flags),
       (event, stream, flags))
RECORD(cuEventRecordWithFlags_ptsz, PER_THREAD, (CUevent event, CUstream stream, unsigned flags),
       (event, stream, flags))

/* An event of a whole context is behind no single queue's work, and not where it was any more. */
#define RECORD_CONTEXT(function, type)                                                             \
    EXPORT CUresult function(type context, CUevent event);                                         \
    CUresult function(type context, CUevent event) {                                               \
        REAL(function, (type, CUevent));                                                           \
        prepare_record(event, NULL);                                                               \
        return real(context, event);                                                               \
    }
RECORD_CONTEXT(cuCtxRecordEvent, CUcontext)
RECORD_CONTEXT(cuGreenCtxRecordEvent, CUgreenCtx)

EXPORT CUresult cuEventSynchronize(CUevent event);
CUresult cuEventSynchronize(CUevent event) {
    REAL(cuEventSynchronize, (CUevent));
    struct sync_watch watch = {NULL, 0, 0};
    uint64_t proven;
    struct queue *queue = process_is_inert() ? NULL : events_hold(event, &proven);
    if (queue != NULL)
        watch = watch_held(queue, proven);
    CUresult result = real(event);
    sync_end(watch, result);
    return result;
}

EXPORT CUresult cuEventQuery(CUevent event);
CUresult cuEventQuery(CUevent event) {
    REAL(cuEventQuery, (CUevent));
    CUresult result = real(event);
    if (result == CUDA_SUCCESS && !process_is_inert()) {
        int saved = errno;
        events_passed(event);
        errno = saved;
    }
    return result;
}

#define EVENT_DESTROY(function)                                                                    \
    EXPORT CUresult function(CUevent event);                                                       \
    CUresult function(CUevent event) {                                                             \
        REAL(function, (CUevent));                                                                 \
        if (!process_is_inert())                                                                   \
            events_forget(event);                                                                  \
        return real(event);                                                                        \
    }
EVENT_DESTROY(cuEventDestroy)
EVENT_DESTROY(cuEventDestroy_v2)

/* Whoever shares events with another process may wait for one that a thread here must bring about.
 */
EXPORT CUresult cuIpcGetEventHandle(CUipcEventHandle *handle, CUevent event);
CUresult cuIpcGetEventHandle(CUipcEventHandle *handle, CUevent event) {
    REAL(cuIpcGetEventHandle, (CUipcEventHandle *, CUevent));
    gate_note_dependence();
    return real(handle, event);
}

EXPORT CUresult cuIpcOpenEventHandle(CUevent *event, CUipcEventHandle handle);
CUresult cuIpcOpenEventHandle(CUevent *event, CUipcEventHandle handle) {
    REAL(cuIpcOpenEventHandle, (CUevent *, CUipcEventHandle));
    gate_note_dependence();
    return real(event, handle);
}

#define STREAM_DESTROY(function)                                                                   \
    EXPORT CUresult function(CUstream stream);                                                     \
    CUresult function(CUstream stream) {                                                           \
        REAL(function, (CUstream));                                                                \
        if (process_is_inert())                                                                    \
            return real(stream);                                                                   \
        struct life_change change = life_begin(life_of_stream(stream));                            \
        queue_drop_stream(stream);                                                                 \
        uint64_t latest = capture_latest();                                                        \
        /* Before the call, after which the handle may be another stream's. */                     \
        struct hardware_stream hardware;                                                           \
        bool known = hardware_forget(stream, &hardware);                                           \
        CUresult result = real(stream);                                                            \
        if (result == CUDA_SUCCESS)                                                                \
            capture_stream_destroyed(stream, latest);                                              \
        else if (known)                                                                            \
            hardware_restore(stream, &hardware);                                                   \
        life_end(change);                                                                          \
        return result;                                                                             \
    }
STREAM_DESTROY(cuStreamDestroy)
STREAM_DESTROY(cuStreamDestroy_v2)

#define CONTEXT_DESTROY(function)                                                                  \
    EXPORT CUresult function(CUcontext context);                                                   \
    CUresult function(CUcontext context) {                                                         \
        REAL(function, (CUcontext));                                                               \
        if (process_is_inert())                                                                    \
            return real(context);                                                                  \
        struct life_change change = life_begin(life_of_context(context));                          \
        uint64_t latest = capture_latest();                                                        \
        CUresult result = real(context);                                                           \
        if (result == CUDA_SUCCESS) {                                                              \
            queue_drop_context(context);                                                           \
            capture_context_destroyed(context, latest);                                            \
            hardware_forget_context(context);                                                      \
        }                                                                                          \
        life_end(change);                                                                          \
        return result;                                                                             \
    }
CONTEXT_DESTROY(cuCtxDestroy)
CONTEXT_DESTROY(cuCtxDestroy_v2)

/* Devices by their numbers, a bit for each. */
static uint64_t bit_of(CUdevice device) {
    return device >= 0 && device < DEVICE_MAX ? UINT64_C(1) << device : 0;
}

/* Devices whose primary context is gone, and the latest capture before that. */
struct loss {
    uint64_t devices;
    uint64_t latest;
};

static void drop_if_lost(struct queue *queue, void *data) {
    const struct loss *loss = data;
    if ((loss->devices & bit_of(queue->device->handle)) == 0)
        return;
    CUcontext context = queue->context;
    queue_drop_context(context);
    capture_context_destroyed(context, loss->latest);
}

/* Whether the device's primary context no longer exists. */
static bool primary_is_gone(CUdevice device) {
    unsigned flags = 0;
    int active = 0;
    return driver.cuDevicePrimaryCtxGetState == NULL ||
           driver.cuDevicePrimaryCtxGetState(device, &flags, &active) != CUDA_SUCCESS || !active;
}

/*
 * A program that also made contexts of its own on the device loses their queues' records here;
 * they are registered again with their next launch.
 */
#define PRIMARY_END(function)                                                                      \
    EXPORT CUresult function(CUdevice device);                                                     \
    CUresult function(CUdevice device) {                                                           \
        REAL(function, (CUdevice));                                                                \
        if (process_is_inert())                                                                    \
            return real(device);                                                                   \
        struct life_change change = life_begin(life_of_device(device));                            \
        struct loss loss = {bit_of(device), capture_latest()};                                     \
        CUresult result = real(device);                                                            \
        if (result == CUDA_SUCCESS && primary_is_gone(device)) {                                   \
            queue_each(drop_if_lost, &loss);                                                       \
        }                                                                                          \
        life_end(change);                                                                          \
        return result;                                                                             \
    }
PRIMARY_END(cuDevicePrimaryCtxRelease)
PRIMARY_END(cuDevicePrimaryCtxRelease_v2)
PRIMARY_END(cuDevicePrimaryCtxReset)
PRIMARY_END(cuDevicePrimaryCtxReset_v2)

static void note_device(struct queue *queue, void *devices) {
    *(uint64_t *)devices |= bit_of(queue->device->handle);
}

/* Those of the devices that have a primary context: one question each, however many queues. */
static uint64_t with_primary(uint64_t devices) {
    uint64_t found = 0;
    for (CUdevice device = 0; device < DEVICE_MAX; device++) {
        if ((devices & bit_of(device)) != 0 && !primary_is_gone(device))
            found |= bit_of(device);
    }
    return found;
}

/* Its streams outlive it, but nothing can be done with them any more. */
EXPORT CUresult cuGreenCtxDestroy(CUgreenCtx green);
CUresult cuGreenCtxDestroy(CUgreenCtx green) {
    REAL(cuGreenCtxDestroy, (CUgreenCtx));
    CUcontext context = NULL;
    if (process_is_inert() || driver.cuCtxFromGreenCtx == NULL ||
        driver.cuCtxFromGreenCtx(&context, green) != CUDA_SUCCESS) {
        return real(green);
    }
    /* It may be the last that keeps the primary context, of whichever device. */
    struct life_change change = life_begin(life_of_device(LIFE_EVERY_DEVICE));
    uint64_t devices = 0;
    queue_each(note_device, &devices);
    uint64_t had_primary = with_primary(devices);
    queue_drop_green(context);
    struct loss loss = {0, capture_latest()};
    CUresult result = real(green);
    if (result == CUDA_SUCCESS) {
        capture_context_destroyed(context, loss.latest);
        loss.devices = had_primary & ~with_primary(had_primary);
        queue_each(drop_if_lost, &loss);
    }
    life_end(change);
    return result;
}
