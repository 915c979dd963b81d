/*
 * The words in which a window is counted. Each holds what must change together, so that a launch
 * counts itself by one atomic operation, which fails when the rest of the word has changed.
 */
#ifndef XSCHED_TALLY_H
#define XSCHED_TALLY_H

#include "pace.h"
#include "xsched_protocol.h"

#include <stdbool.h>
#include <stdint.h>

/* Terms: launches, 16 bits; nanoseconds, 30; how often the window was lifted, 18. */
enum { TERMS_TIME = 16, TERMS_LIFTS = 46 };
_Static_assert(XSP_WINDOW_MAX < 1 << TERMS_TIME, "more launches than terms hold");
_Static_assert(XSP_LATENCY_MAX_US < (1 << (TERMS_LIFTS - TERMS_TIME)) / 1000,
               "a longer window than terms hold");

static inline uint64_t terms_make(uint32_t launches, uint64_t time_ns, uint64_t lifts) {
    return lifts << TERMS_LIFTS | time_ns << TERMS_TIME | launches;
}

/* 0 where there is no window. */
static inline uint64_t terms_launches(uint64_t terms) {
    return terms & 0xffff;
}

/* 0 where launches count. */
static inline uint64_t terms_time(uint64_t terms) {
    return terms >> TERMS_TIME & ((UINT64_C(1) << (TERMS_LIFTS - TERMS_TIME)) - 1);
}

static inline uint64_t terms_lifts(uint64_t terms) {
    return terms >> TERMS_LIFTS;
}

/* What was counted by the one set can be added to by the other. */
static inline bool terms_share_era(uint64_t before, uint64_t after) {
    return terms_launches(before) != 0 && terms_launches(after) != 0 &&
           terms_lifts(before) == terms_lifts(after) &&
           (terms_time(before) == 0) == (terms_time(after) == 0);
}

/* Taken: the cost, 48 bits, and the era. */
enum { TAKEN_ERA = 48 };

static inline uint64_t taken_cost(uint64_t taken) {
    return taken & ((UINT64_C(1) << TAKEN_ERA) - 1);
}

static inline uint16_t taken_era(uint64_t taken) {
    return (uint16_t)(taken >> TAKEN_ERA);
}

/* Open: the cost, 42 bits; launches, 12, which are more than the driver takes before it waits; the
 * number of the group. */
enum { OPEN_LAUNCHES = 42, OPEN_GROUP = 54 };

static inline uint64_t open_cost(uint64_t open) {
    return open & ((UINT64_C(1) << OPEN_LAUNCHES) - 1);
}

static inline uint32_t open_launches(uint64_t open) {
    return open >> OPEN_LAUNCHES & ((1U << (OPEN_GROUP - OPEN_LAUNCHES)) - 1);
}

/* With a launch more. */
static inline uint64_t open_add(uint64_t open, uint64_t cost) {
    return open + cost + (UINT64_C(1) << OPEN_LAUNCHES);
}

/* With a cost more of which nobody knows what it was for: there are more launches than kinds. */
static inline uint64_t open_blur(uint64_t open, uint64_t cost) {
    bool is_blurred = open_launches(open) > PACE_GROUP;
    return open + cost + ((is_blurred ? 0 : (uint64_t)PACE_GROUP + 1) << OPEN_LAUNCHES);
}

/* The group after this one, with nothing in it. */
static inline uint64_t open_next(uint64_t open) {
    return ((open >> OPEN_GROUP) + 1) << OPEN_GROUP;
}

/*
 * A time with the number of the group in its low bits, which are a microsecond's. One that is
 * written late, when its group has been closed, is not taken for another's.
 */
static inline uint64_t open_stamp(uint64_t open, uint64_t ns) {
    uint64_t numbers = (UINT64_C(1) << (64 - OPEN_GROUP)) - 1;
    return (ns & ~numbers) | open >> OPEN_GROUP;
}

/* The time of a stamp, or 0 if it is not the group's. */
static inline uint64_t open_stamped(uint64_t open, uint64_t stamp) {
    return stamp == open_stamp(open, stamp) ? stamp : 0;
}

/* A launch's kind, with the low part of its group's number: a late one is not taken for another's.
 */
static inline uint16_t open_mark(uint64_t open, uint8_t kind) {
    return (uint16_t)((open >> OPEN_GROUP & 0xff) << 8 | kind);
}

_Static_assert(OPEN_GROUP + 8 <= 64, "a mark has more of the group's number than there is");

#endif
