/* The simulation: what the devices do between two moments, by discrete events and without a thread
 * of its own. Every function needs the device file's lock. */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "device_file.h"

/* Brings all devices to `now`. */
void engine_advance(struct sim_file *file, uint64_t now);

/* A new stream of a process, or -1 where there is no room. */
int engine_stream_open(struct sim_file *file, int process, int device, int priority);
/* Frees a stream; what it still holds is dropped. */
void engine_stream_close(struct sim_file *file, uint32_t stream);

/* Appends an operation. The caller has advanced to `now` and left room in the ring; it fills in
 * kind, engine, dependency and duration; the rest is done here. Returns its number. */
uint64_t engine_push(struct sim_file *file, uint32_t stream, const struct sim_op *op,
                     uint64_t latency_ns);

/* Completes the external operation at the head of a stream, at `now`. */
void engine_release(struct sim_file *file, uint32_t stream);

/* The earliest moment at which operation `number` of a stream can have finished (exact when nothing
 * else competes), for waiting. */
uint64_t engine_finish_bound(struct sim_file *file, uint32_t stream, uint64_t number);

/* A kernel's duration with jitter. */
uint64_t engine_jitter(struct sim_file *file, int device, uint64_t duration);

/* Removes a client and all that it has on a device. */
void engine_client_remove(struct sim_file *file, int device, int process);

/* Makes the state sound after the holder of the lock died in the middle of a change. */
void engine_repair(struct sim_file *file);

#endif
