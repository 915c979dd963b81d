/*
 * The link to the daemon: one ZeroMQ connection, sent on by any thread, read by the worker.
 *
 * Everything it says is level-triggered and repeated until answered, so a lost message delays and
 * never hangs. Without a daemon, or with a silent one, every queue may launch (XSCHED_FAIL=closed
 * turns that round).
 */
#ifndef XSCHED_LINK_H
#define XSCHED_LINK_H

#include "queue.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Connects if a daemon is there, without waiting for its answer. */
void link_start(void);

/* Whether the daemon's word counts: it is there and has been heard of late. */
bool link_is_heard(void);

/* False after `xsched off`: every gate is open. */
bool link_is_enabled(void);

/*
 * A gate has waited since `since` (clock_now): if nothing was heard for SILENCE_MS meanwhile, the
 * daemon's word stops counting until it is heard again.
 */
void link_check_silence(uint64_t since);

void link_register(struct queue *queue);
void link_unregister(struct queue *queue);

/* Tells whether the queue is ready, if that is not what the daemon was told last. */
void link_report(struct queue *queue, bool ready);

/* A thread waits at the queue's gate: asks for the queue's full state. */
void link_report_waiting(struct queue *queue);

/* The queue's whole state with its counters. */
void link_send_stats(struct queue *queue);

/* The worker's part: what to poll for, what came of it, and what is due. */
struct pollfd link_poll(void);
void link_service(short events);
uint64_t link_maintain(uint64_t now);

/* At the end of the process. */
void link_say_goodbye(void);

/* In a forked child: the parent's socket is left to the parent. */
void link_reset_after_fork(void);

#endif
