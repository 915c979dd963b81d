#include "room.h"

#include "clock.h"
#include "config.h"
#include "tally.h"

/* A launch that is as long as the window may be enqueued so long before the one before it ends:
 * otherwise the GPU would wait for the host after each. Of a small window, half of it. */
static const uint64_t LEAD_NS = 50 * NS_PER_US;
/* Shorter launches are let be: to hand the lane on a thread has to wake up. */
static const uint64_t LANE_LEAST_NS = 50 * NS_PER_US;
/* Before anything is measured, so many launches fill a window of time. */
enum { UNKNOWN_LAUNCHES = 8, FENCES = 4 };

void room_set_load(struct queue *queue, bool is_loaded) {
    _Atomic uint32_t *loaded = &queue->device->loaded;
    /* There are never fewer than say so of themselves. */
    if (is_loaded)
        atomic_fetch_add(loaded, 1);
    bool was_loaded = atomic_exchange(&queue->flight.is_loaded, is_loaded);
    if (was_loaded)
        atomic_fetch_sub(loaded, 1);
}

void room_note_load(struct queue *queue, struct budget budget) {
    struct window_state *window = &queue->flight;
    bool is_loaded =
        budget.is_time && taken_cost(atomic_load(&window->taken)) > budget.size / UNKNOWN_LAUNCHES;
    if (is_loaded != atomic_load(&window->is_loaded))
        room_set_load(queue, is_loaded);
    /* Whoever lifts the window says so before it takes the load off. */
    if (is_loaded && terms_launches(atomic_load(&window->terms)) == 0)
        room_set_load(queue, false);
}

static struct budget budget_of(struct queue *queue, uint64_t terms) {
    uint64_t launches = terms_launches(terms);
    uint64_t time = terms_time(terms);
    if (launches == 0 || time == 0)
        return (struct budget){.size = launches};
    uint64_t others = atomic_load_explicit(&queue->device->loaded, memory_order_relaxed);
    if (atomic_load_explicit(&queue->flight.is_loaded, memory_order_relaxed) && others > 0)
        others--;
    /* Queues of one process share the time. */
    uint64_t size = time / (1 + others);
    return (struct budget){.size = size > 0 ? size : 1, .all = time, .is_time = true};
}

uint64_t room_cost(struct window_state *window, struct budget budget, uint32_t weight, uint64_t key,
                   uint8_t *kind) {
    *kind = PACE_NONE;
    if (!budget.is_time)
        return weight < budget.size ? weight : budget.size;
    return pace_expect(&window->pace, key, weight, budget.size / UNKNOWN_LAUNCHES, kind);
}

/* Launches read the word, so it is written only when it changes. */
static void set(_Atomic uint64_t *word, uint64_t value) {
    if (atomic_load_explicit(word, memory_order_relaxed) != value)
        atomic_store(word, value);
}

/* What is no longer in flight leaves the lane. */
static void note_left(struct queue *queue, bool is_done) {
    struct window_state *window = &queue->flight;
    if (window->is_in_lane)
        window->is_in_lane = lane_left(&queue->device->lane, queue,
                                       taken_cost(atomic_load(&window->taken)), is_done);
}

void room_end_era(struct queue *queue) {
    struct window_state *window = &queue->flight;
    set(&window->applied, 0);
    /* Where no terms are agreed those that are applied agree with them: this alone holds it off. */
    set(&window->limit, 0);
    uint64_t era = atomic_load(&window->taken) >> TAKEN_ERA;
    /* Who takes room at this moment does so before, and finds out when it counts itself, or fails.
     */
    atomic_store(&window->taken, (era + 1) << TAKEN_ERA);
    atomic_store(&window->open, open_next(atomic_load(&window->open)));
    fences_forget(&window->fences);
    window->passed_at = window->grace = 0;
    window->moves++;
    note_left(queue, true);
}

/* It was not outranked until now: all that it launched before counts as a full window. */
static void count_before(struct queue *queue, uint64_t size, uint64_t own) {
    uint64_t launched = atomic_load(&queue->hot->returned) + own;
    if (launched <= atomic_load(&queue->completed))
        return;
    struct fence before = {.cost = size, .proven = launched, .since = clock_now()};
    if (fences_add(&queue->flight.fences, queue->stream, before))
        atomic_fetch_add(&queue->flight.taken, size);
}

