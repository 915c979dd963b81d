/*
 * Queues: the work of one CUDA stream, and what the shim knows of it.
 *
 * A queue is ready from the moment a thread enters the gate until its work has left the GPU.
 * `entered` counts the threads' entries (one that turns back takes its own off again), `returned`
 * their returns from the driver; evidence that everything up to `s = returned` has finished makes
 * the queue idle when `entered == returned == s` still holds. The ready flag is cleared first and
 * `entered` read again afterwards, both sequentially consistent, so a launch that slips in between
 * is never lost. While it yields (gaps.h) it is ready, but neither its rank nor the board shows it.
 *
 * Locks, in the order in which they may be taken: the registry's lock, a device's lock, a queue's
 * window lock, a device's lane's lock, the link's send lock. None but the window's is held in a
 * call of the driver that may wait; threads of other queues do not wait for it.
 */
#ifndef XSCHED_QUEUE_H
#define XSCHED_QUEUE_H

#include "cuda_abi.h"
#include "gaps.h"
#include "hot.h"
#include "label.h"
#include "lane.h"
#include "ranks.h"
#include "thread.h"
#include "window.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_MAX = XSP_QUEUES_PER_CLIENT };

/* What a NULL stream means to the variant of the call that was used. */
enum null_stream { LEGACY, PER_THREAD };

struct xsp_ready_device;

struct device {
    CUdevice handle;
    char uuid[64];
    bool mps; /* Kernels of several processes run beside each other. */
    pthread_mutex_t lock;
    struct ranks ready;      /* Ranks of the ready queues of this process. */
    struct ranks registered; /* Ranks of all its queues. */
    _Atomic int registered_top;
    _Atomic uint32_t wake_seq; /* Counts whatever may open a gate; gates sleep on it. */
    _Atomic uint32_t waiters;  /* Threads asleep on it. */
    _Atomic uint32_t loaded;   /* Queues that take a real part of the window of time. */
    struct lane lane;
    /* The board, see board.c; guarded by the lock unless atomic. */
    uint32_t slotted;                             /* Queues that have a slot. */
    uint16_t busy[XSP_BOARD_SLOTS];               /* By slot, the ready queues. */
    _Atomic(struct xsp_ready_device *) shared;    /* The device there, or where it was last. */
    _Atomic(struct xsp_ready_device *) sleeps_on; /* The same, while a queue has a slot. */
};

struct queue {
    /* Read by whoever comes by the record, also while it is given to another stream. */
    struct hot_queue *hot; /* The record's for ever. */
    _Atomic bool alive;
    _Atomic uint32_t id;      /* Never reused in a process. */
    _Atomic uint32_t holders; /* Threads that use the record from outside the gate. */

    struct device *device;
    CUstream stream;   /* The handle for the shim's own calls. */
    CUcontext context; /* Of a green context the primary one, which any thread may make current. */
    CUcontext green;   /* The stream's green context, or NULL. */

    /* Which queue it is. */
    uintptr_t key_context;
    uintptr_t key_stream;
    int step; /* The stream's CUDA priority as a step above the default. */
    int stream_priority;
    struct label label;

    /* What the daemon said and was told; guarded by the device's lock unless atomic. */
    int priority;
    uint32_t daemon_window;
    uint32_t daemon_latency; /* Microseconds; the last daemon's when there is none. */
    uint32_t permit_seq;
    bool daemon_watched; /* Somebody outside waits for the end of its work, and */
    bool notify;         /* has to be told of it. */
    bool enabled;
    uint32_t slot; /* Its name on the board, 0 without one. */
    uint32_t state_seq;
    _Atomic bool untold; /* It has become ready and nobody was told, see queue_tell. */
    _Atomic bool reported_ready;
    _Atomic bool registered; /* The daemon has answered its REGISTER on this link. */
    _Atomic uint64_t idle_reported_at;
    uint64_t ready_at;        /* Since when it has work, if it has, and */
    uint64_t ready_ns;        /* how long it had some before that. */
    _Atomic uint64_t idle_at; /* When it had none any more, the last time. */

