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
#include <stdbool.h>
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

static inline bool ranks_has(const struct ranks *set, int rank) {
    return (set->present[rank / 64] >> (rank % 64) & 1) != 0;
}

/* Finds the top anew, from a rank downwards. */
static inline void ranks_find_top(struct ranks *set, int rank) {
    for (int word = rank / 64; word >= 0; word--) {
        uint64_t present = set->present[word];
        if (present == 0)
            continue;
        atomic_store(set->top, word * 64 + 63 - __builtin_clzll(present));
        return;
    }
    atomic_store(set->top, RANK_NONE);
}

/*
 * A rank is about to be added: `top` shows it before the lock is had. Whoever does so calls
 * ranks_settle next, whether the rank came to be added or not. Meanwhile it may be overlooked
 * again.
 */
static inline void ranks_announce(_Atomic int *top, int rank) {
    int seen = atomic_load(top);
    while (seen < rank && !atomic_compare_exchange_weak(top, &seen, rank)) {
    }
}

/* True when the top is lower now: whoever waited for it may go on. */
static inline bool ranks_settle(struct ranks *set) {
    int top = atomic_load_explicit(set->top, memory_order_relaxed);
    if (top == RANK_NONE || ranks_has(set, top))
        return false;
    ranks_find_top(set, top);
    return true;
}

static inline void ranks_remove(struct ranks *set, int rank) {
    if (--set->count[rank] != 0)
        return;
    set->present[rank / 64] &= ~(UINT64_C(1) << (rank % 64));
    if (rank != atomic_load_explicit(set->top, memory_order_relaxed))
        return;
    ranks_find_top(set, rank);
}

#endif
