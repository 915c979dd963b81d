/*
 * What the programs of the conformance suite share: starting, launching, and telling what came of
 * it.
 *
 * All that a program prints has to be the same in every run on one driver: codes, digests of
 * memory, counts, an order that must hold. No times, no addresses, nothing that depends on who was
 * faster.
 */
#ifndef CONFORMANCE_PROGRAM_H
#define CONFORMANCE_PROGRAM_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cuda_api.h"

/* The kernels of test/sim/kernels.ptx; the first parameter of all but `fail` is their time in ns.
 */
struct kernels {
    CUmodule module;
    CUfunction spin, mix, add, store;
};

struct program {
    CUdevice device;
    CUcontext context; /* the device's primary one */
    struct kernels kernels;
};
extern struct program program;

/* Opens device 0 and loads the kernels; its primary context is current in the calling thread. Ends
 * the program where that fails. `name` begins each line. */
void program_start(const char *name);
/* The same in another thread: the context is current there too. */
void program_join(void);
/* Loads the kernels into the current context and runs each once, so that nothing is loaded later.
 */
struct kernels program_load(void);
/* What is printed from here on is about this. */
void program_section(const char *name);

/* Prints a line. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints why something was left out. */
#define SKIP(...) say("skipped: " __VA_ARGS__)
/* Prints a call and the code that it returned. */
#define SHOW(call) say("%s: %d", #call, (int)(call))
/* Ends the program with exit code 1 where a call does not succeed. */
#define NEED(call) program_need((int)(call), #call, __FILE__, __LINE__)
/* The same where something is not so. */
#define MUST(condition) program_need((condition) ? 0 : -1, #condition, __FILE__, __LINE__)
void program_need(int code, const char *text, const char *file, int line);

/* Sets a variable to a function that not every driver has. False, and NULL, where this one has not.
 */
#define FIND(pointer, symbol) program_look_up(&(pointer), symbol)
bool program_look_up(void *pointer, const char *symbol);
void *program_find(const char *symbol);

/* FNV-1a. */
uint32_t digest(const void *bytes, size_t size);
/* Prints the digest of device memory. The context's work has to be done: it waits for all of it. */
void say_memory(const char *what, CUdeviceptr address, size_t size);

/* Device memory that is filled with a word and ready. */
CUdeviceptr words_make(size_t count, uint32_t value);
static inline CUdeviceptr word_at(CUdeviceptr words, uint64_t index) {
    return words + index * sizeof(uint32_t);
}
/* Fills them anew. Streams that do not wait for the legacy one may use them afterwards. */
void words_set(CUdeviceptr words, size_t count, uint32_t value);
/* Pinned memory of the host, which the device sees at the same address; zeroed. */
void *pinned_make(size_t size);

/* One launch of one thread: `mix` makes *word * 31 + value of a word, which tells the order. */
CUresult launch(CUfunction kernel, CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value);
CUresult mix(CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value);
/* The same by the calls for the thread's own default stream. */
CUresult mix_own(CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value);

CUstream stream_make(unsigned flags, int priority);
CUevent event_make(void);

/* Holds a stream up until it is released: what is put behind that has certainly not run. One gate
 * is open or closed for all streams that it holds. */
struct hold {
    _Atomic uint32_t *word;
};
struct hold hold_make(void);
void hold_stream(struct hold hold, CUstream stream);
void hold_release(struct hold hold);

/* Whether the device does one thing at a time, as compute-sanitizer makes it: a launch that comes
 * while a stream is held may return only when that is released. The environment says so. */
bool program_is_serial(void);

/* A thread that is sure to start. */
#define THREAD(thread, body, data) MUST(pthread_create(&(thread), NULL, body, data) == 0)

#endif
