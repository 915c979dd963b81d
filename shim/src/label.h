/*
 * Labels: which model a thread works for. A server that runs many models in one process tells by
 * the model that executes on the launching thread; who knows a server (triton.c) makes the labels,
 * and the gate asks for the thread's.
 */
#ifndef XSCHED_LABEL_H
#define XSCHED_LABEL_H

#include "hot.h"
#include "xsched_protocol.h"

#include <stdbool.h>
#include <stdint.h>

/* How important a server's own configuration calls a model. */
enum label_level {
    LABEL_LEVEL_NONE = XSP_LEVEL_NONE,
    LABEL_LEVEL_MIN = XSP_LEVEL_MIN,
    LABEL_LEVEL_DEFAULT = XSP_LEVEL_DEFAULT,
    LABEL_LEVEL_MAX = XSP_LEVEL_MAX,
};

/* A byte more than the protocol takes: who sends a text cuts it, at the end of a character. */
enum { LABEL_TEXT_BYTES = XSP_LABEL_BYTES + 2, LABEL_SHORT_BYTES = XSP_VERSION_BYTES + 2 };

/* A model instance as its server calls it. Texts are cut behind their limits. */
struct label {
    uint32_t id; /* Never reused in a process; 0: no label. */
    char model[LABEL_TEXT_BYTES];
    char version[LABEL_SHORT_BYTES];
    char instance[LABEL_TEXT_BYTES]; /* Empty for the model as a whole. */
    enum label_level level;
    bool told; /* The daemon has answered its SERVE on this link. */
};

/* The priority that a level stands for until a daemon says otherwise. */
int label_level_priority(enum label_level level);

/*
 * Keeps a label until label_end; `id` is filled in and returned. 0 where there are XSP_LABELS
 * already: what works for that model then has no label.
 */
uint32_t label_begin(struct label *label);
void label_end(uint32_t id);

/* A copy of the label; false when it has ended. */
bool label_get(uint32_t id, struct label *copy);

/* Whether the label has not ended. */
bool label_lasts(uint32_t id);

/* Calls `visit` with a copy of every label that has not ended. */
void label_each(void (*visit)(const struct label *label, void *data), void *data);

/* The daemon knows the label now, or (told = false, id = 0) none at all: the link is a new one. */
void label_mark(uint32_t id, bool told);

/*
 * The calling thread works for the label from now on. Returns what it worked for before, which
 * label_leave takes: executions may be nested.
 */
uint32_t label_enter(uint32_t id);
void label_leave(uint32_t before);

/* The label that the calling thread works for, 0 for none; label_enter sets it. */
static inline uint32_t label_of_thread(void) {
    return hot_thread.label;
}

void label_reset_after_fork(void);

#endif
