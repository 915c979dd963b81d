#include "label.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct label *labels[XSP_LABELS];
static uint32_t next_id = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int label_level_priority(enum label_level level) {
    switch (level) {
    case LABEL_LEVEL_MAX:
        return XSP_LEVEL_MAX_PRIORITY;
    case LABEL_LEVEL_MIN:
        return XSP_LEVEL_MIN_PRIORITY;
    default:
        return 0;
    }
}

uint32_t label_begin(struct label *label) {
    uint32_t id = 0;
    struct label *kept = malloc(sizeof(*kept));
    pthread_mutex_lock(&lock);
    for (int i = 0; i < XSP_LABELS && kept != NULL && id == 0; i++) {
        if (labels[i] != NULL)
            continue;
        id = label->id = next_id++;
        *kept = *label;
        labels[i] = kept;
    }
    pthread_mutex_unlock(&lock);
    if (id == 0)
        free(kept);
    return id;
}

/* The lock is held. */
static int find(uint32_t id) {
    for (int i = 0; i < XSP_LABELS; i++) {
        if (labels[i] != NULL && labels[i]->id == id)
            return i;
    }
    return -1;
}

void label_end(uint32_t id) {
    pthread_mutex_lock(&lock);
    int index = find(id);
    if (index >= 0) {
        free(labels[index]);
        labels[index] = NULL;
    }
    pthread_mutex_unlock(&lock);
}

bool label_lasts(uint32_t id) {
    pthread_mutex_lock(&lock);
    bool lasts = find(id) >= 0;
    pthread_mutex_unlock(&lock);
    return lasts;
}

bool label_get(uint32_t id, struct label *copy) {
    pthread_mutex_lock(&lock);
    int index = find(id);
    if (index >= 0)
        *copy = *labels[index];
    pthread_mutex_unlock(&lock);
    return index >= 0;
}

void label_each(void (*visit)(const struct label *label, void *data), void *data) {
    for (int i = 0; i < XSP_LABELS; i++) {
        struct label copy = {.id = 0};
        pthread_mutex_lock(&lock);
        if (labels[i] != NULL)
            copy = *labels[i];
        pthread_mutex_unlock(&lock);
        if (copy.id != 0)
            visit(&copy, data);
    }
}

void label_mark(uint32_t id, bool told) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < XSP_LABELS; i++) {
        if (labels[i] != NULL && (id == 0 || labels[i]->id == id))
            labels[i]->told = told;
    }
    pthread_mutex_unlock(&lock);
}

uint32_t label_enter(uint32_t id) {
    uint32_t before = hot_thread.label;
    hot_thread.label = id;
    /* The queue that it used last may be another label's. */
    hot_forget();
    return before;
}

void label_leave(uint32_t before) {
    label_enter(before);
}

void label_reset_after_fork(void) {
    /* What the parent's server executes is none of the child's; the records are forgotten. */
    pthread_mutex_init(&lock, NULL);
    memset(labels, 0, sizeof(labels));
    hot_thread.label = 0;
}
