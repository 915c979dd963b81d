#include "pace.h"

#include "clock.h"

/* Nothing is free, and what lasts longer than this is counted as if it did not. */
static const uint64_t LEAST_NS = 1 * NS_PER_US;
static const uint64_t MOST_NS = NS_PER_S;
/* One look tells that something took so many times more or less than expected, at most. */
enum { STEP_MOST = 64, SURPRISE = 4, BELIEVED = 3 };

_Static_assert(PACE_KINDS == 64, "the kinds of a group are the bits of a word");

static uint64_t clamp(uint64_t ns) {
    return ns < LEAST_NS ? LEAST_NS : ns > MOST_NS ? MOST_NS : ns;
}

static uint64_t move(uint64_t from, uint64_t to, uint32_t slowness) {
    return to > from ? from + (to - from + slowness - 1) / slowness : from - (from - to) / slowness;
}

static uint64_t ns_of(const struct pace_kind *kind) {
    return atomic_load_explicit(&kind->ns, memory_order_relaxed);
}

uint64_t pace_expect(struct pace *pace, uint64_t key, uint32_t kernels, uint64_t unknown_ns,
                     uint8_t *kind) {
    uint64_t known = pace_recall(pace, key, kind);
    if (known != 0)
        return known;
    struct pace_kind *entry = &pace->kinds[*kind];
    uint64_t each = pace->average_ns != 0 ? pace->average_ns : unknown_ns;
    uint64_t ns = clamp(each * kernels);
    atomic_store_explicit(&entry->ns, ns, memory_order_relaxed);
    atomic_store_explicit(&entry->key, key, memory_order_relaxed);
    entry->kernels = kernels;
    entry->seen = entry->surprises = 0;
    return ns;
}

uint64_t pace_of_group(const struct pace *pace, const struct pace_group *group) {
    uint64_t sum = 0;
    for (uint8_t i = 0; i < group->launches; i++)
        sum += ns_of(&pace->kinds[group->kinds[i]]);
    return sum;
}

static uint64_t kernels_of(const struct pace *pace, const struct pace_group *group) {
    uint64_t sum = 0;
    for (uint8_t i = 0; i < group->launches; i++)
        sum += pace->kinds[group->kinds[i]].kernels;
    return sum;
}

/* Nothing is known of the kind that could speak against it, or it has been seen often enough. */
static bool is_believed(struct pace_kind *kind, double ratio) {
    if (kind->seen == 0 || ratio <= SURPRISE)
        return true;
    if (kind->surprises == 0 || ratio < kind->least_surprise)
        kind->least_surprise = ratio;
    return ++kind->surprises == BELIEVED;
}

static void learn_kind(struct pace_kind *kind, double ratio, uint32_t slowness) {
    if (!is_believed(kind, ratio))
        return;
    if (kind->surprises == BELIEVED) {
        ratio = kind->least_surprise;
        kind->seen = 0;
    }
    kind->surprises = 0;
    uint64_t seen = (uint64_t)((double)ns_of(kind) * ratio);
    if (kind->seen < slowness)
        kind->seen++;
    uint32_t steps = kind->seen < slowness ? kind->seen : slowness;
    uint64_t moved = move(ns_of(kind), seen, steps > 0 ? steps : 1);
    atomic_store_explicit(&kind->ns, clamp(moved), memory_order_relaxed);
}

void pace_learn(struct pace *pace, const struct pace_group *group, double ratio,
                uint32_t slowness) {
    if (ratio > STEP_MOST)
        ratio = STEP_MOST;
    uint64_t took = (uint64_t)((double)pace_of_group(pace, group) * ratio);
    uint64_t kernels = kernels_of(pace, group);
    uint64_t each = took / (kernels > 0 ? kernels : 1);
    each = each == 0 ? 1 : each > MOST_NS ? MOST_NS : each;
    /* Once for each kind, however often it is in the group: it was seen once. */
    uint64_t learnt = 0;
    for (uint8_t i = 0; i < group->launches; i++) {
        uint64_t bit = UINT64_C(1) << group->kinds[i];
        if ((learnt & bit) == 0)
            learn_kind(&pace->kinds[group->kinds[i]], ratio, slowness);
        learnt |= bit;
    }
    if (pace->average_ns == 0)
        pace->average_ns = each;
    else if (ratio <= SURPRISE)
        pace->average_ns = move(pace->average_ns, each, slowness);
}
