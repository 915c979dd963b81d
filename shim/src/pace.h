/*
 * How long a queue's launches are expected to take on the GPU, by what the same ones took before.
 *
 * A model's kernels last from 3 to 300 microseconds and come again with every request, so each kind
 * of launch (its kernel and grid) has an expectation of its own. What is seen is the time of
 * several launches together: each one's expectation is multiplied with the ratio of what was seen
 * to what was expected, which agrees after a while since the groups differ (iterative proportional
 * fitting, Deming and Stephan 1940, a step at a time).
 *
 * The table is direct-mapped and lossy: a kind that is pushed out begins anew with the average.
 */
#ifndef XSCHED_PACE_H
#define XSCHED_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PACE_KINDS = 64, PACE_GROUP = 64, PACE_NONE = 255 /* No kind. */ };

/* One thread at a time may change it; pace_recall may be called meanwhile. */
struct pace {
    uint64_t average_ns; /* Of a kernel; 0 before the first is seen. */
    struct pace_kind {
        _Atomic uint64_t key;
        _Atomic uint64_t ns; /* Of a whole launch; 0 for a free entry. */
        uint32_t kernels;    /* Of a launch. */
        uint32_t seen;       /* How often, up to what no longer matters. */
        /* How often one after the other it took far longer, and how much longer at least. */
        uint32_t surprises;
        double least_surprise;
    } kinds[PACE_KINDS];
};

/* Launches that are measured together. */
struct pace_group {
    uint8_t launches; /* Up to PACE_GROUP. */
    uint8_t kinds[PACE_GROUP];
};

static inline uint8_t pace_place(uint64_t key) {
    return (uint8_t)((key * UINT64_C(0x9E3779B97F4A7C15) >> 40) % PACE_KINDS);
}

/* What a launch of a kind is expected to take, for any thread at any time; 0 where it is not known.
 * While the place changes hands it may be what the other kind takes. */
static inline uint64_t pace_recall(const struct pace *pace, uint64_t key, uint8_t *kind) {
    *kind = pace_place(key);
    const struct pace_kind *entry = &pace->kinds[*kind];
    bool is_known = atomic_load_explicit(&entry->key, memory_order_relaxed) == key;
    return is_known ? atomic_load_explicit(&entry->ns, memory_order_relaxed) : 0;
}

/*
 * The nanoseconds, above 0, that a launch of `kernels` kernels of the kind `key` is expected to
 * take; `unknown_ns` a kernel before anything is known. Writes the kind's place.
 */
uint64_t pace_expect(struct pace *pace, uint64_t key, uint32_t kernels, uint64_t unknown_ns,
                     uint8_t *kind);

/*
 * The nanoseconds, above 0, that a group of at least one launch is expected to take by what is
 * known now: more may have been learnt since it was launched.
 */
uint64_t pace_of_group(const struct pace *pace, const struct pace_group *group);

/*
 * A group took `ratio` (0 or more) times what is expected of it: the expectation of each of its
 * kinds moves by one part in `slowness` of the difference, and by more while a kind has been seen
 * less often than that. What takes far longer is not believed at once, since other processes may
 * have had the GPU meanwhile; a kind of which that is seen several times in a row takes as long as
 * in the shortest of them.
 */
void pace_learn(struct pace *pace, const struct pace_group *group, double ratio, uint32_t slowness);

#endif
