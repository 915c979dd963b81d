#include "events.h"

/*
 * Direct-mapped and lossy: an event pushed out by another proves nothing, and the worker finds out
 * by asking the stream. So a record costs a store, whatever number of events a program has.
 */
enum { NOTE_COUNT = 1024 };

struct note {
    pthread_mutex_t lock;
    CUevent event;
    struct queue *queue;
    uint32_t queue_id; /* The record may serve another stream by the time the event passes. */
    uint64_t proven;
};

static struct note notes[NOTE_COUNT] = {
    [0 ... NOTE_COUNT - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER},
};

static struct note *note_of(CUevent event) {
    uint64_t mixed = (uint64_t)(uintptr_t)event * UINT64_C(0x9E3779B97F4A7C15);
    return &notes[(mixed >> 40) % NOTE_COUNT];
}

void events_move(CUevent event, const struct queue *queue) {
    struct note *note = note_of(event);
    pthread_mutex_lock(&note->lock);
    if (note->event == event && note->queue != queue)
        note->queue = NULL;
    pthread_mutex_unlock(&note->lock);
}

void events_note(CUevent event, struct queue *queue, uint64_t proven) {
    struct note *note = note_of(event);
    pthread_mutex_lock(&note->lock);
    note->event = event;
    note->queue = queue;
    note->queue_id = atomic_load(&queue->id);
    note->proven = proven;
    pthread_mutex_unlock(&note->lock);
}

struct queue *events_hold(CUevent event, uint64_t *proven) {
    struct note *note = note_of(event);
    struct queue *queue = NULL;
    uint32_t id = 0;
    pthread_mutex_lock(&note->lock);
    if (note->event == event) {
        queue = note->queue;
        id = note->queue_id;
        *proven = note->proven;
    }
    pthread_mutex_unlock(&note->lock);
    return queue != NULL && queue_hold(queue, id) ? queue : NULL;
}

void events_passed(CUevent event) {
    uint64_t proven;
    struct queue *queue = events_hold(event, &proven);
    if (queue == NULL)
        return;
    queue_try_idle(queue, proven, GAPS_SYNCED);
    queue_release(queue);
}

void events_forget(CUevent event) {
    struct note *note = note_of(event);
    pthread_mutex_lock(&note->lock);
    if (note->event == event)
        note->queue = NULL;
    pthread_mutex_unlock(&note->lock);
}

void events_reset_after_fork(void) {
    for (size_t i = 0; i < NOTE_COUNT; i++) {
        pthread_mutex_init(&notes[i].lock, NULL);
        notes[i].queue = NULL;
    }
}