void room_open(struct window_state *window) {
    bool is_open = window->eldest == 0 && terms_launches(window->agreed) != 0;
    set(&window->applied, is_open ? window->agreed : 0);
}

struct budget room_agree(struct queue *queue, uint64_t own) {
    struct window_state *window = &queue->flight;
    uint64_t terms = atomic_load(&window->terms);
    struct budget budget = budget_of(queue, terms);
    if (terms != window->agreed) {
        bool goes_on = terms_share_era(window->agreed, terms);
        window->agreed = terms;
        if (!goes_on)
            room_end_era(queue);
        if (!goes_on && budget.size != 0)
            count_before(queue, budget.size, own);
    }
    uint64_t quarter = budget.size / FENCES;
    set(&window->limit, budget.size);
    set(&window->fence_at, quarter > 0 ? quarter : 1);
    room_open(window);
    return budget;
}

bool room_claim(struct window_state *window, struct budget budget, struct window_share *share,
                bool forced) {
    uint64_t taken = atomic_load(&window->taken);
    do {
        uint64_t cost = taken_cost(taken);
        if (!forced && cost != 0 && cost + budget.cost > budget.size)
            return false;
    } while (!atomic_compare_exchange_weak(&window->taken, &taken, taken + budget.cost));
    share->cost = budget.cost;
    share->era = taken_era(taken);
    return true;
}

void room_take_back(struct queue *queue, uint64_t cost) {
    atomic_fetch_sub(&queue->flight.taken, cost);
    note_left(queue, false);
}

void room_give_back(struct queue *queue, uint64_t cost) {
    atomic_fetch_sub(&queue->flight.taken, cost);
    note_left(queue, true);
    queue->flight.moves++;
    queue->flight.grace = 0;
}

uint64_t room_lead(uint64_t size) {
    return size / 2 < LEAD_NS ? size / 2 : LEAD_NS;
}

bool room_is_for_lane(const struct queue *queue, struct budget budget) {
    /* Where threads wait for ever, one launch must not have to wait for another. */
    if (!budget.is_time || budget.cost <= budget.size || budget.size == budget.all ||
        budget.cost < LANE_LEAST_NS || config.gate_max_ms == 0)
        return false;
    uint64_t closed_until = atomic_load(&queue->device->lane.closed_until);
    return closed_until == 0 || clock_now() >= closed_until;
}

void room_forget_finished(struct queue *queue, uint64_t proven) {
    struct window_state *window = &queue->flight;
    if (atomic_load(&queue->hot->entered) != proven)
        return;
    uint64_t open = atomic_exchange(&window->open, open_next(atomic_load(&window->open)));
    /* Whoever enters from here on is in the next group. */
    if (atomic_load(&queue->hot->entered) == proven) {
        room_give_back(queue, open_cost(open) + fences_forget(&window->fences));
        return;
    }
    uint64_t next = atomic_load(&window->open);
    while (!atomic_compare_exchange_weak(&window->open, &next, open_blur(next, open_cost(open)))) {
    }
}

/* What is known of the launches of a group that was closed. */
static struct pace_group group_of(struct window_state *window, uint64_t open) {
    struct pace_group group;
    uint32_t launches = open_launches(open);
    bool is_known = launches <= PACE_GROUP;
    for (uint32_t i = 0; is_known && i < launches; i++) {
        uint16_t mark = atomic_load_explicit(&window->kinds[i], memory_order_acquire);
        group.kinds[i] = (uint8_t)mark;
        /* One of them may not have said yet what it is. */
        is_known = group.kinds[i] != PACE_NONE && mark == open_mark(open, group.kinds[i]);
    }
    group.launches = is_known ? (uint8_t)launches : 0;
    return group;
}

