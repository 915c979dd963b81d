/* Times launches, copies and memsets of a program, and leads them through the shim or past it. */
#ifndef BENCH_STAMPS_H
#define BENCH_STAMPS_H

#include <stddef.h>
#include <stdint.h>

/* PAST and AGAIN are the same: what differs between them is no difference. */
enum way { SHIM, PAST, AGAIN, MIXED };

/* A function that notes the time, calls one of the same kind, and notes the time again. */
struct stamped {
    const char *name;
    /* What the program is to call. */
    void *wrapper;
    /* Where it leads. */
    void *shim;
    void *own;
};

/* A call of such a function, in nanoseconds of CLOCK_MONOTONIC. */
struct stamp {
    uint64_t began;
    uint64_t ended;
    uint64_t way;
    uint64_t function; /* Which of those that are timed. */
};

/* The one in front of a function of the driver, by its name, or NULL where there is none. */
struct stamped *stamped_find(const char *name);

/* From now on all calls go that way, with MIXED each by any of the others. What was noted is
 * forgotten. */
void stamped_lead(enum way way);

/*
 * Copies what was noted since the last time, in the order in which a thread's calls began. Returns
 * how many there were; no more than `most` are copied. To be called while nobody submits.
 */
size_t stamps_take(struct stamp *to, size_t most);

#endif
