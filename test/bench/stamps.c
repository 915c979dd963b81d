#include "stamps.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* CUresult and the driver's handles, as a call passes them on. */
typedef unsigned int result;
typedef void *handle;
typedef unsigned long long pointer;

/* More than the calls of any step that is timed. */
#define MOST_STAMPS 65536

static struct stamp stamps[MOST_STAMPS];
static _Atomic size_t stamp_count;
static enum way way_of_all;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

/* The same way of three for all programs that make the same calls: Marsaglia's xorshift, 2003. */
static enum way choose(void) {
    static _Thread_local uint32_t state = 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (enum way)(((uint64_t)state * MIXED) >> 32);
}

static struct stamp *begin(void) {
    static struct stamp beyond;
    size_t index = atomic_fetch_add_explicit(&stamp_count, 1, memory_order_relaxed);
    struct stamp *stamp = index < MOST_STAMPS ? &stamps[index] : &beyond;
    stamp->way = way_of_all == MIXED ? choose() : way_of_all;
    stamp->began = now();
    return stamp;
}

#define ALL(CALL)                                                                                  \
    CALL(cuLaunchKernel,                                                                           \
         (handle kernel, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx,       \
          unsigned int by, unsigned int bz, unsigned int shared, handle stream, void **parameters, \
          void **extra),                                                                           \
         (kernel, gx, gy, gz, bx, by, bz, shared, stream, parameters, extra))                      \
    CALL(cuLaunchKernelEx, (const void *launch, handle kernel, void **parameters, void **extra),   \
         (launch, kernel, parameters, extra))                                                      \
    CALL(cuGraphLaunch, (handle graph, handle stream), (graph, stream))                            \
    CALL(cuMemsetD8Async, (pointer to, unsigned char value, size_t count, handle stream),          \
         (to, value, count, stream))                                                               \
    CALL(cuMemsetD32Async, (pointer to, unsigned int value, size_t count, handle stream),          \
         (to, value, count, stream))                                                               \
    CALL(cuMemcpyAsync, (pointer to, pointer from, size_t bytes, handle stream),                   \
         (to, from, bytes, stream))                                                                \
    CALL(cuMemcpyHtoDAsync_v2, (pointer to, const void *from, size_t bytes, handle stream),        \
         (to, from, bytes, stream))                                                                \
    CALL(cuMemcpyDtoHAsync_v2, (void *to, pointer from, size_t bytes, handle stream),              \
         (to, from, bytes, stream))                                                                \
    CALL(cuMemcpyDtoDAsync_v2, (pointer to, pointer from, size_t bytes, handle stream),            \
         (to, from, bytes, stream))                                                                \
    CALL(cuStreamSynchronize, (handle stream), (stream))

#define INDEX(name, parameters, arguments) INDEX_##name,
enum { ALL(INDEX) STAMPED };

#define DECLARE(name, parameters, arguments) static result stamped_##name parameters;
ALL(DECLARE)

#define ENTRY(name, parameters, arguments) {#name, (void *)stamped_##name, NULL, NULL},
static struct stamped all[STAMPED] = {ALL(ENTRY)};

#define DEFINE(name, parameters, arguments)                                                        \
    static result stamped_##name parameters {                                                      \
        struct stamp *stamp = begin();                                                             \
        const struct stamped *leads = &all[INDEX_##name];                                             \
        result(*call) parameters =                                                                 \
            (result(*) parameters)(stamp->way == SHIM ? leads->shim : leads->own);                       \
        result done = call arguments;                                                              \
        stamp->ended = now();                                                                      \
        return done;                                                                               \
    }
ALL(DEFINE)

struct stamped *stamped_find(const char *name) {
    for (size_t i = 0; i < STAMPED; i++) {
        if (strcmp(all[i].name, name) == 0)
            return &all[i];
    }
    return NULL;
}

void stamped_lead(enum way way) {
    way_of_all = way;
}

size_t stamps_take(struct stamp *to, size_t most) {
    size_t count = atomic_exchange(&stamp_count, 0);
    if (most > MOST_STAMPS)
        most = MOST_STAMPS;
    memcpy(to, stamps, (count < most ? count : most) * sizeof(*to));
    return count;
}
