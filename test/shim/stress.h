/* What programs have in common whose threads do things at random. */
#ifndef TEST_STRESS_H
#define TEST_STRESS_H

#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

struct worker {
    pthread_t thread;
    uint64_t seed;
    uint64_t rounds;
};

/* Lets another thread run, one time in `rarity`. */
static inline void dawdle(uint64_t *seed, uint64_t rarity) {
    if (random_below(seed, rarity) == 0)
        sched_yield();
}

#endif
