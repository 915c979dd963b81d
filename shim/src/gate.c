#include "gate.h"

#include "board.h"
#include "capture.h"
#include "clock.h"
#include "config.h"
#include "device.h"
#include "feed.h"
#include "hot.h"
#include "link.h"
#include "log.h"
#include "pieces.h"
#include "process.h"
#include "reports.h"
#include "table.h"
#include "window_pass.h"
#include "worker.h"

#include <errno.h>

/* A blocked thread looks around this long before it sleeps. */
static const uint64_t SPIN_NS = 20 * NS_PER_US;
/* It wakes this often by itself, to notice a silent daemon. */
static const uint64_t SLEEP_NS = 100 * NS_PER_MS;
/* A sleep that took longer than this was none: the process was stopped, its threads had no CPU. */
static const uint64_t STALL_NS = 200 * NS_PER_MS;
static const uint64_t SILENCE_NS = XSP_SILENCE_MS * NS_PER_MS;

static atomic_bool depends;

enum blocked_by { NOBODY, DAEMON, PROCESS, BOARD };

void gate_open_for_exit(void) {
    atomic_store(&hot.is_exiting, true);
}

void gate_reset_after_fork(void) {
    atomic_store(&hot.is_exiting, false);
    atomic_store(&depends, false);
}

void gate_note_dependence(void) {
    if (!atomic_load_explicit(&depends, memory_order_relaxed))
        atomic_store(&depends, true);
}

static inline enum blocked_by blocked(struct queue *queue) {
    if (!link_is_enabled() || atomic_load_explicit(&hot.is_exiting, memory_order_relaxed))
        return NOBODY;
    if (!atomic_load_explicit(&queue->hot->permit, memory_order_acquire) && link_is_heard()) {
        return DAEMON;
    }
    if (atomic_load(queue->hot->ready_top) > atomic_load(&queue->hot->rank))
        return PROCESS;
    if (board_bars(board_view(queue->hot)) && board_counts())
        return BOARD;
    return NOBODY;
}

/* What holds the thread back when it launches on the queue: nothing, while it serves a higher one.
 */
__attribute__((noinline, cold)) static enum blocked_by held_back(struct queue *queue) {
    enum blocked_by by = blocked(queue);
    /* Where its stream is gone the driver has to say so. */
    if (by == NOBODY || atomic_load(&queue->hot->orphaned))
        return NOBODY;
    struct queue *higher = feed_higher(queue);
    return higher != NULL && blocked(higher) == NOBODY ? NOBODY : by;
}

/* One of the launches that a queue was granted past others of its own process. */
static bool take_grace(struct queue *queue) {
    uint32_t left = atomic_load_explicit(&queue->grace, memory_order_relaxed);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&queue->grace, &left, left - 1))
            return true;
    }
    return false;
}

/* How long a gate has waited, without the time in which the process was stopped. */
struct patience {
    uint64_t looked_at;
    uint64_t lived_ns;
    struct silence silence;
    struct pulse pulse;
};

/* How long the process has lived since the last look. */
static uint64_t live_on(struct patience *patience) {
    uint64_t now = clock_now();
    uint64_t lived = now - patience->looked_at;
    if (lived > STALL_NS)
        lived = STALL_NS;
    patience->looked_at = now;
    patience->lived_ns += lived;
    return lived;
}

/*
 * A gate has waited on: launches pass when the daemon is silent, or when it talks but has no answer
 * to the registration of this very queue (it refuses it, or is of another kind).
 */
static void give_up_on_daemon(struct queue *queue, struct patience *patience, uint64_t lived) {
    link_check_silence(&patience->silence, lived);
    if (config.fail_closed || atomic_load(&queue->registered))
        return;
    if (patience->lived_ns < SILENCE_NS)
        return;
    if (!atomic_exchange(&queue->hot->permit, true)) {
        log_line(LOG_WARN, "the daemon does not answer for stream %u within %d ms: it passes",
                 atomic_load(&queue->id), XSP_SILENCE_MS);
    }
}

/* Out of the way of launches that need not wait: they read as little code as can be. True when the
 * launch is let past whoever holds it back. */
