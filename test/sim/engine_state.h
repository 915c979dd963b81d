/* What the parts of the engine share. */
#ifndef SIM_ENGINE_STATE_H
#define SIM_ENGINE_STATE_H

#include "device_file.h"

/* Columns of sim_device.ready: the engines, then operations that need none. */
#define READY_MARKER 3

/* The head of a stream is done: logs it and moves on. */
void stream_complete(struct sim_file *file, struct sim_stream *stream, uint64_t finish);

/* Recomputes what a process waits for, completing up to time t what needs no engine. */
void client_refresh(struct sim_file *file, int device, int process, uint64_t t);
void process_refresh(struct sim_file *file, int process, uint64_t t);

/* When the next thing happens on a device, and making it happen. */
uint64_t device_next(struct sim_file *file, int device);
void device_step(struct sim_file *file, int device, uint64_t t);

#endif
