/*
 * Which of two ways to launch gets more done: one by one or side by side. Nobody can tell from
 * outside whether kernels of several streams share the GPU, so it is tried: for some milliseconds
 * launches go the way that is kept, and then for as many the other.
 *
 * Side by side has to be plainly better, since others wait longer for it; and whatever is to change
 * has to be better in two trials, since something else may have been in the way in one. Trials get
 * rarer while nothing changes.
 */
#ifndef XSCHED_TRIAL_H
#define XSCHED_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

enum trial_way { ONE_BY_ONE, SIDE_BY_SIDE };

enum { TRIAL_KINDS = 16 };

/* Zero at first; for one thread at a time. */
struct trial {
    enum trial_way way; /* In which launches go now. */
    enum trial_phase { TRIAL_RESTS, TRIAL_MEASURES, TRIAL_TRIES } phase;
    uint64_t began_at, ends_at; /* A rest at the earliest, the others at the latest. */
    uint64_t rest_ns;
    uint32_t launches;    /* Of the phase; but for a rest those that are measured, */
    uint64_t cost, ns;    /* what they are expected to take, and the time in which they went. */
    uint32_t passed_over; /* To come, before the way makes a difference. */
    uint64_t noted_at;    /* When the last launch went, 0 when it then waited for something else. */
    double kept_rate;     /* Nanoseconds of the GPU in a nanosecond, by the way that is kept. */
    uint32_t votes;       /* Trials in a row by which the other way is better. */
    /* What a launch of a kind counts throughout a trial: queues may expect different times of it.
     */
    struct trial_kind {
        uint64_t key;
        uint64_t cost; /* 0 for a free entry. */
    } kinds[TRIAL_KINDS];
};

/* A launch of the kind `key` goes, which its queue expects to take `cost` nanoseconds, above 0. */
void trial_note(struct trial *trial, uint64_t key, uint64_t cost, uint64_t now);

/* Launches were held up by something else. */
void trial_interrupted(struct trial *trial, uint64_t now);

static inline bool trial_is_on(const struct trial *trial) {
    return trial->phase != TRIAL_RESTS;
}

#endif
