/* One device: who computes, for how long, and what the copy engines do. */
#include <string.h>

#include "engine.h"
#include "engine_state.h"
#include "model.h"

/* The earliest moment at which a client other than `except` wants an engine (a column of ready). */
static uint64_t earliest_of(const struct sim_device *dev, int column, int except) {
    uint64_t best = SIM_NEVER;
    for (int word = 0; word < SIM_MAX_PROCESSES / 64; word++)
        for (uint64_t bits = dev->active[word]; bits; bits &= bits - 1) {
            int client = word * 64 + __builtin_ctzll(bits);
            if (client != except && dev->ready[client][column] < best)
                best = dev->ready[client][column];
        }
    return best;
}

/* The next client after `after`, in turn, that wants the engine at time t; -1 for none. */
static int next_in_turn(const struct sim_device *dev, int column, int after, uint64_t t) {
    for (int step = 1; step <= SIM_MAX_PROCESSES; step++) {
        int client = (after + step + SIM_MAX_PROCESSES) % SIM_MAX_PROCESSES;
        if (!(dev->active[client / 64] >> (client % 64) & 1)) {
            if (dev->active[client / 64] == 0)
                step += 63 - client % 64;
            continue;
        }
        if (dev->ready[client][column] <= t)
            return client;
    }
    return -1;
}

/* The end of the owner's slice: a slice that ended while nobody else had work started again. */
static uint64_t slice_end_for(const struct sim_device *dev, uint64_t others) {
    uint64_t end = dev->slice_end;
    if (others > end)
        end += (others - end + SIM_SLICE_NS - 1) / SIM_SLICE_NS * SIM_SLICE_NS;
    return end;
}

uint64_t device_next(struct sim_file *file, int device) {
    struct sim_device *dev = &file->devices[device];
    uint64_t next = SIM_NEVER;
    if (dev->phase == SIM_PHASE_IDLE) {
        next = earliest_of(dev, SIM_ENGINE_COMPUTE, -1);
    } else {
        next = dev->phase_end;
        if (dev->phase == SIM_PHASE_RUN && !file->mps) {
            uint64_t others = earliest_of(dev, SIM_ENGINE_COMPUTE, dev->owner);
            if (others < next) {
                uint64_t end = slice_end_for(dev, others);
                if (end < next)
                    next = end;
            }
        }
    }
    for (int e = 0; e < SIM_COPY_ENGINES; e++) {
        uint64_t t = dev->copy[e].busy ? dev->copy[e].finish : earliest_of(dev, e, -1);
        if (t < next)
            next = t;
    }
    uint64_t marker = earliest_of(dev, READY_MARKER, -1);
    return marker < next ? marker : next;
}

/* The stream of a client whose head should have the engine: CUDA priority, then first come. */
static int pick_stream(struct sim_file *file, int device, int process, int engine, uint64_t t) {
    struct sim_client *client = &file->devices[device].clients[process];
    if (engine == SIM_ENGINE_COMPUTE && client->suspended)
        return client->suspended - 1;
    int best = -1;
    for (uint32_t i = 0; i < client->stream_count; i++) {
        struct sim_stream *stream = &file->streams[client->streams[i]];
        if (stream->head == stream->tail || stream->head_started || stream->head_time > t ||
            device_op(file, stream, stream->head)->engine != engine)
            continue;
        if (best >= 0) {
            const struct sim_stream *other = &file->streams[best];
            bool by_priority = engine == SIM_ENGINE_COMPUTE && stream->priority != other->priority;
            if (by_priority ? stream->priority > other->priority
                            : stream->head_time >= other->head_time)
                continue;
        }
        best = client->streams[i];
    }
    return best;
}

/* Under MPS the kernels of all processes are one queue. */
static int pick_stream_mps(struct sim_file *file, int device, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    int best = -1;
    for (int word = 0; word < SIM_MAX_PROCESSES / 64; word++)
        for (uint64_t bits = dev->active[word]; bits; bits &= bits - 1) {
            int client = word * 64 + __builtin_ctzll(bits);
            if (dev->ready[client][SIM_ENGINE_COMPUTE] > t)
                continue;
            int index = pick_stream(file, device, client, SIM_ENGINE_COMPUTE, t);
            if (index < 0) {
                client_refresh(file, device, client, t);
                continue;
            }
            const struct sim_stream *stream = &file->streams[index];
            if (best < 0 || stream->priority < file->streams[best].priority ||
                (stream->priority == file->streams[best].priority &&
                 stream->head_time < file->streams[best].head_time))
                best = index;
        }
    return best;
}

static void kernel_start(struct sim_file *file, int device, int index, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    struct sim_stream *stream = &file->streams[index];
    struct sim_op *op = device_op(file, stream, stream->head);
    dev->clients[stream->client].suspended = 0;
    dev->run_stream = (uint32_t)index;
    dev->owner = stream->client;
    dev->phase_end = t + op->duration + SIM_KERNEL_GAP_NS;
    if (op->start == SIM_NEVER)
        op->start = t;
    stream->head_started = 1;
    dev->phase = SIM_PHASE_RUN;
    client_refresh(file, device, stream->client, t);
}

