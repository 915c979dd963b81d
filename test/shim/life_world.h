/* The queues that the tests of life.h ask about. For one file of a program. */
#ifndef TEST_LIFE_WORLD_H
#define TEST_LIFE_WORLD_H

#include "life.h"

#include "check.h"

/* A program ends by itself when something sleeps for ever. */
enum { LIFE_S = 40 };

/* Two devices with two contexts of two streams each, the second of them of a green context. */
enum { QUEUES = 8, ALL = (1 << QUEUES) - 1 };
enum { STREAM = 0x100, CONTEXT = 0x200, GREEN = 0x300, NOWHERE = 0x900 };
static struct device devices[2] = {{.handle = 0}, {.handle = 1}};
static struct queue queues[QUEUES];

static inline CUstream stream_of(uintptr_t number) {
    return (CUstream)(STREAM + number);
}

static inline CUcontext context_of(uintptr_t number) {
    return (CUcontext)(CONTEXT + number);
}

static inline CUcontext green_of(uintptr_t number) {
    return (CUcontext)(GREEN + number);
}

static inline void make_queues(void) {
    for (uintptr_t i = 0; i < QUEUES; i++) {
        queues[i].stream = stream_of(i);
        queues[i].context = context_of(i / 2);
        queues[i].green = i % 2 == 1 ? green_of(i / 2) : NULL;
        queues[i].device = &devices[i / 4];
    }
}

static const struct life_scope nowhere = {(CUstream)NOWHERE, NULL, LIFE_NO_DEVICE};

/* Whether it may be asked about now. */
static inline bool can_ask(const struct queue *queue) {
    if (!life_ask(queue))
        return false;
    life_answered();
    return true;
}

/* Changes that concern no queue and take slots. */
enum { ENOUGH = 1024 };
static struct life_change fillers[ENOUGH];
static int filled;

static inline void free_slot(void) {
    CHECK(filled > 0, "no slot is filled");
    life_end(fillers[--filled]);
}

static inline void empty_slots(void) {
    while (filled > 0)
        free_slot();
}

/* Fills all slots but `left`. */
static inline void fill_slots(int left) {
    do {
        CHECK(filled < ENOUGH, "there is no end of slots");
        fillers[filled] = life_begin(nowhere);
    } while (fillers[filled++].slot >= 0);
    /* The last found none. */
    for (left++; left > 0; left--)
        free_slot();
}

#endif
