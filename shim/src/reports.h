/* What the shim tells the daemon of itself and its queues. */
#ifndef XSCHED_REPORTS_H
#define XSCHED_REPORTS_H

#include "ledger.h"
#include "queue.h"

#include <stdbool.h>

/* Who this process is: the first message of a link. */
void report_hello(void);

void report_registration(struct queue *queue);
void report_end(struct queue *queue);

/* Tells whether the queue is ready, if that is not what the daemon was told last. */
void report_state(struct queue *queue, bool ready);

/* The process serves a model instance, in itself or in a child of its; or no more. */
void report_served(const struct label *label);
void report_served_no_more(uint32_t label);

/* Tells of every model instance that the daemon has not answered for; false when there is none. */
bool report_untold(void);

/* A thread waits at the queue's gate: asks for the queue's full state. */
void report_waiting(struct queue *queue);

/* The queue's whole state with its counters. */
void report_stats(struct queue *queue);

/* What one function of the driver was called for so far. */
void report_calls(const struct ledger_line *line);

#endif
