/* Operations on their way into the device: dependencies, the hardware queue's limit, waiting. */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "capture.h"
#include "engine.h"
#include "model.h"
#include "runtime.h"

/* A sleeping thread wakes this much before what it waits for, in real ns, and yields the rest. */
#define WAKE_EARLY_NS 60000

uint64_t copy_duration(int kind, uint64_t bytes) {
    uint64_t rate = kind == SIM_OP_COPY_D2D || kind == SIM_OP_MEMSET ? SIM_DEVICE_COPY_BYTES_PER_US
                                                                     : SIM_COPY_BYTES_PER_US;
    return SIM_COPY_START_NS + (uint64_t)((double)bytes * 1000.0 / (double)rate);
}

/* Whether all that was submitted to a stream has finished on the device. */
static bool stream_is_idle(const struct stream *stream) {
    const struct sim_stream *shared = &runtime.file->streams[stream->index];
    return shared->head == shared->tail;
}

static void depend_on(struct sim_op *op, const struct stream *other, uint64_t count) {
    op->dep_stream = (uint16_t)(other->index + 1);
    op->dep_generation = other->generation;
    op->dep_count = count;
}

/* The payload of the operation that is about to be pushed. */
static struct payload *payload_next(struct stream *stream, const struct payload *payload) {
    struct payload *slot = &stream->ring[stream->tail % SIM_RING];
    *slot = *payload;
    slot->launches = stream->launches;
    return slot;
}

static uint64_t push(struct stream *stream, const struct sim_op *op, uint64_t latency,
                     const struct payload *payload) {
    payload_next(stream, payload);
    uint64_t number = engine_push(runtime.file, stream->index, op, latency);
    stream->tail = number + 1;
    return number;
}

static void push_wait(struct stream *stream, const struct stream *other, uint64_t count) {
    struct sim_op op = {.kind = SIM_OP_WAIT, .engine = SIM_ENGINE_NONE};
    struct payload payload = {.kind = SIM_OP_WAIT};
    depend_on(&op, other, count);
    push(stream, &op, 0, &payload);
}

/* The legacy stream waits for all blocking streams of its context, and they for it. What the one
 * operation's own dependency cannot express goes before it. */
static void push_implicit_waits(struct stream *stream, struct sim_op *op) {
    struct stream *legacy = stream->context->legacy;
    if (stream == legacy) {
        for (struct stream *s = stream->context->streams; s; s = s->next)
            if (stream_is_blocking(s) && !stream_is_idle(s))
                push_wait(stream, s, s->tail);
    } else if (stream_is_blocking(stream) && legacy && !stream_is_idle(legacy)) {
        if (op->dep_stream)
            push_wait(stream, legacy, legacy->tail);
        else
            depend_on(op, legacy, legacy->tail);
    }
}

static uint32_t streams_of(const struct context *context) {
    uint32_t count = 0;
    for (struct stream *s = context->streams; s; s = s->next)
        count++;
    return count;
}

/* Launches that the device has not finished. */
static uint64_t launches_outstanding(const struct stream *stream) {
    const struct sim_stream *shared = &runtime.file->streams[stream->index];
    if (shared->head == shared->tail)
        return 0;
    return stream->launches - stream->ring[shared->head % SIM_RING].launches;
}

static bool has_room(const struct stream *stream, const struct submission *submission) {
    uint64_t need = 2;
    if (stream->role == STREAM_LEGACY)
        need += streams_of(stream->context);
    if (stream->tail - stream->applied + need > SIM_RING)
        return false;
    return !submission->launch || launches_outstanding(stream) < SIM_QUEUE_LAUNCHES;
}

/* Waits, with both locks held on entry and on return, until a full queue has moved on. */
static void wait_for_room(struct stream *stream) {
    uint64_t head = runtime.file->streams[stream->index].head;
    uint64_t bound = engine_finish_bound(runtime.file, stream->index, head);
    device_file_unlock(runtime.file);
    pthread_mutex_unlock(&runtime.lock);
    uint64_t until = device_file_real(runtime.file, bound), now = clock_real_ns();
    struct timespec pause = {0, 20000};
    if (until > now + 100000)
        pause.tv_nsec = until - now > 2000000 ? 2000000 : (long)(until - now);
    nanosleep(&pause, NULL);
    queue_apply();
    pthread_mutex_lock(&runtime.lock);
    device_file_lock(runtime.file);
    engine_advance(runtime.file, runtime_now());
}

static void event_note_record(struct stream *stream, struct payload *payload, uint64_t number) {
    struct event *event = payload->event;
    event->stream = stream;
    event->stream_id = stream->id;
    event->index = stream->index;
    event->generation = stream->generation;
    event->number = number;
    event->not_before = 0;
    event->capture_id = 0;
    event->record++;
    stream->ring[number % SIM_RING].record = event->record;
}

