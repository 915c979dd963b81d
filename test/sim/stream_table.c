/* Streams of the process: making them, and what a stream handle means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine.h"
#include "model.h"
#include "runtime.h"

/* A thread has one default stream in each context that it used. */
#define THREAD_CONTEXTS 8
static _Thread_local struct {
    uint64_t context_id;
    struct stream *stream;
} thread_streams[THREAD_CONTEXTS];
static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

bool stream_is_blocking(const struct stream *stream) {
    return stream->role != STREAM_LEGACY && !(stream->flags & CU_STREAM_NON_BLOCKING);
}

/* A cleared stream. Its memory is never given back: an event may name the stream it was recorded in
 * long after that was destroyed, and finds another id there. */
static struct stream *stream_allocate(void) {
    struct stream *stream = runtime.free_streams;
    void *ring;
    if (stream) {
        runtime.free_streams = stream->next_local;
        ring = stream->ring;
    } else {
        stream = malloc(sizeof *stream);
        /* Pages of the ring are only touched as operations arrive. */
        ring = mmap(NULL, SIM_RING * sizeof(struct payload), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!stream || ring == MAP_FAILED) {
            free(stream);
            return NULL;
        }
    }
    memset(stream, 0, sizeof *stream);
    stream->ring = ring;
    return stream;
}

static int cut_priority(int priority) {
    if (priority > 0)
        return 0;
    return priority < SIM_PRIORITY_GREATEST ? SIM_PRIORITY_GREATEST : priority;
}

CUresult stream_make(struct context *context, struct green *green, enum stream_role role,
                     unsigned flags, int priority, struct stream **result) {
    priority = cut_priority(priority);
    pthread_mutex_lock(&runtime.lock);
    struct stream *stream = stream_allocate();
    if (!stream) {
        pthread_mutex_unlock(&runtime.lock);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    stream->context = context;
    stream->green = green;
    stream->role = role;
    stream->flags = flags;
    stream->priority = priority;
    device_file_lock(runtime.file);
    engine_advance(runtime.file, runtime_now());
    int index = engine_stream_open(runtime.file, runtime.process, context->device, priority);
    if (index >= 0) {
        stream->index = (uint32_t)index;
        stream->generation = runtime.file->streams[index].generation;
        stream->id = runtime.file->streams[index].id;
    }
    device_file_unlock(runtime.file);
    stream->handle = index >= 0 ? handle_make(HANDLE_STREAM, stream) : NULL;
    if (!stream->handle) {
        stream->next_local = runtime.free_streams;
        runtime.free_streams = stream;
        pthread_mutex_unlock(&runtime.lock);
        fprintf(stderr,
                "simulated GPU: no room for another stream (%d for a process, %d in all; the "
                "legacy stream counts)\n",
                SIM_STREAMS_PER_CLIENT, SIM_MAX_STREAMS);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    stream->next = context->streams;
    context->streams = stream;
    stream->next_local = runtime.streams;
    runtime.streams = stream;
    if (role == STREAM_LEGACY)
        context->legacy = stream;
    pthread_mutex_unlock(&runtime.lock);
    *result = stream;
    return CUDA_SUCCESS;
}

void stream_set_priority(struct stream *stream, int priority) {
    pthread_mutex_lock(&runtime.lock);
    stream->priority = cut_priority(priority);
    device_file_lock(runtime.file);
    engine_advance(runtime.file, runtime_now());
    runtime.file->streams[stream->index].priority = stream->priority;
    device_file_unlock(runtime.file);
    pthread_mutex_unlock(&runtime.lock);
}

/* No driver has this: it tells a test what a stream really has, whatever stands before the driver.
 */
CU_EXPORT CUresult sim_stream_priority(CUstream handle, int *priority);
CU_EXPORT CUresult sim_stream_priority(CUstream handle, int *priority) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, false, &stream);
    if (result == CUDA_SUCCESS)
        *priority = stream->priority;
    return result;
}

bool stream_give_up(struct stream *stream) {
    stream->destroyed = true;
    handle_drop(stream->handle);
    stream->handle = NULL;
    bool drained = stream->applied == stream->tail;
    if (!drained && stream->interesting_pending == 0) {
        /* The stand-in's thread is to look when the last of it is done. */
        stream->ring[(stream->tail - 1) % SIM_RING].interesting = true;
        stream->interesting_pending++;
        pthread_cond_signal(&runtime.applier_wake);
    }
    return drained;
}

static void thread_streams_end(void *unused) {
    (void)unused;
    pthread_mutex_lock(&runtime.lock);
    for (int i = 0; i < THREAD_CONTEXTS; i++)
        for (struct stream *s = runtime.streams; s; s = s->next_local)
            if (s == thread_streams[i].stream && s->context &&
                s->context->id == thread_streams[i].context_id)
                s->destroyed = true;
    pthread_cond_signal(&runtime.applier_wake);
    pthread_mutex_unlock(&runtime.lock);
}

static void thread_end_make(void) {
    pthread_key_create(&thread_end, thread_streams_end);
}

static CUresult per_thread_stream(struct context *context, struct stream **stream) {
    int slot = -1;
    for (int i = 0; i < THREAD_CONTEXTS; i++) {
        if (thread_streams[i].stream && thread_streams[i].context_id == context->id) {
            *stream = thread_streams[i].stream;
            return CUDA_SUCCESS;
        }
        if (slot < 0 && !thread_streams[i].stream)
            slot = i;
    }
    if (slot < 0)
        return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = stream_make(context, NULL, STREAM_PER_THREAD, CU_STREAM_DEFAULT, 0, stream);
    if (result != CUDA_SUCCESS)
        return result;
    thread_streams[slot].stream = *stream;
    thread_streams[slot].context_id = context->id;
    pthread_once(&thread_end_once, thread_end_make);
    pthread_setspecific(thread_end, thread_streams);
    return CUDA_SUCCESS;
}

CUresult stream_resolve(CUstream handle, bool per_thread, struct stream **stream) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    const struct green *green = green_current();
    if (handle == CU_STREAM_LEGACY || (!handle && !per_thread)) {
        *stream = green ? green->main : context->legacy;
        return CUDA_SUCCESS;
    }
    if (handle == CU_STREAM_PER_THREAD || !handle)
        return green ? CUDA_ERROR_INVALID_HANDLE : per_thread_stream(context, stream);
    *stream = handle_find(HANDLE_STREAM, handle);
    if (!*stream)
        return CUDA_ERROR_INVALID_HANDLE;
    return (*stream)->detached ? CUDA_ERROR_STREAM_DETACHED : CUDA_SUCCESS;
}
