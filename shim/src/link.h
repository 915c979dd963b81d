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
static inline bool link_is_enabled(void) {
    return !atomic_load_explicit(&hot.is_off, memory_order_relaxed);
}

/* What the newest decision on some queue says of that. */
void link_set_enabled(bool on);

/* What a gate hears of the daemon while it waits. */
struct silence {
    uint64_t since; /* When it was heard last. */
    uint64_t lasted_ns;
};

struct silence link_listen(void);

/*
 * A gate has waited for another `lived_ns`: if nothing was heard for SILENCE_MS of such time, the
 * daemon's word stops counting until it is heard again. The clock is no measure: a process that was
 * stopped has heard nothing either.
 */
void link_check_silence(struct silence *silence, uint64_t lived_ns);

/* Whether messages can be sent; what is sent while it is down is lost, which is fine. */
bool link_is_up(void);

/* Packs and sends from the calling thread, without blocking. */
void link_send(const xsp_any *message);

/* The worker's part: what to poll for, what came of it, and what is due. */
struct pollfd link_poll(void);
void link_service(short events);
uint64_t link_maintain(uint64_t now);

/* At the end of the process. */
void link_say_goodbye(void);

/* In a forked child: the parent's socket is left to the parent. */
void link_reset_after_fork(void);

#endif
