/*
 * Events of ours behind groups of launches of one queue, in the order in which they pass: who knows
 * that one has passed knows that its group has left the GPU. For the holder of the window's lock.
 */
#ifndef XSCHED_FENCES_H
#define XSCHED_FENCES_H

#include "cuda_abi.h"
#include "pace.h"

#include <stdbool.h>
#include <stdint.h>

/* Four follow a window's worth; the others are there for what goes past the limit. */
enum { FENCES_MAX = 64 };

/* A group of launches and the event behind them. */
struct fence {
    CUevent event;
    uint64_t cost;           /* What they were counted in the window. */
    uint64_t proven;         /* So many submissions at least have finished when it has passed. */
    uint64_t since;          /* When the first of them was submitted, and */
    uint64_t closed;         /* since when all have been. */
    struct pace_group group; /* Empty where nobody knows, or wants to, what they take. */
};

struct fences {
    uint32_t head, length;
    struct fence ring[FENCES_MAX];
    uint32_t spare; /* Events to use again. */
    CUevent pool[FENCES_MAX];
};

/* The fence that passes first, or NULL. */
static inline const struct fence *fences_oldest(const struct fences *fences) {
    return fences->length > 0 ? &fences->ring[fences->head] : NULL;
}

static inline bool fences_are_full(const struct fences *fences) {
    return fences->length == FENCES_MAX;
}

/*
 * Puts the fence behind what is on the stream now; there is a place for it. False when the driver
 * refuses the event.
 */
bool fences_add(struct fences *fences, CUstream stream, struct fence fence);

/* Moves those that have passed to `passed`, oldest first, up to `most`. Returns how many it moved.
 */
uint32_t fences_take_passed(struct fences *fences, struct fence *passed, uint32_t most);

/* Takes all out without a question; returns what they cost together. */
uint64_t fences_forget(struct fences *fences);

/* The events go (`destroy`), or have gone with their context. None is in the ring. */
void fences_clear(struct fences *fences, bool destroy);

#endif
