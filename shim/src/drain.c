#include "drain.h"

#include "capture.h"
#include "clock.h"
#include "device.h"
#include "life.h"
#include "registry.h"
#include "reports.h"
#include "resolve.h"
#include "round.h"
#include "thread.h"

#include <pthread.h>
#include <stdatomic.h>

/* How soon a watched queue is asked after it fell quiet, and how the pause grows. */
static const uint64_t POLL_FIRST_NS = 50 * NS_PER_US;
static const uint64_t POLL_MAX_NS = 200 * NS_PER_US;
/* While it is still being fed, or a synchronisation will bring the answer. */
static const uint64_t POLL_BUSY_NS = 500 * NS_PER_US;
/* While a thread sleeps until it is idle, which may be at any moment. */
static const uint64_t POLL_AWAITED_NS = 30 * NS_PER_US;
/* How long a queue with slack yields: twice what others may have in flight by default, since they
 * have to wake up first. */
static const uint64_t YIELD_NS = 400 * NS_PER_US;
/* While a program is as fast as the GPU, whether it still is. */
static const uint64_t SAMPLE_NS = 200 * NS_PER_US;
/* Where a program that waits for all its work is idle for a moment: without a ring its next work is
 * looked at so late at most. */
static const uint64_t POLL_LEISURE_NS = NS_PER_MS;
static const uint64_t MOMENT_NS = 10 * NS_PER_MS;
/* While nobody would gain from knowing. */
static const uint64_t POLL_LAZY_NS = 100 * NS_PER_MS;
/* How long nothing at all is looked at. */
static const uint64_t POLL_IDLE_NS = 500 * NS_PER_MS;
/* An IDLE that was held back because it followed another too closely. */
static const uint64_t HELD_BACK_NS = NS_PER_MS;

static _Atomic uint32_t bell; /* Counts whatever there is to look at; the thread sleeps on it. */
static _Atomic uint64_t wakes_at; /* 0 while the thread is awake. */
static atomic_bool sweep_wanted;

/* Unless it is awake by then. */
static void ring(uint64_t within) {
    atomic_fetch_add(&bell, 1);
    if (atomic_load(&wakes_at) > clock_now() + within)
        futex_wake_all(&bell);
}

void drain_watch(void) {
    ring(POLL_MAX_NS);
}

void drain_watch_at_leisure(void) {
    ring(POLL_LEISURE_NS);
}

void drain_sweep_threads(void) {
    atomic_store(&sweep_wanted, true);
    drain_watch();
}

static CUresult ask_stream(struct queue *queue) {
    /* What records a graph has no work of its own, and must not be asked. */
    return capture_includes(queue) ? CUDA_ERROR_NOT_READY : driver.cuStreamQuery(queue->stream);
}

static CUresult ask_tail(struct queue *queue) {
    CUevent tail = atomic_load(&queue->tail);
    /* Each launch that the driver took was given its event before it returned. */
    return tail != NULL ? driver.cuEventQuery(tail) : CUDA_SUCCESS;
}

/* The stream is another label's now: it is asked itself only where it takes no event. */
static CUresult ask_behind(struct queue *queue) {
    if (atomic_load(&queue->trailed) == atomic_load(&queue->hot->returned))
        return ask_tail(queue);
    /* A launch was at the gate when the stream changed hands. */
    return queue_retrail(queue) ? CUDA_ERROR_NOT_READY : ask_stream(queue);
}

/* Whether everything on the queue's stream has finished; the program was kept from ending it. */
static CUresult ask_driver(struct queue *queue) {
    CUcontext popped;
    if (driver.cuCtxPushCurrent_v2 == NULL ||
        driver.cuCtxPushCurrent_v2(queue->context) != CUDA_SUCCESS) {
        return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    }
    int mode = capture_relax();
    CUresult result;
    /* No stream of these may be named here, so `behind` is no matter for them. */
    if (queue->hot->nameless || atomic_load(&queue->hot->orphaned))
        result = ask_tail(queue);
    else
        result = atomic_load(&queue->behind) ? ask_behind(queue) : ask_stream(queue);
    capture_restore(mode);
    driver.cuCtxPopCurrent_v2(&popped);
    return capture_is_error(result) ? CUDA_ERROR_NOT_READY : result;
}

static void schedule_poll(struct queue *queue, uint64_t now, uint64_t pause) {
    queue->poll_pause = pause;
    queue->poll_at = now + pause;
}

/* Whether the queue has drained, with the program kept from ending it until life_answered. False,
 * and nothing to answer, when it may not be asked about now. */
