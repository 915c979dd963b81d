#include "spread.h"

/* A quarter of a microsecond is the width of the first octave's classes. */
enum { QUARTER_NS = 250, QUARTERS = 4 };

/* Enough for a percentile of 99, and with four fences a window few enough to follow a change of it
 * within moments. */
enum { SUM_MAX = 2048 };

static uint32_t class_of(uint64_t ns) {
    uint64_t quarters = ns / QUARTER_NS;
    if (quarters < QUARTERS)
        return 0;
    uint32_t octave = 61 - (uint32_t)__builtin_clzll(quarters);
    uint32_t class = octave * QUARTERS + (uint32_t)((quarters >> octave) % QUARTERS);
    return class < SPREAD_CLASSES ? class : SPREAD_CLASSES - 1;
}

/* The middle of a class, in microseconds. */
static uint32_t middle_of(uint32_t class) {
    uint32_t octave = class / QUARTERS;
    uint64_t quarters = QUARTERS + class % QUARTERS;
    /* In eighths of a microsecond, of which the middle is an odd number. */
    uint64_t us = ((2 * quarters + 1) << octave) / UINT64_C(8);
    return us > 0 ? (uint32_t)us : 1;
}

static void set(_Atomic uint32_t *count, uint32_t value) {
    atomic_store_explicit(count, value, memory_order_relaxed);
}

static uint32_t get(const _Atomic uint32_t *count) {
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void fade(struct spread *spread) {
    spread->sum = 0;
    for (uint32_t i = 0; i < SPREAD_CLASSES; i++) {
        uint32_t half = get(&spread->counts[i]) / 2;
        set(&spread->counts[i], half);
        spread->sum += half;
    }
}

void spread_add(struct spread *spread, uint64_t ns) {
    _Atomic uint32_t *count = &spread->counts[class_of(ns)];
    set(count, get(count) + 1);
    if (++spread->sum >= SUM_MAX)
        fade(spread);
}

uint32_t spread_percentile(const struct spread *spread, uint32_t percent) {
    /* Whoever adds may halve them meanwhile. */
    uint32_t counts[SPREAD_CLASSES];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < SPREAD_CLASSES; i++)
        sum += counts[i] = get(&spread->counts[i]);
    if (sum == 0)
        return 0;
    uint64_t wanted = (sum * percent + 99) / 100;
    uint32_t class = 0;
    for (uint64_t below = counts[0]; below < wanted; below += counts[class])
        class++;
    return middle_of(class);
}
