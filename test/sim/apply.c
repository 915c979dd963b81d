/* Operations on their way out: what they do to the process's memory, events and functions, in the
 * order in which they finished on the device. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"
#include "model.h"
#include "runtime.h"

/* Copies from this size on are made without the process's lock. */
#define LARGE_COPY (256u << 10)
/* Waits for a value are looked at that often, in real ns. */
#define POLL_NS 50000

static struct payload *payload_at(const struct stream *stream, uint64_t number) {
    return &stream->ring[number % SIM_RING];
}

static bool value_is_there(const struct payload *payload) {
    uint64_t mask = payload->width == 4 ? 0xffffffffull : ~0ull;
    uint64_t found = payload->width == 4
                         ? __atomic_load_n((uint32_t *)payload->target, __ATOMIC_ACQUIRE)
                         : __atomic_load_n((uint64_t *)payload->target, __ATOMIC_ACQUIRE);
    switch (payload->flags & 3) {
    case CU_STREAM_WAIT_VALUE_GEQ:
        return payload->width == 4 ? (int32_t)(found - payload->value) >= 0
                                   : (int64_t)(found - payload->value) >= 0;
    case CU_STREAM_WAIT_VALUE_EQ:
        return found == (payload->value & mask);
    case CU_STREAM_WAIT_VALUE_AND:
        return (found & payload->value) != 0;
    default:
        return (~(found | payload->value) & mask) != 0;
    }
}

/* Bytes of each row, of all where there are no rows. */
static uint64_t row_bytes(const struct payload *payload) {
    const struct shape *shape = &payload->shape;
    return shape->rows ? payload->size / shape->rows / shape->layers : payload->size;
}

static void row_fill(const struct payload *payload, uint64_t target, uint64_t size) {
    if (payload->width == 1) {
        memset((void *)target, (int)payload->value, size);
        return;
    }
    for (uint64_t i = 0; i < size; i += payload->width)
        memcpy((void *)(target + i), &payload->value, payload->width);
}

static void memset_apply(const struct payload *payload) {
    uint64_t size = row_bytes(payload);
    uint32_t rows = payload->shape.rows ? payload->shape.rows : 1;
    for (uint32_t y = 0; y < rows; y++)
        row_fill(payload, payload->target + y * payload->shape.target_pitch, size);
}

/* Row by row. */
static void rows_copy(const struct payload *payload) {
    const struct shape *shape = &payload->shape;
    uint64_t size = row_bytes(payload);
    for (uint32_t z = 0; z < shape->layers; z++)
        for (uint32_t y = 0; y < shape->rows; y++)
            memmove(
                (void *)(payload->target + z * shape->target_layer + y * shape->target_pitch),
                (const void *)(payload->source + z * shape->source_layer + y * shape->source_pitch),
                size);
}

static void kernel_apply(struct context *context, const struct payload *payload) {
    for (int i = 0; i < payload->effect_count; i++) {
        const struct effect *effect = &payload->effects[i];
        uint32_t *word = (uint32_t *)effect->address;
        if (effect->kind == EFFECT_TRAP) {
            context->error = CUDA_ERROR_LAUNCH_FAILED;
            return;
        }
        if (!memory_contains(effect->address, sizeof *word)) {
            context->error = CUDA_ERROR_ILLEGAL_ADDRESS;
            return;
        }
        uint32_t value = effect->value;
        if (effect->kind == EFFECT_MIX)
            value += __atomic_load_n(word, __ATOMIC_RELAXED) * 31u;
        else if (effect->kind == EFFECT_ADD)
            value += __atomic_load_n(word, __ATOMIC_RELAXED);
        __atomic_store_n(word, value, __ATOMIC_RELEASE);
    }
}

static void copy_apply(struct payload *payload) {
    bool large = payload->size >= LARGE_COPY;
    if (large)
        pthread_mutex_unlock(&runtime.lock);
    if (payload->shape.rows)
        rows_copy(payload);
    else
        memmove((void *)payload->target, (const void *)payload->source, payload->size);
    if (payload->staged)
        free((void *)payload->source);
    if (large)
        pthread_mutex_lock(&runtime.lock);
}

