/* Moments of CLOCK_MONOTONIC, which all processes share. */
#ifndef BENCH_MOMENT_H
#define BENCH_MOMENT_H

#include <stdint.h>
#include <time.h>

/* In nanoseconds. */
static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

/* Waits for a moment and stays awake, as a program that works does. */
static inline void await_moment(uint64_t moment) {
    while (now() < moment) {
    }
}

#endif
