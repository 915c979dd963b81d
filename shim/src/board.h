/*
 * The board, as far as a client goes: shared memory in which queues show that they have work, and
 * see whether somebody else they yield to has some. protocol/board.h lays it out, and
 * test/board/README.md has the rules.
 *
 * A queue that the daemon gave a slot sets the slot's bit while any queue of the slot is ready. A
 * launch passes when no bit of the slot's mask is set, which costs two loads more than without a
 * board. All else, which slot and which mask, is the daemon's.
 */
#ifndef XSCHED_BOARD_H
#define XSCHED_BOARD_H

#include "queue.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Opens the board that lies beside the daemon's socket, unless it is open. Returns the nonce that
 * is on it, which the daemon has to know; 0 where there is none or it may not be written to, or
 * with XSCHED_BOARD=off. The worker's.
 */
uint64_t board_open(void);

/* The queue has no slot; for a new record, before it can be found. */
void board_start(struct queue *queue);

/*
 * The queue's slot is this one from now on; 0 for none. `anew`: it may be another daemon that says
 * so, and the slot's bit what somebody else left. The device's lock is held. Threads that wait at
 * its gates have to be woken after it.
 */
void board_assign(struct queue *queue, uint32_t slot, bool anew);

/*
 * The queue is about to be ready: others see it before this thread has waited for any lock. Whoever
 * does so calls queue_become_ready next.
 */
static inline void board_announce(struct hot_queue *queue) {
    atomic_fetch_add(&queue->announcers, 1);
    uint8_t place = atomic_load(&queue->place);
    if (place < XSP_BOARD_SLOTS)
        atomic_fetch_or(atomic_load(&queue->bits), UINT64_C(1) << place);
    atomic_fetch_sub(&queue->announcers, 1);
}

/* The queue is ready now, or is not any more. The device's lock is held. */
void board_show(struct queue *queue);
void board_hide(struct queue *queue);

/* Writes the queue's bit anew, should somebody else have written it. */
void board_mend(struct queue *queue);

/* Wakes the threads of all processes that sleep at gates of the device. */
void board_wake(struct device *device);

/* What of the board a queue looks at. */
struct board_view {
    const _Atomic uint64_t *bits, *mask; /* Of all slots of the device; of its own. */
};

static inline struct board_view board_view(const struct hot_queue *queue) {
    return (struct board_view){atomic_load_explicit(&queue->bits, memory_order_acquire),
                               atomic_load_explicit(&queue->mask, memory_order_relaxed)};
}

/* Whether somebody whom the queue yields to has work. */
static inline bool board_bars(struct board_view view) {
    return (atomic_load(view.bits) & atomic_load_explicit(view.mask, memory_order_relaxed)) != 0;
}

/* Whether the masks count: not after a daemon gave no sign of life for too long. */
bool board_counts(void);

/* What a gate sees of the daemon's sign of life while it waits. */
struct pulse {
    uint32_t beat;
    uint64_t lasted_ns; /* How long that has been so, as far as the process lived. */
};

struct pulse board_listen(void);

/* A gate has waited for another `lived_ns`; see link_check_silence, which is the same for messages.
 */
void board_check_pulse(struct pulse *pulse, uint64_t lived_ns);

/* The masks count again when the daemon gives signs of life. The worker's. */
void board_look(void);

/* In a forked child: the slots are the parent's. */
void board_reset_after_fork(void);

#endif
