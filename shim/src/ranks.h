/*
 * A multiset of ranks that answers "which is the highest?" with one load.
 *
 * A rank joins a priority (-255 to 255) with a stream's CUDA priority (0 to 15 steps above the
 * default), which counts only inside a process.
 */
#ifndef XSCHED_RANKS_H
#define XSCHED_RANKS_H

#include "xsched_protocol.h"

#include <stdatomic.h>
#include <stdint.h>

enum {
    RANK_STEPS = 16,
    RANK_COUNT = (XSP_PRIORITY_MAX - XSP_PRIORITY_MIN + 1) * RANK_STEPS,
    RANK_WORDS = (RANK_COUNT + 63) / 64,
    RANK_NONE = -1,
};

struct ranks {
    _Atomic int *top; /* The highest rank present, or RANK_NONE; kept where it is read quickest. */
    uint16_t count[RANK_COUNT];
    uint64_t present[RANK_WORDS];
};

/* The rank of a priority and of a step; both are cut to their ranges. */
static inline int rank_make(int priority, int step) {
    if (priority < XSP_PRIORITY_MIN)
        priority = XSP_PRIORITY_MIN;
    if (priority > XSP_PRIORITY_MAX)
        priority = XSP_PRIORITY_MAX;
    if (step < 0)
        step = 0;
    if (step >= RANK_STEPS)
        step = RANK_STEPS - 1;
    return (priority - XSP_PRIORITY_MIN) * RANK_STEPS + step;
}

/* The caller holds the lock that guards `set`; only `top` may be read without it. */
static inline void ranks_add(struct ranks *set, int rank) {
    if (set->count[rank]++ == 0)
        set->present[rank / 64] |= UINT64_C(1) << (rank % 64);
    if (rank > atomic_load_explicit(set->top, memory_order_relaxed)) {
        atomic_store(set->top, rank);
    }
}

static inline void ranks_remove(struct ranks *set, int rank) {
    if (--set->count[rank] != 0)
        return;
    set->present[rank / 64] &= ~(UINT64_C(1) << (rank % 64));
    if (rank != atomic_load_explicit(set->top, memory_order_relaxed))
        return;
    for (int word = rank / 64; word >= 0; word--) {
        if (set->present[word] == 0)
            continue;
        atomic_store(set->top, word * 64 + 63 - __builtin_clzll(set->present[word]));
        return;
    }
    atomic_store(set->top, RANK_NONE);
}

#endif
