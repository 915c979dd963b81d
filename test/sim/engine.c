#include "engine.h"

#include <math.h>
#include <string.h>

#include "engine_state.h"
#include "model.h"

static void log_append(struct sim_file *file, const struct sim_stream *stream,
                       const struct sim_op *op) {
    uint64_t number = file->log_count + 1;
    struct sim_log_entry *entry = &file->log[number % SIM_LOG];
    /* Readers take no lock: an entry whose sequence changes while it is read is discarded. */
    __atomic_store_n(&entry->sequence, 0, __ATOMIC_RELEASE);
    entry->pid = file->processes[stream->client].pid;
    entry->kind = op->kind;
    entry->device = stream->device;
    entry->stream = stream->id;
    entry->submit = op->submit;
    entry->start = op->start;
    entry->finish = op->finish;
    __atomic_store_n(&entry->sequence, number, __ATOMIC_RELEASE);
    __atomic_store_n(&file->log_count, number, __ATOMIC_RELEASE);
}

void stream_complete(struct sim_file *file, struct sim_stream *stream, uint64_t finish) {
    struct sim_op *op = device_op(file, stream, stream->head);
    op->finish = finish;
    if (op->start == SIM_NEVER)
        op->start = stream->head_time < finish ? stream->head_time : finish;
    if (op->kind != SIM_OP_WAIT)
        log_append(file, stream, op);
    stream->head_started = 0;
    stream->last_finish = finish;
    stream->head++;
}

/* When the dependency of an operation was satisfied; SIM_NEVER while it is not. */
static uint64_t dependency_time(struct sim_file *file, const struct sim_op *op) {
    if (op->dep_stream == 0)
        return 0;
    const struct sim_stream *other = &file->streams[op->dep_stream - 1];
    if (!other->in_use || other->generation != op->dep_generation)
        return 0;
    if (other->head < op->dep_count)
        return SIM_NEVER;
    if (op->dep_count == 0 || other->tail - op->dep_count >= SIM_RING)
        return 0;
    return device_op(file, other, op->dep_count - 1)->finish;
}

/* How long an operation that occupies no engine takes. */
static uint64_t marker_cost(const struct sim_op *op) {
    switch (op->kind) {
    case SIM_OP_EVENT:
        return SIM_EVENT_NS;
    case SIM_OP_WRITE_VALUE:
        return SIM_WRITE_VALUE_NS;
    default:
        return 0;
    }
}

/* Completes what needs no engine at the head of a stream, up to time t, and notes when the head may
 * start. True when something completed. */
static bool stream_settle(struct sim_file *file, struct sim_stream *stream, uint64_t t) {
    bool changed = false;
    while (stream->head < stream->tail && !stream->head_started) {
        struct sim_op *op = device_op(file, stream, stream->head);
        uint64_t satisfied = dependency_time(file, op);
        stream->head_time = SIM_NEVER;
        if (satisfied == SIM_NEVER)
            return changed;
        uint64_t earliest = op->ready > stream->last_finish ? op->ready : stream->last_finish;
        if (satisfied > earliest)
            earliest = satisfied;
        stream->head_time = earliest;
        if (earliest > t || op->engine < SIM_ENGINE_NONE)
            return changed;
        if (op->engine == SIM_ENGINE_EXTERNAL) {
            stream->head_started = 1;
            op->start = earliest;
            return changed;
        }
        stream_complete(file, stream, earliest + marker_cost(op));
        changed = true;
    }
    return changed;
}

void client_refresh(struct sim_file *file, int device, int process, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    struct sim_client *client = &dev->clients[process];
    uint64_t earliest[4];
    bool any, changed;
    do {
        changed = false;
        any = false;
        for (int i = 0; i < 4; i++)
            earliest[i] = SIM_NEVER;
        uint32_t busy = 0;
        for (uint32_t i = 0; i < client->stream_count; i++) {
            struct sim_stream *stream = &file->streams[client->streams[i]];
            if (stream->head == stream->tail)
                continue;
            busy++;
            if (!stream->head_started) {
                changed |= stream_settle(file, stream, t);
                if (stream->head == stream->tail)
                    continue;
            }
            any = true;
            if (stream->head_started || stream->head_time == SIM_NEVER)
                continue;
            uint8_t engine = device_op(file, stream, stream->head)->engine;
            int slot = engine < SIM_ENGINE_NONE ? engine : READY_MARKER;
            if (stream->head_time < earliest[slot])
                earliest[slot] = stream->head_time;
        }
        /* What completed may be what another stream waits for. */
        if (busy <= 1 && file->device_count == 1)
            changed = false;
    } while (changed);
    if (client->suspended)
        earliest[SIM_ENGINE_COMPUTE] = 0;
    for (int i = 0; i < 4; i++)
        dev->ready[process][i] = earliest[i];
    uint64_t bit = 1ull << (process % 64);
    if (any)
        dev->active[process / 64] |= bit;
    else
        dev->active[process / 64] &= ~bit;
}

