/*
 * The moments in which a queue that has much to do has nothing on the GPU, and what to make of
 * them.
 *
 * Whoever is let in for such a moment keeps the GPU for as long as his window lasts. Where the
 * program waits for its work again and again, that comes on top of all it does: so a queue whose
 * gaps have been short stays ready through the next one (it lingers). Where the program does not
 * wait but is slower at launching than the GPU at running, as eager PyTorch is, the GPU makes up
 * for the delay: such a queue has slack. When it is found drained it yields: for a while it does
 * not count among those that have work, although it goes on launching, or nobody would be awake
 * before its next launch.
 */
#ifndef XSCHED_GAPS_H
#define XSCHED_GAPS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How a queue was found to have drained. */
enum gaps_proof {
    GAPS_SYNCED, /* The program saw it: what it does next it could not do before. */
    GAPS_ASKED,  /* The shim asked, when nothing had been launched for a while. */
};

/* Of one queue; its device's lock guards what is not atomic. */
struct gaps {
    uint64_t drained_at;       /* Nanoseconds; 0 before the first time. */
    bool counts;               /* What comes after that gap tells of the next ones. */
    uint8_t score;             /* Higher the more gaps were short. */
    _Atomic uint64_t burst_at; /* Since when there was no long gap, and nobody waited. */
    _Atomic uint64_t until;    /* How long it lingers, while `returned` is still `proven`. */
    _Atomic uint64_t proven;
    _Atomic uint64_t yielded_at; /* When it ended to yield; 0 once it was found drained. */
    _Atomic uint64_t delay_ns;   /* How long that takes. */
    _Atomic uint8_t share; /* Of looks between launches, how many found the GPU drained, of 256. */
};

/* The queue has work again. */
void gaps_begin(struct gaps *gaps, uint64_t now);

/*
 * The queue has drained; `proven` is what it had launched. True when it is to stay ready for now:
 * somebody has to come again at gaps_due.
 */
bool gaps_end(struct gaps *gaps, enum gaps_proof proof, uint64_t proven, uint64_t now);

/* When a queue that lingers is to be looked at; 0 when it does not, or has launched since. */
static inline uint64_t gaps_due(const struct gaps *gaps, uint64_t returned) {
    uint64_t until = atomic_load(&gaps->until);
    return until != 0 && atomic_load(&gaps->proven) == returned ? until : 0;
}

/* Whether the queue lingers from time to time. */
static inline bool gaps_are_habit(const struct gaps *gaps) {
    return atomic_load(&gaps->until) != 0;
}

/* The queue has ended to yield. */
void gaps_yielded(struct gaps *gaps, uint64_t now);

/* Whether the queue has yielded, and the GPU has not caught up with it since. */
static inline bool gaps_catch_up(const struct gaps *gaps) {
    return atomic_load(&gaps->yielded_at) != 0;
}

/* A look between two launches found that the GPU had something left to do, or had not. For the
 * drain thread. */
void gaps_sample(struct gaps *gaps, bool is_drained, uint64_t now);

/* Whether its work has lasted for so long that a delay of its end is a quarter of it at most. */
bool gaps_is_long(const struct gaps *gaps, uint64_t now);

/* Whether the program is slower than the GPU. */
bool gaps_is_slow(const struct gaps *gaps);

#endif
