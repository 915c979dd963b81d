/* One look of a thread of ours at all that it tends, and when the next look is due. */
#ifndef XSCHED_ROUND_H
#define XSCHED_ROUND_H

#include <stdint.h>

struct round {
    uint64_t now;
    uint64_t deadline;
};

/* The next look is due at `when`, or sooner. */
static inline void round_due(struct round *round, uint64_t when) {
    if (when < round->deadline)
        round->deadline = when;
}

#endif