    /* The gate. */
    _Atomic uint32_t waiting;
    _Atomic uint64_t waited_ns;
    _Atomic uint64_t suspends; /* How often threads came to wait. */
    _Atomic uint32_t grace;    /* Launches let past a queue of the same process, gate_max_ms. */
    struct window_state flight;
    _Atomic uint64_t completed;

    /* Idle detection. `watched`: somebody would gain from knowing at once. */
    _Atomic bool watched;
    _Atomic uint32_t ends_seen; /* How often in a row the program itself waited for its end. */
    _Atomic uint32_t syncing;   /* Threads inside a synchronisation that will bring evidence. */
    _Atomic(CUevent) tail;      /* Trails the work of a stream that cannot be asked itself. */
    _Atomic bool dropped;       /* Somebody has begun to end it. */
    _Atomic uint32_t leaving;   /* The same while it has its stream still, see ends.c. */
    _Atomic bool behind;        /* Its stream is another label's now. */
    _Atomic uint64_t trailed;   /* What of such a queue the tail proves. */
    uint64_t poll_seen;
    uint64_t poll_at;
    uint64_t poll_pause;
    struct gaps gaps;
    atomic_bool yields; /* It has work and does not count among those that have; drain.c ends it. */
    uint64_t yields_until;
    uint64_t sample_at; /* Not asked between launches before that. */
    uint64_t fed_at;    /* When it was last found to have been launched on, and */
    uint64_t quiet_ns;  /* how long after that it was idle, the time before. */

    /* Statistics as last sent; the worker's, but that others ask it for new ones. */
    uint64_t stats_at;
    uint64_t stats_submitted;
    _Atomic uint32_t stats_repeats;
    _Atomic uint64_t asked_at;
};

/*
 * The queue of `stream` as the calling thread means it, registered on first use. NULL where there
 * is nothing to schedule: no current context, an invalid stream, too many queues.
 */
struct queue *queue_find(CUstream stream, enum null_stream null_stream);

/* The same without registering: NULL when the stream has had no work yet. */
struct queue *queue_peek(CUstream stream, enum null_stream null_stream);

/* Whether a name is that of one of the default streams, whichever it means. */
static inline bool is_default_stream(CUstream stream) {
    return stream == NULL || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD;
}

/* The stream, or the name of the default stream that NULL means. */
static inline CUstream stream_by_name(CUstream stream, enum null_stream null_stream) {
    CUstream meant = null_stream == LEGACY ? CU_STREAM_LEGACY : CU_STREAM_PER_THREAD;
    return stream == NULL ? meant : stream;
}

/*
 * Whether the queue that the calling thread used last is that of the stream object `stream`
 * (context 0), or of a default stream of the context: nearly all launches need no look-up.
 */
static inline bool queue_is_latest(uintptr_t context, uintptr_t stream) {
    return LIKELY(hot_thread.stream == stream) && LIKELY(hot_thread.context == context) &&
           LIKELY(hot_thread.epoch == atomic_load_explicit(&hot.queue_epoch, memory_order_acquire));
}

/*
 * Until queue_release the record is not given to another stream: for those who come by a queue
 * other than by launching on its stream. False, and nothing to release, when it no longer is the
 * queue with that id.
 */
bool queue_hold(struct queue *queue, uint32_t id);
void queue_release(struct queue *queue);

/* The queue with that id, held, or NULL. */
struct queue *queue_by_id(uint32_t id);

/* Calls `visit` for every live queue and holds it meanwhile; queues made meanwhile may be missed.
 */
void queue_each(void (*visit)(struct queue *queue, void *data), void *data);

