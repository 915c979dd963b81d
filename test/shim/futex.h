/*
 * A futex of the test programs' own in place of the kernel's: it is known who sleeps, and whoever
 * ought to be woken up sleeps until that happens, so no lost wake-up is healed by a sleep that has
 * an end. For one file of a program.
 */
#ifndef TEST_FUTEX_H
#define TEST_FUTEX_H

#include "clock.h"

#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>

/* Sleeps that are shorter have an end: those of life_stop_asking. */
static const time_t ENDLESS_S = 1;
static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static atomic_int asleep;     /* Threads in sleeps without an end. */
static atomic_int interrupts; /* So many sleeps without an end are over at once, for no reason. */
static atomic_int naps;       /* Sleeps with an end that began so far. */
static atomic_bool naps_last; /* While it is set these have no end either. */

static inline int sleep_on(const _Atomic uint32_t *word, uint32_t seen, bool is_nap) {
    pthread_mutex_lock(&kernel);
    bool sleeps = atomic_load(word) == seen;
    if (is_nap)
        atomic_fetch_add(&naps, 1);
    if (sleeps && !is_nap && atomic_load(&interrupts) > 0) {
        atomic_fetch_sub(&interrupts, 1);
    } else if (sleeps && !is_nap) {
        atomic_fetch_add(&asleep, 1);
        pthread_cond_wait(&woken, &kernel);
        atomic_fetch_sub(&asleep, 1);
    }
    pthread_mutex_unlock(&kernel);
    while (sleeps && is_nap && atomic_load(&naps_last))
        sched_yield();
    errno = sleeps ? ETIMEDOUT : EAGAIN;
    return -1;
}

long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    const _Atomic uint32_t *word = va_arg(list, _Atomic uint32_t *);
    int operation = va_arg(list, int);
    uint32_t value = va_arg(list, uint32_t);
    const struct timespec *limit = va_arg(list, const struct timespec *);
    va_end(list);
    CHECK(number == SYS_futex, "system call %ld", number);
    if (operation == FUTEX_WAIT_PRIVATE)
        return sleep_on(word, value, limit->tv_sec < ENDLESS_S);
    CHECK(operation == FUTEX_WAKE_PRIVATE, "futex operation %d", operation);
    pthread_mutex_lock(&kernel);
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&kernel);
    return 0;
}

#endif
