/* Time, and sleeping on a word of memory. */
#ifndef XSCHED_CLOCK_H
#define XSCHED_CLOCK_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC in nanoseconds. */
static inline uint64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline void cpu_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Sleeps while `*word` is `seen`, for at most `ns`; may return early for any reason. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t ns) {
    struct timespec limit = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &limit, NULL, 0);
}

/* The same on a word that other processes have, too. */
static inline void futex_wait_shared(_Atomic uint32_t *word, uint32_t seen, uint64_t ns) {
    struct timespec limit = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};
    syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, NULL, 0);
}

static inline void futex_wake_shared(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static inline void futex_wake_all(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#endif