void room_fence(struct queue *queue, uint64_t own) {
    struct window_state *window = &queue->flight;
    uint64_t open = atomic_load(&window->open);
    if (open_cost(open) == 0 || fences_are_full(&window->fences))
        return;
    open = atomic_exchange(&window->open, open_next(open));
    struct fence fence = {.cost = open_cost(open)};
    fence.since = open_stamped(open, atomic_load(&window->open_since));
    fence.proven = atomic_load(&queue->hot->returned) + own;
    fence.closed = clock_now();
    if (fence.since != 0)
        fence.group = group_of(window, open);
    if (!fences_add(&window->fences, queue->stream, fence))
        room_give_back(queue, fence.cost);
}

/*
 * Fences have passed until now. Who sees when, as those do who wait, knows how long the GPU took
 * for what was all there already when the fence before was seen to pass, and for a single launch.
 * What came in pieces, between which there may have been pauses, took at most the time since the
 * first was submitted: a program that is slower than the GPU never waits, and is measured by that.
 */
static void measure(struct window_state *window, const struct fence *passed, uint32_t count,
                    uint64_t now, uint64_t lane_since, bool is_watched) {
    enum { SEEN_SLOWNESS = 8, BOUND_SLOWNESS = 4 };
    bool is_single = count == 1 && passed[0].group.launches == 1;
    bool is_whole = passed[count - 1].closed <= window->passed_at || is_single;
    bool is_since_known = window->passed_at != 0 || (is_single && lane_since != 0);
    bool is_seen = is_watched && is_since_known && is_whole;
    uint64_t began = passed[0].since;
    if (is_seen && window->passed_at > began)
        began = window->passed_at;
    /* That what was before it has left is seen a little late, so it is no bound. */
    if (is_seen && is_single && lane_since > began)
        began = lane_since;
    uint64_t expected = 0;
    for (uint32_t i = 0; i < count; i++)
        expected += pace_of_group(&window->pace, &passed[i].group);
    double ratio = (double)(now - began) / (double)expected;
    uint32_t slowness = is_seen ? SEEN_SLOWNESS : BOUND_SLOWNESS;
    for (uint32_t i = 0; i < count && (is_seen || ratio < 1); i++)
        pace_learn(&window->pace, &passed[i].group, ratio, slowness);
}

/* From its last launch on a fence waited for all that was in flight. */
static void note_kept(struct window_state *window, const struct fence *passed, uint32_t count,
                      uint64_t now) {
    for (uint32_t i = 0; i < count; i++) {
        /* Nobody knows when what went before the window was launched. */
        if (passed[i].closed != 0)
            spread_add(&window->kept, now - passed[i].closed);
    }
}

void room_settle(struct queue *queue, bool watched) {
    enum { AT_ONCE = 2 * FENCES };
    struct window_state *window = &queue->flight;
    struct fence passed[AT_ONCE];
    uint32_t count, all = 0;
    bool is_known = true;
    uint64_t lane_at = window->is_in_lane ? lane_since(&queue->device->lane, queue) : 0;
    do {
        count = fences_take_passed(&window->fences, passed, AT_ONCE);
        for (uint32_t i = 0; i < count; i++) {
            is_known = is_known && passed[i].group.launches > 0;
            room_give_back(queue, passed[i].cost);
            queue_note_completed(queue, passed[i].proven);
        }
        all += count;
    } while (count == AT_ONCE);
    if (all == 0)
        return;
    uint64_t now = clock_now();
    window->left_at = now;
    if (is_known && all < AT_ONCE && now >= atomic_load(&queue->device->lane.measured_until))
        measure(window, passed, count, now, lane_at, watched);
    if (watched && window->passed_at != 0 && all < AT_ONCE)
        note_kept(window, passed, count, now);
    window->passed_at = watched ? now : 0;
}

bool room_is_nearly_there(const struct window_state *window, struct budget budget) {
    const struct fence *running = fences_oldest(&window->fences);
    if (!budget.is_time || 2 * budget.cost <= budget.size || window->fences.length != 1 ||
        running->group.launches == 0 || running->cost != taken_cost(atomic_load(&window->taken)))
        return false;
    /* At the latest. */
    uint64_t began = window->left_at > running->since ? window->left_at : running->since;
    return clock_now() - began + room_lead(budget.size) >= running->cost;
}
