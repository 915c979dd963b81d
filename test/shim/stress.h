/* What programs have in common whose threads do things at random. */
#ifndef TEST_STRESS_H
#define TEST_STRESS_H

#include "check.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

struct worker {
    pthread_t thread;
    uint64_t seed;
    uint64_t rounds;
};

/* Lets another thread run. Whoever yields the processor has it back when all who want it have had
 * their turns, many milliseconds later on a busy machine; whoever sleeps has it when it wakes up.
 */
static inline void nap(void) {
    nanosleep(&(struct timespec){0, 1}, NULL);
}

/* The same, one time in `rarity`. */
static inline void dawdle(uint64_t *seed, uint64_t rarity) {
    if (random_below(seed, rarity) == 0)
        nap();
}

#endif
