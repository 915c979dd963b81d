/*
 * How times are spread: counts of those seen of late, in classes that grow with the time, so that a
 * percentile is right to an eighth of itself from a microsecond to a second.
 */
#ifndef XSCHED_SPREAD_H
#define XSCHED_SPREAD_H

#include <stdatomic.h>
#include <stdint.h>

/* Four to an octave, the first from nothing to 1.25 microseconds, the last from 0.92 s upwards. */
enum { SPREAD_CLASSES = 80 };

struct spread {
    /* One thread adds at a time, anybody reads: what is added meanwhile may be missed. */
    _Atomic uint32_t counts[SPREAD_CLASSES];
    uint32_t sum;
};

/* A time was seen. Older ones fade: all counts are halved every so often. */
void spread_add(struct spread *spread, uint64_t ns);

/*
 * What `percent` of 100 times did not pass, in microseconds, by the middle of its class; 0 when
 * nothing was seen.
 */
uint32_t spread_percentile(const struct spread *spread, uint32_t percent);

#endif