__attribute__((noinline, cold)) static bool wait_for_permission(struct queue *queue) {
    uint64_t began = clock_now();
    uint64_t limit = config.gate_max_ms * NS_PER_MS;
    struct patience patience = {began, 0, link_listen(), board_listen()};
    uint64_t since = 0; /* Since when it waits for nobody but who may wait for it in turn. */
    atomic_fetch_add(&queue->waiting, 1);
    bool counted = false;
    bool announced = false;
    bool is_granted = false;
    for (;;) {
        struct doze doze = device_listen(queue->device);
        enum blocked_by by = held_back(queue);
        if (by == NOBODY)
            break;
        /* Until the daemon has answered it is not for others that the queue waits. */
        if (!counted && (by != DAEMON || atomic_load(&queue->registered))) {
            counted = true;
            atomic_fetch_add_explicit(&queue->suspends, 1, memory_order_relaxed);
        }
        uint64_t now = clock_now();
        uint64_t waited = now - began;
        bool limited =
            limit != 0 && (by == PROCESS || (atomic_load(&depends) && !config.fail_closed));
        if (!limited || since == 0)
            since = now;
        if (limited) {
            is_granted = take_grace(queue);
            if (is_granted)
                break;
            if (now - since >= limit) {
                /* H may be waiting for this very thread: one window passes. */
                uint32_t window = config.window != 0 ? config.window : 1;
                atomic_store(&queue->grace, window - 1);
                is_granted = true;
                break;
            }
        }
        if (by == DAEMON && !announced) {
            announced = true;
            report_waiting(queue);
            worker_wake_by(clock_now() + XSP_READY_REPEAT_MS * NS_PER_MS);
            continue;
        }
        if (waited < SPIN_NS) {
            cpu_relax();
            continue;
        }
        uint64_t nap = SLEEP_NS;
        if (limited && limit - (now - since) < nap)
            nap = limit - (now - since);
        /* Sharp at the moment at which a daemon that never spoke meanwhile is given up. */
        uint64_t lived = patience.lived_ns;
        if (by == DAEMON && lived < SILENCE_NS && SILENCE_NS - lived < nap)
            nap = SILENCE_NS - lived;
        device_doze(&doze, nap);
        lived = live_on(&patience);
        if (by == DAEMON)
            give_up_on_daemon(queue, &patience, lived);
        else if (by == BOARD)
            board_check_pulse(&patience.pulse, lived);
    }
    atomic_fetch_sub(&queue->waiting, 1);
    atomic_fetch_add_explicit(&queue->waited_ns, clock_now() - began, memory_order_relaxed);
    return is_granted;
}

/* Whether the thread's last queue is that of this stream, which is not NULL. A default stream that
 * is a thread's own is left to gate_enter: it needs an event behind each launch. */
LAUNCH_PATH static inline bool is_latest(CUstream stream) {
    if (!LIKELY(stream == CU_STREAM_LEGACY))
        return queue_is_latest(0, (uintptr_t)stream);
    /* Before the driver is asked. */
    if (!LIKELY(hot_thread.stream == LEGACY_KEY))
        return false;
    CUcontext context = NULL;
    CUresult (*get_current)(CUcontext *) =
        atomic_load_explicit(&hot.get_current, memory_order_acquire);
    return LIKELY(get_current != NULL) && LIKELY(get_current(&context) == CUDA_SUCCESS) &&
           queue_is_latest((uintptr_t)context, LEGACY_KEY);
}

/*
 * The first launch of a queue that was idle: whoever has to stop for it learns so first of all, and
 * gate_enter does the rest.
 */
__attribute__((noinline)) LAUNCH_PATH static void begin(struct hot_queue *queue) {
    _Atomic int *ready_top = queue->ready_top;
    /* In a child that finds the line empty it is no queue's. */
    if (ready_top == NULL || atomic_load(&queue->bits) == NULL)
        return;
    atomic_fetch_add(&queue->entered, 1);
    board_announce(queue);
    ranks_announce(ready_top, atomic_load(&queue->rank));
    queue_become_ready(hot_thread.queue);
    atomic_fetch_sub(&queue->entered, 1);
}

/* In line, since a launch need not ask whether it is a copy. */
__attribute__((always_inline)) static inline struct hot_queue *pass(CUstream stream, bool is_copy) {
    if (!LIKELY(is_latest(stream)))
        return NULL;
    struct hot_queue *queue = hot_thread.hot;
    bool is_simple = LIKELY(atomic_load_explicit(&hot.captures_open, memory_order_acquire) == 0) &&
                     LIKELY(atomic_load_explicit(&queue->copier, memory_order_acquire) == 0) &&
                     LIKELY(!queue->nameless) && LIKELY(hot_thread.fed == hot_thread.queue) &&
                     (!is_copy || LIKELY(queue->gates_copies));
    if (!LIKELY(is_simple))
        return NULL;
    if (!LIKELY(atomic_load(&queue->ready))) {
        begin(queue);
        return NULL;
    }
    /* Read before `ready` is for the last time: whoever empties the line, or finds it empty in a
     * child, finds it not ready. */
    _Atomic int *ready_top = queue->ready_top;
    struct board_view view = board_view(queue);
    atomic_fetch_add(&queue->entered, 1);
    if (LIKELY(atomic_load(&queue->ready)) &&
        LIKELY(atomic_load_explicit(&queue->permit, memory_order_acquire)) &&
        LIKELY(atomic_load(ready_top) <= atomic_load(&queue->rank)) && LIKELY(!board_bars(view)))
        return queue;
    gate_turn_back(queue);
    return NULL;
}

LAUNCH_PATH struct hot_queue *gate_pass(CUstream stream) {
    return pass(stream, false);
}

