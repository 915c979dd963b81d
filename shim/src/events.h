/*
 * What a program's own events prove: an event that has passed shows that everything launched on
 * its stream before its record has finished.
 */
#ifndef XSCHED_EVENTS_H
#define XSCHED_EVENTS_H

#include "queue.h"

/*
 * The event is about to be recorded on the queue's stream (NULL: one that has had no work). From
 * then on it proves nothing about the stream on which it was recorded before.
 */
void events_move(CUevent event, const struct queue *queue);

/* The event was just recorded on the queue's stream, behind `proven` submissions. */
void events_note(CUevent event, struct queue *queue, uint64_t proven);

/*
 * The queue that may be idle once the event has passed, held, and what that proves; NULL where it
 * proves nothing.
 */
struct queue *events_hold(CUevent event, uint64_t *proven);

/* The event has passed: its queue may be idle. */
void events_passed(CUevent event);

/* The event is gone; its handle may come back as another. */
void events_forget(CUevent event);

/* In a forked child: a lock may be held by a thread that does not exist here. */
void events_reset_after_fork(void);

#endif