static bool ask(struct queue *queue, bool *is_drained) {
    if (!life_ask(queue))
        return false;
    CUresult result = atomic_load(&queue->alive) ? ask_driver(queue) : CUDA_ERROR_NOT_READY;
    /* An error is the program's to find; for us a stream that fails has nothing left to run. */
    *is_drained = result != CUDA_ERROR_NOT_READY;
    return true;
}

/* Nothing was launched lately. True when the queue is idle now. */
static bool ask_quiet(struct queue *queue, uint64_t returned) {
    bool is_drained;
    if (!ask(queue, &is_drained))
        return false;
    if (!is_drained)
        gaps_sample(&queue->gaps, false, clock_now());
    bool idle = is_drained && queue_try_idle(queue, returned, GAPS_ASKED);
    life_answered();
    return idle;
}

/* Whether somebody may gain if the queue, which is being fed, yields. */
static bool may_yield(const struct queue *queue, uint64_t returned, bool watched, uint64_t now) {
    return watched && atomic_load(&queue->hot->entered) == returned &&
           atomic_load(&queue->syncing) == 0 && gaps_is_long(&queue->gaps, now) &&
           now >= queue->sample_at && device_is_awaited(queue->device);
}

/* Asks between two launches, and yields if the program is slower than the GPU. */
static void ask_fed(struct queue *queue, uint64_t now) {
    bool is_drained;
    if (!ask(queue, &is_drained))
        return;
    gaps_sample(&queue->gaps, is_drained, clock_now());
    bool is_slow = gaps_is_slow(&queue->gaps);
    /* What is as fast as the GPU is not asked all the time. */
    queue->sample_at = is_slow || gaps_catch_up(&queue->gaps) ? 0 : now + SAMPLE_NS;
    if (is_drained && is_slow) {
        queue->yields_until = now + YIELD_NS;
        queue_yield(queue);
        /* A thread that began to wait before it could see this does not end it. */
        if (atomic_load(&queue->syncing) > 0)
            queue_end_yield(queue);
    }
    life_answered();
}

/* How long a queue that is still being fed is left alone. */
static uint64_t pause_of_fed(const struct queue *queue, bool watched, bool is_first, uint64_t now) {
    if (!watched)
        return POLL_LAZY_NS;
    /* Whoever waits at the gate can neither drain nor yield. */
    if (atomic_load(&queue->waiting) > 0)
        return POLL_BUSY_NS;
    if (queue_is_waited_for(queue) && !gaps_is_long(&queue->gaps, now))
        return POLL_BUSY_NS;
    return is_first || device_is_awaited(queue->device) ? POLL_FIRST_NS : POLL_BUSY_NS;
}

/*
 * Whether the queue may become idle at any moment: requests of one model take the GPU about as long
 * as the one before. Asking so often costs a tenth of a processor, so it must not last.
 */
static bool is_near_its_end(const struct queue *queue, uint64_t now) {
    enum { MARGIN_NS = 100000 };
    uint64_t quiet = now - queue->fed_at, lasted = queue->quiet_ns;
    return quiet + lasted / 4 + POLL_AWAITED_NS >= lasted &&
           quiet <= lasted + lasted / 4 + MARGIN_NS;
}

/* How long a queue is left alone that was found busy with what it has. */
static uint64_t pause_of_busy(const struct queue *queue, bool watched, uint64_t now) {
    if (!watched)
        return POLL_LAZY_NS;
    if (device_is_awaited(queue->device) && is_near_its_end(queue, now))
        return POLL_AWAITED_NS;
    uint64_t pause = queue->poll_pause * 2;
    return pause > POLL_MAX_NS || pause == 0 ? POLL_MAX_NS : pause;
}

/* What is known of a ready queue without asking: it yields, or lingers. True when that is all. */
static bool tend_gap(struct queue *queue, uint64_t returned, uint64_t now) {
    if (atomic_load(&queue->yields)) {
        if (now < queue->yields_until) {
            schedule_poll(queue, now, queue->yields_until - now);
            return true;
        }
        queue_end_yield(queue);
    }
    uint64_t due = gaps_due(&queue->gaps, returned);
    if (due > now) {
        schedule_poll(queue, now, due - now);
        return true;
    }
    /* That it has drained was known when it began to linger, whatever keeps the driver from saying
     * so now. */
    if (due == 0 || !queue_try_idle(queue, returned, GAPS_ASKED))
        return false;
    queue->poll_pause = 0;
    return true;
}

