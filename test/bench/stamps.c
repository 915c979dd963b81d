#include "stamps.h"

#include "moment.h"

#include <stdatomic.h>
#include <string.h>

/* CUresult and the driver's handles, as a call passes them on. */
typedef unsigned int result;
typedef void *handle;
typedef unsigned long long pointer;

/* More than the calls of any step that is timed. */
#define MOST_STAMPS 65536

static struct stamp stamps[MOST_STAMPS];
static _Atomic size_t stamp_count;
static enum way way_of_all;

/*
 * Half of them go through the shim and half past it, so that neither way is less used than the
 * other, and less in the processor's caches. The same for all programs that make the same calls:
 * SplitMix64 (Steele, Lea and Flood, 2014).
 */
static enum way choose(void) {
    static _Thread_local uint64_t state;
    state += 0x9e3779b97f4a7c15U;
    uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
    static const enum way one_of_four[] = {SHIM, SHIM, PAST, AGAIN};
    return one_of_four[(mixed ^ mixed >> 31) >> 62];
}

static struct stamp *begin(uint64_t function) {
    static struct stamp beyond;
    size_t index = atomic_fetch_add_explicit(&stamp_count, 1, memory_order_relaxed);
    struct stamp *stamp = index < MOST_STAMPS ? &stamps[index] : &beyond;
    stamp->function = function;
    stamp->way = way_of_all == MIXED ? choose() : way_of_all;
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
         (to, from, bytes, stream))

#define INDEX(name, parameters, arguments) INDEX_##name,
enum { ALL(INDEX) STAMPED };

#define DECLARE(name, parameters, arguments) static result stamped_##name parameters;
ALL(DECLARE)

#define ENTRY(name, parameters, arguments) {#name, (void *)stamped_##name, NULL, NULL},
static struct stamped all[STAMPED] = {ALL(ENTRY)};

/*
 * Each way has a call of its own, whose target the processor foresees as it foresees a program's:
 * one call with two targets would be foreseen for the way that is taken more often. That this
 * branch is not foreseen falls before the time is taken. The empty instructions keep the compiler
 * from making one call of both.
 */
#define DEFINE(name, parameters, arguments)                                                        \
    static result stamped_##name parameters {                                                      \
        struct stamp *stamp = begin(INDEX_##name);                                                 \
        const struct stamped *leads = &all[INDEX_##name];                                          \
        result done;                                                                               \
        if (stamp->way == SHIM) {                                                                  \
            result(*shim) parameters = (result(*) parameters)leads->shim;                          \
            stamp->began = now();                                                                  \
            done = shim arguments;                                                                 \
            stamp->ended = now();                                                                  \
            __asm__ volatile("/* through the shim */");                                            \
        } else {                                                                                   \
            result(*own) parameters = (result(*) parameters)leads->own;                            \
            stamp->began = now();                                                                  \
            done = own arguments;                                                                  \
            stamp->ended = now();                                                                  \
            __asm__ volatile("/* past it */");                                                     \
        }                                                                                          \
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
    atomic_store(&stamp_count, 0);
}

size_t stamps_take(struct stamp *to, size_t most) {
    size_t count = atomic_exchange(&stamp_count, 0);
    if (most > MOST_STAMPS)
        most = MOST_STAMPS;
    memcpy(to, stamps, (count < most ? count : most) * sizeof(*to));
    return count;
}