void process_refresh(struct sim_file *file, int process, uint64_t t) {
    if (file->device_count == 1) {
        client_refresh(file, 0, process, t);
        return;
    }
    /* Streams wait for streams of other devices; twice, so that a wait in either direction is seen.
     */
    for (int round = 0; round < 2; round++)
        for (uint32_t d = 0; d < file->device_count; d++)
            if (file->devices[d].clients[process].in_use)
                client_refresh(file, (int)d, process, t);
}

void engine_advance(struct sim_file *file, uint64_t now) {
    for (;;) {
        uint64_t best = SIM_NEVER;
        int which = -1;
        for (uint32_t d = 0; d < file->device_count; d++) {
            uint64_t next = device_next(file, (int)d);
            if (next < best) {
                best = next;
                which = (int)d;
            }
        }
        if (best > now)
            break;
        device_step(file, which, best > file->now ? best : file->now);
        if (best > file->now)
            file->now = best;
    }
    if (now > file->now)
        file->now = now;
}

uint64_t engine_push(struct sim_file *file, uint32_t index, const struct sim_op *op,
                     uint64_t latency_ns) {
    struct sim_stream *stream = &file->streams[index];
    uint64_t number = stream->tail;
    struct sim_op *slot = device_op(file, stream, number);
    *slot = *op;
    slot->submit = file->now;
    slot->ready = file->now + latency_ns;
    slot->start = SIM_NEVER;
    slot->finish = SIM_NEVER;
    slot->work = stream->work;
    stream->work +=
        op->duration + (op->engine == SIM_ENGINE_COMPUTE ? SIM_KERNEL_GAP_NS : marker_cost(op));
    file->op_counter++;
    __atomic_store_n(&stream->tail, number + 1, __ATOMIC_RELEASE);
    if (stream->head == number)
        process_refresh(file, stream->client, file->now);
    return number;
}

void engine_release(struct sim_file *file, uint32_t index) {
    struct sim_stream *stream = &file->streams[index];
    if (stream->head == stream->tail || !stream->head_started ||
        device_op(file, stream, stream->head)->engine != SIM_ENGINE_EXTERNAL)
        return;
    stream_complete(file, stream, file->now);
    process_refresh(file, stream->client, file->now);
}

uint64_t engine_finish_bound(struct sim_file *file, uint32_t index, uint64_t number) {
    const struct sim_stream *stream = &file->streams[index];
    if (number < stream->head)
        return device_op(file, stream, number)->finish;
    const struct sim_op *head = device_op(file, stream, stream->head);
    const struct sim_op *target = device_op(file, stream, number);
    uint64_t begin = file->now;
    if (!stream->head_started && stream->head_time != SIM_NEVER && stream->head_time > begin)
        begin = stream->head_time;
    const struct sim_device *dev = &file->devices[stream->device];
    bool running = stream->head_started && head->engine == SIM_ENGINE_COMPUTE &&
                   dev->phase == SIM_PHASE_RUN && dev->run_stream == index;
    uint64_t head_end = begin + head->duration;
    if (running)
        head_end = dev->phase_end > SIM_KERNEL_GAP_NS ? dev->phase_end - SIM_KERNEL_GAP_NS : 0;
    else if (stream->head_started && head->engine < SIM_COPY_ENGINES)
        head_end = dev->copy[head->engine].finish;
    if (number == stream->head)
        return head_end + marker_cost(head);
    uint64_t after_head = device_op(file, stream, stream->head + 1)->work;
    uint64_t gap = head->engine == SIM_ENGINE_COMPUTE ? SIM_KERNEL_GAP_NS : 0;
    uint64_t last_gap = target->engine == SIM_ENGINE_NONE ? gap : 0;
    uint64_t bound = head_end + gap + (target->work - after_head) + target->duration;
    return bound > last_gap ? bound - last_gap : bound;
}

static uint64_t mix64(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* Nearly normal: the sum of four uniform 16-bit numbers, which also bounds the tails. */
static double normal_of(uint64_t seed) {
    uint64_t bits = mix64(seed);
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (double)((bits >> (16 * i)) & 0xffff) / 65536.0;
    return (sum - 2.0) * 1.7320508075688772;
}

uint64_t engine_jitter(struct sim_file *file, int device, uint64_t duration) {
    if (!file->jitter)
        return duration;
    uint64_t epoch = file->now / SIM_SPEED_EPOCH_NS;
    double speed = normal_of((epoch << 8) ^ (uint64_t)device ^ 0x5eedull << 40);
    double kernel = normal_of(file->op_counter ^ 0x6b65726eull << 32);
    return (uint64_t)((double)duration * exp(SIM_SPEED_SIGMA * speed + SIM_KERNEL_SIGMA * kernel));
}