CUresult queue_submit(struct stream *stream, const struct submission *submission,
                      uint64_t *number) {
    pthread_mutex_lock(&runtime.lock);
    if (!submission->in_graph && runtime.captures_active) {
        bool captured;
        CUresult result = capture_intercept(stream, submission, &captured);
        if (result != CUDA_SUCCESS || captured) {
            pthread_mutex_unlock(&runtime.lock);
            return result;
        }
    }
    /* A long backlog of effects is applied by whoever adds to it. */
    if (stream->tail - stream->applied > SIM_RING / 2) {
        pthread_mutex_unlock(&runtime.lock);
        queue_apply();
        pthread_mutex_lock(&runtime.lock);
    }
    device_file_lock(runtime.file);
    engine_advance(runtime.file, runtime_now());
    while (!has_room(stream, submission) && !runtime.ended)
        wait_for_room(stream);
    if (stream->destroyed || runtime.ended) {
        device_file_unlock(runtime.file);
        pthread_mutex_unlock(&runtime.lock);
        return runtime.ended ? CUDA_ERROR_DEINITIALIZED : CUDA_ERROR_INVALID_HANDLE;
    }
    struct sim_op op = {.kind = submission->payload.kind, .engine = submission->engine};
    const struct event *event = submission->wait_for;
    bool needed = true;
    if (event) {
        const struct sim_stream *other = &runtime.file->streams[event->index];
        needed =
            other->in_use && other->generation == event->generation && other->head <= event->number;
        op.dep_stream = (uint16_t)(event->index + 1);
        op.dep_generation = event->generation;
        op.dep_count = event->number + 1;
    }
    if (needed) {
        push_implicit_waits(stream, &op);
        op.duration = submission->duration;
        if (submission->launch || submission->engine == SIM_ENGINE_COMPUTE)
            op.duration = engine_jitter(runtime.file, stream->context->device, op.duration);
        uint64_t pushed = push(stream, &op, submission->latency, &submission->payload);
        if (submission->launch)
            stream->launches++;
        if (submission->payload.kind == SIM_OP_EVENT)
            event_note_record(stream, &stream->ring[pushed % SIM_RING], pushed);
        if (number)
            *number = pushed;
    }
    device_file_unlock(runtime.file);
    if (needed && submission->payload.interesting && stream->interesting_pending++ == 0)
        pthread_cond_signal(&runtime.applier_wake);
    pthread_mutex_unlock(&runtime.lock);
    return CUDA_SUCCESS;
}

CUresult queue_submit_wait(struct stream *stream, const struct event *event) {
    struct submission submission = {
        .engine = SIM_ENGINE_NONE, .wait_for = event, .payload = {.kind = SIM_OP_WAIT}};
    return queue_submit(stream, &submission, NULL);
}

bool queue_is_done(struct stream *stream, uint64_t tail) {
    if (stream->applied >= tail)
        return true;
    queue_apply();
    return stream->applied >= tail;
}

CUresult queue_wait(struct stream *stream, uint64_t number) {
    struct context *context = stream->context;
    uint64_t id = stream->id;
    while (!queue_is_done(stream, number + 1)) {
        pthread_mutex_lock(&runtime.lock);
        if (stream->id != id || runtime.ended) {
            pthread_mutex_unlock(&runtime.lock);
            break;
        }
        device_file_lock(runtime.file);
        uint64_t bound = engine_finish_bound(runtime.file, stream->index, number);
        device_file_unlock(runtime.file);
        uint64_t until = device_file_real(runtime.file, bound + SIM_VISIBLE_LATENCY_NS);
        uint64_t now = clock_real_ns();
        /* A thing that can't be foreseen (a host function, another process's turn) is looked for
         * again before long; the stand-in's own thread tells when it applied something. */
        if (until > now + WAKE_EARLY_NS && stream->applied <= number) {
            uint64_t wake = until - WAKE_EARLY_NS;
            if (wake > now + 20000000)
                wake = now + 20000000;
            struct timespec deadline = {(time_t)(wake / 1000000000ull),
                                        (long)(wake % 1000000000ull)};
            pthread_cond_timedwait(&runtime.applied, &runtime.lock, &deadline);
            pthread_mutex_unlock(&runtime.lock);
        } else if (stream->host_running) {
            struct timespec deadline;
            clock_gettime(CLOCK_MONOTONIC, &deadline);
            deadline.tv_nsec += 500000;
            deadline.tv_sec += deadline.tv_nsec / 1000000000;
            deadline.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&runtime.applied, &runtime.lock, &deadline);
            pthread_mutex_unlock(&runtime.lock);
        } else {
            pthread_mutex_unlock(&runtime.lock);
            sched_yield();
        }
    }
    return context->error;
}

/* Waits until no stream of a context (of a green one; that takes part in implicit synchronisation)
 * has work. */
static CUresult wait_for_streams(struct context *context, const struct green *green,
                                 bool blocking_only) {
    /* As they are now: what other threads submit meanwhile is not waited for. */
    struct {
        struct stream *stream;
        uint64_t id, tail;
    } busy[SIM_STREAMS_PER_CLIENT];
    int count = 0;
    pthread_mutex_lock(&runtime.lock);
    for (struct stream *s = context->streams; s && count < SIM_STREAMS_PER_CLIENT; s = s->next)
        if (s->applied < s->tail && (!green || s->green == green) &&
            (!blocking_only || stream_is_blocking(s))) {
            busy[count].stream = s;
            busy[count].id = s->id;
            busy[count++].tail = s->tail;
        }
    pthread_mutex_unlock(&runtime.lock);
    for (int i = 0; i < count && !runtime.ended; i++)
        if (busy[i].stream->id == busy[i].id)
            queue_wait(busy[i].stream, busy[i].tail - 1);
    return context->error;
}

CUresult queue_wait_context(struct context *context) {
    return wait_for_streams(context, NULL, false);
}

CUresult queue_wait_green(const struct green *green) {
    return wait_for_streams(green->primary, green, false);
}

CUresult queue_wait_blocking(struct context *context) {
    return wait_for_streams(context, NULL, true);
}

bool queue_blocking_are_done(struct context *context) {
    queue_apply();
    bool done = true;
    pthread_mutex_lock(&runtime.lock);
    for (struct stream *s = context->streams; s; s = s->next)
        if (s->applied < s->tail && stream_is_blocking(s))
            done = false;
    pthread_mutex_unlock(&runtime.lock);
    return done;
}