LAUNCH_PATH struct hot_queue *gate_pass_copy(CUstream stream) {
    return pass(stream, true);
}

/* Whoever made the queue ready tells those who need to know. `at_once`: not only by message, and
 * that only where others do not see it on the board. */
static void tell(struct queue *queue, bool at_once) {
    if (!atomic_load_explicit(&queue->untold, memory_order_relaxed))
        return;
    int saved = errno;
    if (at_once)
        queue_tell(queue);
    else if (atomic_load_explicit(&queue->hot->place, memory_order_relaxed) == XSP_BOARD_SLOTS)
        queue_report_ready(queue);
    errno = saved;
}

static bool may_launch(struct queue *queue) {
    return blocked(queue) == NOBODY || held_back(queue) == NOBODY;
}

/* Takes room in the window, if there is one. True when the gate may have closed meanwhile. */
static bool take_room(struct ticket *ticket, struct work work) {
    struct queue *queue = ticket->queue;
    if (atomic_load_explicit(&queue->hot->window, memory_order_relaxed) == 0)
        return false;
    ticket->share = window_take(queue, work.weight, work.key, work.kind == WORK_LAUNCH);
    if (ticket->share.waited)
        ticket->outcome = CALL_GATED;
    return true;
}

/* Waits for permission and for room in the window, until it has both. */
static void take_turn(struct ticket *ticket, struct work work) {
    struct queue *queue = ticket->queue;
    for (bool is_granted = false;;) {
        if (is_granted || may_launch(queue)) {
            if (!take_room(ticket, work) || is_granted || may_launch(queue))
                return;
            /* Room that a thread had asleep would be kept from one that serves a higher queue. */
            if (ticket->share.weight != 0)
                window_put(queue, &ticket->share, WINDOW_FAILED);
            ticket->share.weight = 0;
        }
        tell(queue, true);
        is_granted = wait_for_permission(queue);
        ticket->outcome = CALL_GATED;
        window_interrupted(queue);
    }
}

/* What may have to wait, or to be found first. */
__attribute__((noinline)) static void enter_slowly(struct ticket *ticket, CUstream stream,
                                                   enum null_stream null_stream, struct work work) {
    ticket->queue = NULL;
    ticket->share.weight = 0;
    ticket->outcome = CALL_OUTCOMES;
    if (process_is_inert())
        return;
    if (work.kind == WORK_WAIT)
        gate_note_dependence();
    ticket->outcome = CALL_BYPASSED;
    struct queue *queue = queue_find(stream, null_stream);
    if (queue == NULL)
        return;
    if (atomic_load_explicit(&hot.captures_open, memory_order_acquire) > 0 &&
        capture_includes(queue)) {
        ticket->outcome = CALL_CAPTURED;
        return;
    }
    if (work.kind == WORK_WAIT)
        return;
    if (work.kind != WORK_ASIDE)
        pieces_let_finish(queue);
    ticket->queue = queue;
    atomic_fetch_add(&queue->hot->entered, 1);
    if (!atomic_load(&queue->hot->ready))
        queue_become_ready(queue);
    /* A copy may keep its thread in the driver until it is done. */
    tell(queue, work.kind != WORK_LAUNCH);
    if (work.kind == WORK_ASIDE || (work.kind == WORK_COPY && !queue->hot->gates_copies))
        return;
    ticket->outcome = CALL_PASSED;
    feed_note(queue);
    int saved = errno;
    take_turn(ticket, work);
    errno = saved;
}

LAUNCH_PATH void gate_enter(struct ticket *ticket, struct hot_queue *passed, CUstream stream,
                            enum null_stream null_stream, struct work work) {
    if (LIKELY(passed != NULL)) {
        struct queue *queue = hot_thread.queue;
        ticket->queue = queue;
        ticket->outcome = CALL_PASSED;
        if (LIKELY(window_pass(&queue->flight, &ticket->share, work.weight, work.key)))
            return;
        gate_turn_back(passed);
    }
    enter_slowly(ticket, stream, null_stream, work);
}

LAUNCH_PATH void gate_leave(const struct ticket *ticket, enum hook_id function, CUresult result) {
    if (LIKELY(result == CUDA_SUCCESS) && ticket->outcome != CALL_OUTCOMES)
        ledger_count(function, ticket->outcome);
    struct queue *queue = ticket->queue;
    if (queue == NULL)
        return;
    struct hot_queue *line = queue->hot;
    if (LIKELY(ticket->share.weight != 0)) {
        enum window_counted counted = LIKELY(result == CUDA_SUCCESS)
                                          ? window_count(&queue->flight, &ticket->share)
                                          : WINDOW_FAILED;
        if (!LIKELY(counted == WINDOW_COUNTED))
            window_put(queue, &ticket->share, counted);
    }
    if (!LIKELY(!line->nameless) && result == CUDA_SUCCESS) {
        int saved = errno;
        queue_trail(queue);
        errno = saved;
    }
    tell(queue, true);
    atomic_fetch_add(&line->returned, 1);
}
