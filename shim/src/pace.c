#include "pace.h"

#include "clock.h"

/* Nothing is free, and what lasts longer than this is counted as if it did not. */
static const uint64_t LEAST_NS = 1 * NS_PER_US;
static const uint64_t MOST_NS = NS_PER_S;
/* One look tells that something took so many times more or less than expected, at most. */
enum { STEP_MOST = 64, SURPRISE = 4 };

static uint64_t clamp(uint64_t ns) {
    return ns < LEAST_NS ? LEAST_NS : ns > MOST_NS ? MOST_NS : ns;
}

static uint64_t move(uint64_t from, uint64_t to, uint32_t slowness) {
    return to > from ? from + (to - from + slowness - 1) / slowness : from - (from - to) / slowness;
}

uint64_t pace_expect(struct pace *pace, uint64_t key, uint32_t kernels, uint64_t unknown_ns,
                     uint8_t *kind) {
    uint64_t mixed = key * UINT64_C(0x9E3779B97F4A7C15);
    *kind = (uint8_t)((mixed >> 40) % PACE_KINDS);
    struct pace_kind *entry = &pace->kinds[*kind];
    if (entry->key != key || entry->ns == 0) {
        uint64_t each = pace->average_ns != 0 ? pace->average_ns : unknown_ns;
        *entry = (struct pace_kind){key, clamp(each * kernels), 0};
    }
    return entry->ns;
}

uint64_t pace_of_group(const struct pace *pace, const struct pace_group *group) {
    uint64_t sum = 0;
    for (uint8_t i = 0; i < group->launches; i++)
        sum += pace->kinds[group->kinds[i]].ns;
    return sum;
}

void pace_learn(struct pace *pace, const struct pace_group *group, double ratio,
                uint32_t slowness) {
    if (ratio > STEP_MOST)
        ratio = STEP_MOST;
    /* Far longer than expected: whoever is outranked must not go on as if it were not so. */
    if (ratio > SURPRISE)
        slowness = 1;
    uint64_t each = clamp((uint64_t)((double)pace_of_group(pace, group) * ratio) / group->kernels);
    for (uint8_t i = 0; i < group->launches; i++) {
        struct pace_kind *kind = &pace->kinds[group->kinds[i]];
        uint64_t seen = (uint64_t)((double)kind->ns * ratio);
        if (kind->seen < slowness)
            kind->seen++;
        kind->ns = clamp(move(kind->ns, seen, kind->seen < slowness ? kind->seen : slowness));
    }
    pace->average_ns = pace->average_ns == 0 ? each : move(pace->average_ns, each, slowness);
}
