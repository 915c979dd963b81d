/* Streams and clients coming and going, and repair after a holder of the lock died. */
#include <string.h>

#include "engine.h"
#include "engine_state.h"

int engine_stream_open(struct sim_file *file, int process, int device, int priority) {
    struct sim_client *client = &file->devices[device].clients[process];
    if (client->stream_count >= SIM_STREAMS_PER_CLIENT)
        return -1;
    for (int i = 0; i < SIM_MAX_STREAMS; i++) {
        struct sim_stream *stream = &file->streams[i];
        if (stream->in_use)
            continue;
        stream->generation++;
        stream->device = (uint16_t)device;
        stream->client = (uint16_t)process;
        stream->priority = priority;
        stream->id = ++file->stream_counter;
        stream->head = stream->tail = stream->work = 0;
        stream->head_time = SIM_NEVER;
        stream->last_finish = 0;
        stream->head_started = 0;
        client->in_use = 1;
        client->streams[client->stream_count] = (uint16_t)i;
        stream->in_use = 1;
        client->stream_count++;
        return i;
    }
    return -1;
}

/* Takes a stream off the engines without completing anything. */
static void stream_drop(struct sim_file *file, uint32_t index) {
    struct sim_stream *stream = &file->streams[index];
    struct sim_device *dev = &file->devices[stream->device];
    for (int e = 0; e < SIM_COPY_ENGINES; e++)
        if (dev->copy[e].busy && dev->copy[e].stream == index)
            dev->copy[e].busy = 0;
    if (dev->phase == SIM_PHASE_RUN && dev->run_stream == index)
        dev->phase = SIM_PHASE_IDLE;
    if (dev->clients[stream->client].suspended == index + 1)
        dev->clients[stream->client].suspended = 0;
    stream->head_started = 0;
    stream->head = stream->tail;
    stream->in_use = 0;
}

void engine_stream_close(struct sim_file *file, uint32_t index) {
    struct sim_stream *stream = &file->streams[index];
    struct sim_client *client = &file->devices[stream->device].clients[stream->client];
    stream_drop(file, index);
    for (uint32_t i = 0; i < client->stream_count; i++)
        if (client->streams[i] == index) {
            client->streams[i] = client->streams[client->stream_count - 1];
            client->stream_count--;
            break;
        }
    process_refresh(file, stream->client, file->now);
}

void engine_client_remove(struct sim_file *file, int device, int process) {
    struct sim_device *dev = &file->devices[device];
    struct sim_client *client = &dev->clients[process];
    for (int i = 0; i < SIM_MAX_STREAMS; i++)
        if (file->streams[i].in_use && file->streams[i].client == process &&
            file->streams[i].device == device)
            stream_drop(file, (uint32_t)i);
    client->stream_count = 0;
    client->suspended = 0;
    client->memory_used = 0;
    client->in_use = 0;
    dev->active[process / 64] &= ~(1ull << (process % 64));
    for (int i = 0; i < 4; i++)
        dev->ready[process][i] = SIM_NEVER;
    if (dev->owner == process) {
        dev->owner = -1;
        dev->phase = SIM_PHASE_IDLE;
    }
}

static bool stream_is_sound(const struct sim_file *file, const struct sim_stream *stream) {
    if (stream->device >= file->device_count || stream->client >= SIM_MAX_PROCESSES ||
        stream->head > stream->tail || stream->tail - stream->head > SIM_RING)
        return false;
    return file->processes[stream->client].in_use != 0;
}

/* The client's list of streams, anew from the streams themselves. */
static void clients_rebuild(struct sim_file *file, struct sim_device *dev) {
    for (int p = 0; p < SIM_MAX_PROCESSES; p++) {
        dev->clients[p].stream_count = 0;
        if (!file->processes[p].in_use)
            memset(&dev->clients[p], 0, sizeof dev->clients[p]);
        for (int i = 0; i < 4; i++)
            dev->ready[p][i] = SIM_NEVER;
    }
    memset(dev->active, 0, sizeof dev->active);
}

void engine_repair(struct sim_file *file) {
    for (uint32_t d = 0; d < file->device_count; d++)
        clients_rebuild(file, &file->devices[d]);
    for (int i = 0; i < SIM_MAX_STREAMS; i++) {
        struct sim_stream *stream = &file->streams[i];
        if (!stream->in_use)
            continue;
        if (!stream_is_sound(file, stream)) {
            stream->in_use = 0;
            stream->head = stream->tail;
            continue;
        }
        struct sim_client *client = &file->devices[stream->device].clients[stream->client];
        client->in_use = 1;
        if (client->stream_count < SIM_STREAMS_PER_CLIENT)
            client->streams[client->stream_count++] = (uint16_t)i;
        /* Whatever was on an engine starts again for what is left of it. A function of the host
         * that began is begun still: its process will report its end. */
        if (stream->head < stream->tail &&
            device_op(file, stream, stream->head)->engine != SIM_ENGINE_EXTERNAL)
            stream->head_started = 0;
    }
    for (uint32_t d = 0; d < file->device_count; d++) {
        struct sim_device *dev = &file->devices[d];
        dev->phase = SIM_PHASE_IDLE;
        if (dev->owner < -1 || dev->owner >= SIM_MAX_PROCESSES)
            dev->owner = -1;
        if (dev->slice_end == SIM_NEVER)
            dev->slice_end = file->now;
        for (int e = 0; e < SIM_COPY_ENGINES; e++)
            dev->copy[e].busy = 0;
        for (int p = 0; p < SIM_MAX_PROCESSES; p++)
            dev->clients[p].suspended = 0;
    }
    for (uint32_t d = 0; d < file->device_count; d++)
        for (int p = 0; p < SIM_MAX_PROCESSES; p++)
            if (file->devices[d].clients[p].in_use)
                client_refresh(file, (int)d, p, file->now);
}