static void event_apply(const struct payload *payload) {
    struct event *event = payload->event;
    if (event->record == payload->record) {
        event->finished_record = payload->record;
        event->finish = payload->finish;
    }
}

void effects_apply(struct stream *stream, struct payload *payload) {
    struct context *context = stream->context;
    if (payload->kind == SIM_OP_EVENT) {
        event_apply(payload);
        return;
    }
    /* After an asynchronous error nothing of the context runs any more. */
    if (context->error != CUDA_SUCCESS)
        return;
    switch (payload->kind) {
    case SIM_OP_KERNEL:
        kernel_apply(context, payload);
        break;
    case SIM_OP_COPY_H2D:
    case SIM_OP_COPY_D2H:
    case SIM_OP_COPY_D2D:
        copy_apply(payload);
        break;
    case SIM_OP_MEMSET:
        memset_apply(payload);
        break;
    case SIM_OP_WRITE_VALUE:
        if (payload->width == 4)
            __atomic_store_n((uint32_t *)payload->target, (uint32_t)payload->value,
                             __ATOMIC_RELEASE);
        else
            __atomic_store_n((uint64_t *)payload->target, payload->value, __ATOMIC_RELEASE);
        break;
    case SIM_OP_FREE:
        memory_free_now(payload->target);
        break;
    default:
        break;
    }
}

/* Takes over what finished and can be seen by now; releases waits whose value is there. */
static void stream_collect(struct stream *stream, uint64_t now) {
    struct sim_stream *shared = &runtime.file->streams[stream->index];
    for (;;) {
        while (stream->collected < shared->head) {
            uint64_t finish = device_op(runtime.file, shared, stream->collected)->finish;
            if (finish + SIM_VISIBLE_LATENCY_NS > now)
                return;
            payload_at(stream, stream->collected)->finish = finish;
            stream->collected++;
        }
        /* What is waited for may be written by operations that are still to be applied: only a
         * value that is seen after them counts. */
        const struct payload *payload = payload_at(stream, stream->collected);
        if (stream->collected == stream->tail || !shared->head_started ||
            payload->kind != SIM_OP_WAIT_VALUE || stream->applied != stream->collected ||
            (stream->context->error == CUDA_SUCCESS && !value_is_there(payload)))
            return;
        engine_release(runtime.file, stream->index);
    }
}

static bool collect_all(void) {
    bool any = false;
    device_file_lock(runtime.file);
    uint64_t now = runtime_now();
    engine_advance(runtime.file, now);
    for (struct stream *s = runtime.streams; s; s = s->next_local) {
        if (s->applied == s->tail)
            continue;
        stream_collect(s, now);
        any |= s->applied < s->collected;
    }
    device_file_unlock(runtime.file);
    return any;
}

/* Forgets a destroyed stream that has drained. */
static void streams_reap(void) {
    struct stream **link = &runtime.streams;
    while (*link) {
        struct stream *stream = *link;
        if (!stream->destroyed || stream->applied < stream->tail) {
            link = &stream->next_local;
            continue;
        }
        *link = stream->next_local;
        struct stream **own = &stream->context->streams;
        while (*own && *own != stream)
            own = &(*own)->next;
        if (*own)
            *own = stream->next;
        device_file_lock(runtime.file);
        engine_stream_close(runtime.file, stream->index);
        device_file_unlock(runtime.file);
        if (stream->handle)
            handle_drop(stream->handle);
        stream->id = 0;
        stream->next_local = runtime.free_streams;
        runtime.free_streams = stream;
    }
}

void queue_apply(void) {
    pthread_mutex_lock(&runtime.apply_lock);
    pthread_mutex_lock(&runtime.lock);
    bool changed = false;
    while (!runtime.ended && collect_all()) {
        changed = true;
        for (;;) {
            struct stream *first = NULL;
            for (struct stream *s = runtime.streams; s; s = s->next_local)
                if (s->applied < s->collected &&
                    (!first ||
                     payload_at(s, s->applied)->finish < payload_at(first, first->applied)->finish))
                    first = s;
            if (!first)
                break;
            struct payload *payload = payload_at(first, first->applied);
            effects_apply(first, payload);
            if (payload->interesting)
                first->interesting_pending--;
            first->applied++;
        }
    }
    if (changed)
        pthread_cond_broadcast(&runtime.applied);
    streams_reap();
    pthread_mutex_unlock(&runtime.lock);
    pthread_mutex_unlock(&runtime.apply_lock);
}