/*
 * Marks it ready if it is not. Called after `entered` went up. `untold` is set then: a message or a
 * wake would cost the launch a system call, so that they are left for queue_tell, when the driver
 * has the launch or before the thread has to wait.
 */
void queue_become_ready(struct queue *queue);

/* Tells the daemon, where it needs to know, that the queue is ready. */
void queue_report_ready(struct queue *queue);

/* Tells it of work that has lasted for a while, where somebody waits for its end. */
void queue_tell_lasting(struct queue *queue);

/*
 * Whether the program always waits for what it launches, so that nobody has to ask the driver when
 * that is done.
 */
static inline bool queue_is_waited_for(const struct queue *queue) {
    enum { HABIT = 8 };
    return atomic_load_explicit(&queue->ends_seen, memory_order_relaxed) >= HABIT;
}

/* What queue_report_ready does, and rings for the drain thread. */
void queue_tell(struct queue *queue);

/* Raises what is known to have finished to `proven`. */
static inline void queue_note_completed(struct queue *queue, uint64_t proven) {
    uint64_t known = atomic_load_explicit(&queue->completed, memory_order_relaxed);
    while (known < proven && !atomic_compare_exchange_weak(&queue->completed, &known, proven)) {
    }
}

/*
 * All its work up to `proven` has left the GPU: makes it idle if that is all there is, unless it
 * lingers. True when it is idle now and was not.
 */
bool queue_try_idle(struct queue *queue, uint64_t proven, enum gaps_proof proof);

/*
 * Puts an event of ours behind what is on the queue's stream, for streams that the drain thread
 * cannot ask: nameless ones, and those that are about to be destroyed. The stream's context is
 * current. False when the driver refuses.
 */
bool queue_trail(struct queue *queue);

/*
 * The same for a stream of any context, unless that would record the event in a graph. A nameless
 * one has its event already.
 */
bool queue_trail_anywhere(struct queue *queue);

/* The same, for a stream that goes to another label: sets `trailed` to what the event proves. */
bool queue_retrail(struct queue *queue);

/*
 * The stream is about to be destroyed. Work that it still has runs to its end, so a ready queue
 * lives on as an orphan until its tail has passed. Here and below the drain thread is kept away
 * from the queues, see life.h.
 */
void queue_drop_stream(CUstream stream);

/*
 * The queue's label has ended, and it is idle. It ends unless its stream is its own still: a stream
 * that serves one model after the other would have a queue for each that ever was.
 */
void queue_drop_spent(struct queue *queue);

/* The green context is about to be destroyed: the same for all its streams. */
void queue_drop_green(CUcontext green);

/* The context is gone, and all its queues with it. */
void queue_drop_context(CUcontext context);

/* Whether others see that it has work. The device's lock is held. */
static inline bool queue_shows_work(const struct queue *queue) {
    return atomic_load(&queue->hot->ready) && !atomic_load(&queue->yields);
}

/* A ready queue lets lower ones launch beside it from now on, and no longer. */
void queue_yield(struct queue *queue);
void queue_end_yield(struct queue *queue);

/*
 * Whether what is done for the label is more important than other work of the process, as far as
 * that is known: by what the daemon said of the label's newest queue, else by the label's level.
 */
bool queue_is_above_others(uint32_t label);

/* What a PERMIT or SUSPEND says; `seq` older than the last one is ignored. */
void queue_apply(struct queue *queue, bool permit, const xsp_permit *state);

/* The link is gone (or back): until told otherwise every queue may launch. */
void queue_open_all(void);

/* Wakes every thread that sleeps at a gate of this device. */
void device_wake(struct device *device);

/* Whether streams' CUDA priorities rank queues inside this process; the daemon may say so. */
void queue_use_stream_priorities(bool use);

/* What threads remember of queues no longer counts. For the start of a process, and the registry.
 */
void queue_outdate_threads(void);

/* In a forked child: nothing of the parent's is left. */
void queue_reset_after_fork(void);

#endif