/* Looks after a ready queue: has it drained? */
static void poll_queue(struct queue *queue, uint64_t now) {
    bool watched = atomic_load(&queue->watched) || atomic_load(&queue->hot->orphaned);
    uint64_t returned = atomic_load(&queue->hot->returned);
    if (tend_gap(queue, returned, now))
        return;
    if (atomic_load(&queue->hot->entered) != returned || returned != queue->poll_seen) {
        /* Somebody is at the gate, in the driver, or was since the last look. */
        bool first = queue->poll_pause == 0 || returned == queue->poll_seen + 1;
        queue->poll_seen = returned;
        queue->fed_at = now;
        if (may_yield(queue, returned, watched, now))
            ask_fed(queue, now);
        schedule_poll(queue, now, pause_of_fed(queue, watched, first, now));
        return;
    }
    if (atomic_load(&queue->syncing) > 0 && watched) {
        /* The next gap is not to outlast what it lingers. */
        schedule_poll(queue, now, gaps_are_habit(&queue->gaps) ? POLL_MAX_NS : POLL_BUSY_NS);
        return;
    }
    if (ask_quiet(queue, returned)) {
        queue->quiet_ns = clock_now() - queue->fed_at;
        queue->poll_pause = 0;
        return;
    }
    schedule_poll(queue, now, pause_of_busy(queue, watched, now));
}

/* Ends what is left of a destroyed stream. False when it has to wait. */
static bool drop_orphan(struct queue *queue) {
    if (!life_ask(queue))
        return false;
    queue_drop(queue, false);
    life_answered();
    return true;
}

/* A program that comes again within a moment, and waits for what it does, need not ring. */
static void stay_near(const struct queue *queue, struct round *round) {
    uint64_t idle_at = atomic_load(&queue->idle_at);
    bool is_near = round->now < idle_at + MOMENT_NS && atomic_load(&queue->watched);
    if (is_near && queue_is_waited_for(queue))
        round_due(round, round->now + POLL_LEISURE_NS);
}

/* Its IDLE followed another too closely to be told at once. */
static void tell_held_back(struct queue *queue, struct round *round) {
    if (round->now - queue->idle_reported_at < HELD_BACK_NS) {
        round_due(round, queue->idle_reported_at + HELD_BACK_NS);
        return;
    }
    queue->idle_reported_at = round->now;
    report_state(queue, false);
}

static void tend(struct queue *queue, void *data) {
    struct round *round = data;
    uint64_t now = round->now;
    if (atomic_load(&queue->hot->ready)) {
        /* A queue that came to be watched must not sleep through its lazy pause. */
        bool overslept = atomic_load(&queue->watched) && queue->poll_pause > POLL_BUSY_NS;
        uint64_t due = gaps_due(&queue->gaps, atomic_load(&queue->hot->returned));
        if (now >= queue->poll_at || overslept || (due != 0 && now >= due))
            poll_queue(queue, now);
        if (!atomic_load(&queue->reported_ready))
            queue_tell_lasting(queue);
        if (atomic_load(&queue->hot->ready))
            round_due(round, due > now && due < queue->poll_at ? due : queue->poll_at);
    } else if (atomic_load(&queue->hot->orphaned)) {
        if (!drop_orphan(queue))
            round_due(round, now + POLL_BUSY_NS);
    } else {
        stay_near(queue, round);
        if (atomic_load(&queue->reported_ready))
            tell_held_back(queue, round);
    }
}

static bool is_spent(const struct queue *queue) {
    return atomic_load(&queue->behind) && !atomic_load(&queue->hot->ready) &&
           queue->label.id != 0 && !label_lasts(queue->label.id);
}

static void drop_if_over(struct queue *queue, void *unused) {
    (void)unused;
    bool spent = is_spent(queue);
    if ((!spent && !queue_is_of_dead_thread(queue)) || !life_ask(queue))
        return;
    if (spent)
        queue_drop_spent(queue);
    else
        queue_drop(queue, false);
    life_answered();
}

/* Seldom: a queue that nobody launches on costs little while it is there. */
static void sweep(uint64_t now) {
    static uint64_t swept_at;
    if (!atomic_exchange(&sweep_wanted, false) && now - swept_at < POLL_IDLE_NS)
        return;
    swept_at = now;
    queue_each(drop_if_over, NULL);
}

static void *run(void *name) {
    thread_begin(name);
    for (;;) {
        uint32_t seen = atomic_load(&bell);
        uint64_t now = clock_now();
        struct round round = {now, now + POLL_IDLE_NS};
        queue_each(tend, &round);
        sweep(now);
        /* Whoever rings after `seen` was read makes the sleep end at once. */
        atomic_store(&wakes_at, round.deadline);
        now = clock_now();
        if (round.deadline > now)
            futex_wait(&bell, seen, round.deadline - now);
        atomic_store(&wakes_at, 0);
    }
    return NULL;
}

bool drain_start(void) {
    return thread_start("xsched-drain", run);
}

void drain_reset_after_fork(void) {
    atomic_store(&wakes_at, 0);
}