/* --- the stand-in's own thread --- */

static void host_function_run(struct stream *stream, struct payload payload) {
    CUresult status = stream->context->error;
    void *handle = stream->handle;
    runtime_callback_set(true);
    if (payload.callback)
        payload.callback(handle, status, payload.data);
    else if (status == CUDA_SUCCESS)
        payload.function(payload.data);
    runtime_callback_set(false);
}

/* Runs one host function whose turn has come; false where there is none. Needs runtime.lock. */
static bool host_function_next(uint64_t now) {
    for (struct stream *s = runtime.streams; s; s = s->next_local) {
        if (s->applied == s->tail || payload_at(s, s->applied)->kind != SIM_OP_HOST)
            continue;
        const struct sim_stream *shared = &runtime.file->streams[s->index];
        device_file_lock(runtime.file);
        bool due =
            shared->head == s->applied && shared->head_started &&
            device_op(runtime.file, shared, shared->head)->start + SIM_HOST_FUNC_LATENCY_NS <= now;
        device_file_unlock(runtime.file);
        if (!due)
            continue;
        s->host_running = true;
        struct payload payload = *payload_at(s, s->applied);
        pthread_mutex_unlock(&runtime.lock);
        host_function_run(s, payload);
        pthread_mutex_lock(&runtime.lock);
        s->host_running = false;
        device_file_lock(runtime.file);
        if (!runtime.ended) {
            engine_advance(runtime.file, runtime_now());
            engine_release(runtime.file, s->index);
        }
        device_file_unlock(runtime.file);
        return true;
    }
    return false;
}

/* When the next thing happens that somebody may watch without asking the driver, in real ns. */
static uint64_t next_wake(void) {
    uint64_t wake = SIM_NEVER;
    device_file_lock(runtime.file);
    engine_advance(runtime.file, runtime_now());
    for (struct stream *s = runtime.streams; s; s = s->next_local) {
        if (s->applied == s->tail || s->interesting_pending == 0)
            continue;
        if (s->interesting_next < s->applied)
            s->interesting_next = s->applied;
        while (s->interesting_next < s->tail && !payload_at(s, s->interesting_next)->interesting)
            s->interesting_next++;
        if (s->interesting_next == s->tail)
            continue;
        const struct sim_stream *shared = &runtime.file->streams[s->index];
        uint64_t bound = engine_finish_bound(runtime.file, s->index, s->interesting_next) +
                         SIM_VISIBLE_LATENCY_NS;
        uint8_t kind = payload_at(s, s->interesting_next)->kind;
        if (kind == SIM_OP_HOST && s->applied == s->interesting_next && shared->head_started)
            bound = device_op(runtime.file, shared, shared->head)->start + SIM_HOST_FUNC_LATENCY_NS;
        uint64_t real = device_file_real(runtime.file, bound);
        if (kind == SIM_OP_WAIT_VALUE && shared->head_started)
            real = clock_real_ns() + POLL_NS;
        if (real < wake)
            wake = real;
    }
    device_file_unlock(runtime.file);
    return wake;
}

void *applier_main(void *argument) {
    (void)argument;
    for (;;) {
        queue_apply();
        pthread_mutex_lock(&runtime.lock);
        if (!runtime.ended && !host_function_next(runtime_now())) {
            uint64_t wake = next_wake(), now = clock_real_ns();
            if (wake == SIM_NEVER) {
                pthread_cond_wait(&runtime.applier_wake, &runtime.lock);
            } else {
                /* Others' kernels may hold ours up: then the bound is early, and asked for anew. */
                if (wake < now + 20000)
                    wake = now + 20000;
                struct timespec deadline = {(time_t)(wake / 1000000000ull),
                                            (long)(wake % 1000000000ull)};
                pthread_cond_timedwait(&runtime.applier_wake, &runtime.lock, &deadline);
            }
        }
        while (runtime.ended)
            pthread_cond_wait(&runtime.applier_wake, &runtime.lock);
        pthread_mutex_unlock(&runtime.lock);
    }
    return NULL;
}