/* The compute engine is free at time t: who is next? */
static void compute_pick(struct sim_file *file, int device, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    dev->phase = SIM_PHASE_IDLE;
    if (file->mps) {
        int index = pick_stream_mps(file, device, t);
        if (index >= 0)
            kernel_start(file, device, index, t);
        return;
    }
    bool own = dev->owner >= 0 && dev->ready[dev->owner][SIM_ENGINE_COMPUTE] <= t &&
               (dev->active[dev->owner / 64] >> (dev->owner % 64) & 1);
    uint64_t others = earliest_of(dev, SIM_ENGINE_COMPUTE, dev->owner);
    if (own && !(others <= t && slice_end_for(dev, others) <= t)) {
        int index = pick_stream(file, device, dev->owner, SIM_ENGINE_COMPUTE, t);
        if (index >= 0) {
            kernel_start(file, device, index, t);
            return;
        }
        client_refresh(file, device, dev->owner, t);
    }
    int next = next_in_turn(dev, SIM_ENGINE_COMPUTE, dev->owner, t);
    if (next < 0)
        return;
    dev->phase = SIM_PHASE_SWITCH;
    dev->phase_end = t + (next == dev->owner || dev->owner < 0 ? 0 : SIM_SWITCH_NS);
    dev->owner = next;
}

/* The slice is over: the kernel that runs is suspended and goes on in its process's next slice. */
static void kernel_suspend(struct sim_file *file, int device, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    struct sim_stream *stream = &file->streams[dev->run_stream];
    struct sim_op *op = device_op(file, stream, stream->head);
    uint64_t left = dev->phase_end - t;
    op->duration = left > SIM_KERNEL_GAP_NS ? left - SIM_KERNEL_GAP_NS : 0;
    dev->clients[stream->client].suspended = (uint16_t)(dev->run_stream + 1);
    client_refresh(file, device, stream->client, t);
    dev->slice_end = t;
    compute_pick(file, device, t);
}

static void kernel_finish(struct sim_file *file, int device, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    struct sim_stream *stream = &file->streams[dev->run_stream];
    dev->phase = SIM_PHASE_IDLE;
    stream_complete(file, stream, t - SIM_KERNEL_GAP_NS);
    process_refresh(file, stream->client, t);
    compute_pick(file, device, t);
}

static void copy_step(struct sim_file *file, int device, int engine, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    int last = -1;
    if (dev->copy[engine].busy) {
        struct sim_stream *stream = &file->streams[dev->copy[engine].stream];
        dev->copy[engine].busy = 0;
        last = stream->client;
        stream_complete(file, stream, t);
        process_refresh(file, stream->client, t);
    }
    int client = next_in_turn(dev, engine, last, t);
    if (client < 0)
        return;
    int index = pick_stream(file, device, client, engine, t);
    if (index < 0) {
        client_refresh(file, device, client, t);
        return;
    }
    struct sim_stream *stream = &file->streams[index];
    struct sim_op *op = device_op(file, stream, stream->head);
    op->start = t;
    dev->copy[engine].stream = (uint32_t)index;
    dev->copy[engine].finish = t + op->duration;
    stream->head_started = 1;
    dev->copy[engine].busy = 1;
    client_refresh(file, device, client, t);
}

void device_step(struct sim_file *file, int device, uint64_t t) {
    struct sim_device *dev = &file->devices[device];
    for (int word = 0; word < SIM_MAX_PROCESSES / 64; word++)
        for (uint64_t bits = dev->active[word]; bits; bits &= bits - 1) {
            int client = word * 64 + __builtin_ctzll(bits);
            if (dev->ready[client][READY_MARKER] <= t)
                process_refresh(file, client, t);
        }
    for (int e = 0; e < SIM_COPY_ENGINES; e++)
        if (dev->copy[e].busy ? dev->copy[e].finish <= t : earliest_of(dev, e, -1) <= t)
            copy_step(file, device, e, t);
    switch (dev->phase) {
    case SIM_PHASE_RUN:
        if (dev->phase_end <= t) {
            kernel_finish(file, device, t);
        } else if (!file->mps) {
            uint64_t others = earliest_of(dev, SIM_ENGINE_COMPUTE, dev->owner);
            if (others <= t && slice_end_for(dev, others) <= t)
                kernel_suspend(file, device, t);
        }
        break;
    case SIM_PHASE_SWITCH:
        if (dev->phase_end <= t) {
            dev->slice_end = t + SIM_SLICE_NS;
            compute_pick(file, device, t);
        }
        break;
    default:
        if (earliest_of(dev, SIM_ENGINE_COMPUTE, -1) <= t) {
            /* An idle device: the owner's slice starts with its work. */
            if (t > dev->slice_end)
                dev->slice_end = t + SIM_SLICE_NS;
            compute_pick(file, device, t);
        }
    }
}
