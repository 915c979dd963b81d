/*
 * What a launch does that has room in its queue's window. In line, as are the driver's call and
 * what is between: a few atomic operations, and the time of the first launch behind a fence.
 */
#ifndef XSCHED_WINDOW_PASS_H
#define XSCHED_WINDOW_PASS_H

#include "clock.h"
#include "tally.h"
#include "window.h"

/* A group is closed while there are places for so many more. */
enum { PLACES_LEFT = 8 };

/* What a launch costs by terms that are in force, 0 where that is not known. */
static inline uint64_t window_cost_by(const struct window_state *window, uint64_t terms,
                                      uint32_t weight, uint64_t key, uint8_t *kind) {
    *kind = PACE_NONE;
    return LIKELY(terms_time(terms) != 0) ? pace_recall(&window->pace, key, kind) : weight;
}

/*
 * Takes the room of a launch of `weight` kernels of the kind `key`, if it is plain that there is
 * enough. False, and nothing has changed, when window_take has to see to it.
 */
static inline bool window_pass(struct window_state *window, struct window_share *share,
                               uint32_t weight, uint64_t key) {
    uint64_t taken = atomic_load_explicit(&window->taken, memory_order_acquire);
    /* In this order: what is applied now belongs to the era that is taken from, or that has ended
     * when the room is taken. */
    uint64_t terms = atomic_load_explicit(&window->applied, memory_order_acquire);
    if (!LIKELY(terms == atomic_load_explicit(&window->terms, memory_order_relaxed)))
        return false;
    uint8_t kind;
    uint64_t cost = window_cost_by(window, terms, weight, key, &kind);
    uint64_t limit = atomic_load_explicit(&window->limit, memory_order_relaxed);
    bool has_room = LIKELY(cost != 0) && LIKELY(taken_cost(taken) + cost <= limit);
    if (!has_room || !LIKELY(atomic_compare_exchange_strong(&window->taken, &taken, taken + cost)))
        return false;
    *share = (struct window_share){cost, key, weight, taken_era(taken), kind, false, false};
    return true;
}

/* Whether a fence is due behind the group. Those that others count before it is closed have a place
 * still. */
static inline bool window_is_due(const struct window_state *window, uint64_t open) {
    return open_cost(open) >= atomic_load_explicit(&window->fence_at, memory_order_relaxed) ||
           open_launches(open) >= PACE_GROUP - PLACES_LEFT;
}

/* Counts a launch, which the driver has taken, among those since the last fence. */
static inline enum window_counted window_count(struct window_state *window,
                                               const struct window_share *share) {
    uint64_t open = atomic_load_explicit(&window->open, memory_order_acquire);
    /* Whoever ends an era moves first this on and then to the next group. */
    uint64_t taken = atomic_load_explicit(&window->taken, memory_order_acquire);
    uint64_t after = open_add(open, share->cost);
    if (!LIKELY(taken_era(taken) == share->era) ||
        !LIKELY(atomic_compare_exchange_strong(&window->open, &open, after)))
        return WINDOW_MISSED;
    uint32_t place = open_launches(open);
    if (LIKELY(place < PACE_GROUP))
        atomic_store_explicit(&window->kinds[place], open_mark(open, share->kind),
                              memory_order_release);
    if (!LIKELY(place != 0))
        atomic_store(&window->open_since, open_stamp(open, clock_now()));
    return LIKELY(!window_is_due(window, after)) ? WINDOW_COUNTED : WINDOW_DUE;
}

#endif
