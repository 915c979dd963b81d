#include "queue.h"

#include "board.h"
#include "clock.h"
#include "config.h"
#include "device.h"
#include "drain.h"
#include "link.h"
#include "registry.h"
#include "reports.h"

#include <limits.h>

/*
 * A queue that turns idle again sooner than this after its last IDLE waits for the worker to say
 * so: a program that synchronises after every kernel must not send a message for each.
 */
static const uint64_t REPORT_GAP_NS = 250 * NS_PER_US;

/* Work that lasts so long is told of though nobody has to know: it is shown to whoever asks. */
static const uint64_t LASTING_NS = 20 * NS_PER_MS;

/*
 * How long somebody of another process waits is the message that stops a queue and then what it has
 * in flight: this part of the latency is left for the latter. Inside a process, and on the board,
 * nothing has to arrive first.
 */
enum { WINDOW_SHARE_BETWEEN_PROCESSES = 2 };

/*
 * Where the GPU runs one process at a time it has to pass over to the one that waits, which an H200
 * takes so long for. At least half of the latency is left for what is in flight.
 */
static const uint64_t SWITCH_NS = 70 * NS_PER_US;

static atomic_bool stream_priorities;

void queue_use_stream_priorities(bool use) {
    atomic_store(&stream_priorities, use);
}

static int rank_of(const struct queue *queue) {
    return rank_make(queue->priority, atomic_load(&stream_priorities) ? queue->step : 0);
}

struct weigh_in {
    struct device *device;
    int lowest;
    bool news; /* A busy queue has come to be watched. */
};

static void find_lowest(struct queue *queue, void *data) {
    struct weigh_in *among = data;
    if (queue->device != among->device)
        return;
    int rank = atomic_load(&queue->hot->rank);
    if (among->lowest == RANK_NONE || rank < among->lowest)
        among->lowest = rank;
}

/* Who has a window and whom others wait for follows from the ranks that are registered. */
static void set_consequences(struct queue *queue, void *data) {
    struct weigh_in *among = data;
    struct device *device = among->device;
    if (queue->device != device)
        return;
    int rank = atomic_load(&queue->hot->rank);
    bool outranked_inside = atomic_load(device->registered.top) > rank;
    bool outranked = queue->daemon_window != 0 || outranked_inside;
    uint32_t window = 0;
    if (outranked && link_is_enabled()) {
        window =
            queue->daemon_window != 0 && !config.has_window ? queue->daemon_window : config.window;
    }
    uint64_t latency_us = config.has_latency ? config.latency_us : queue->daemon_latency;
    uint64_t window_ns = latency_us * NS_PER_US;
    if (!outranked_inside && queue->slot == 0)
        window_ns /= WINDOW_SHARE_BETWEEN_PROCESSES;
    else if (!outranked_inside && !device->mps)
        window_ns -= window_ns / 2 < SWITCH_NS ? window_ns / 2 : SWITCH_NS;
    window_agree(queue, window, config.has_window ? 0 : window_ns);
    bool watched = queue->daemon_watched || among->lowest < rank;
    if (!atomic_exchange(&queue->watched, watched) && watched && atomic_load(&queue->hot->ready))
        among->news = true;
}

/* The device's lock is held. True when the worker has to look sooner than it meant to. */
static bool recompute(struct device *device) {
    struct weigh_in among = {device, RANK_NONE, false};
    queue_each(find_lowest, &among);
    queue_each(set_consequences, &among);
    return among.news;
}

/* Gives the queue the rank that its priority means now. The device's lock is held. */
static void rerank(struct queue *queue) {
    struct device *device = queue->device;
    int before = atomic_load(&queue->hot->rank);
    int after = rank_of(queue);
    if (after == before)
        return;
    ranks_remove(&device->registered, before);
    ranks_add(&device->registered, after);
    if (queue_shows_work(queue)) {
        ranks_add(&device->ready, after);
        ranks_remove(&device->ready, before);
    }
    atomic_store(&queue->hot->rank, after);
}

/* Until the daemon says otherwise. */
static int first_priority(const struct label *label) {
    return config.has_priority ? config.priority : label_level_priority(label->level);
}

/* What the daemon has said of the label's newest queue, and of those of others. */
struct word {
    uint32_t label;
    uint32_t newest; /* Its number; 0: there is none yet. */
    int priority;
    int lowest; /* Of the others. */
};

static void hear(struct queue *queue, void *data) {
    struct word *word = data;
    if (!atomic_load(&queue->registered))
        return;
    pthread_mutex_lock(&queue->device->lock);
    int priority = queue->priority;
    pthread_mutex_unlock(&queue->device->lock);
    uint32_t id = atomic_load(&queue->id);
    if (queue->label.id != word->label) {
        word->lowest = priority < word->lowest ? priority : word->lowest;
    } else if (id > word->newest) {
        word->newest = id;
        word->priority = priority;
    }
}

bool queue_is_above_others(uint32_t label) {
    static const struct label unlabelled = {.level = LABEL_LEVEL_NONE};
    struct label own = unlabelled;
    struct word word = {label, 0, 0, INT_MAX};
    label_get(label, &own);
    queue_each(hear, &word);
    int first = first_priority(&own);
    /* A rule or a hint may hold for all of the process: then nobody is above anybody. */
    if (word.newest != 0 && word.priority != first)
        return word.priority > word.lowest;
    return first > first_priority(&unlabelled);
}

void queue_enlist(struct queue *queue) {
    struct device *device = queue->device;
    queue->priority = first_priority(&queue->label);
    queue->daemon_latency = XSP_LATENCY_US; /* Until a daemon says otherwise. */
    pthread_mutex_lock(&device->lock);
    int rank = rank_of(queue);
    atomic_store(&queue->hot->rank, rank);
    ranks_add(&device->registered, rank);
    atomic_store(&queue->alive, true);
    bool watch = recompute(device);
    pthread_mutex_unlock(&device->lock);
    report_registration(queue);
    if (watch)
        drain_watch();
}

/* Others no longer see that it has work, or do. The device's lock is held. */
static void hide_work(struct queue *queue) {
    ranks_remove(&queue->device->ready, atomic_load(&queue->hot->rank));
    board_hide(queue);
}

static void show_work(struct queue *queue) {
    board_show(queue);
    ranks_add(&queue->device->ready, atomic_load(&queue->hot->rank));
}

static void end_yield(struct queue *queue) {
    if (!atomic_exchange(&queue->yields, false))
        return;
    show_work(queue);
    gaps_yielded(&queue->gaps, clock_now());
}

void queue_retire(struct queue *queue) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    if (!atomic_load(&queue->alive)) {
        pthread_mutex_unlock(&device->lock);
        return;
    }
    int rank = atomic_load(&queue->hot->rank);
    ranks_remove(&device->registered, rank);
    if (queue_shows_work(queue))
        hide_work(queue);
    atomic_store(&queue->hot->ready, false);
    atomic_store(&queue->yields, false);
    board_assign(queue, 0, false);
    atomic_store(&queue->alive, false);
    /* A thread still at its gate must not wait for a queue that no longer exists. */
    atomic_store(&queue->hot->permit, true);
    recompute(device);
    pthread_mutex_unlock(&device->lock);
    device_wake(device);
    report_end(queue);
}

void queue_become_ready(struct queue *queue) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    if (!atomic_load(&queue->hot->ready) && atomic_load(&queue->alive)) {
        /* It is seen to have work before another thread may launch without looking after that. */
        show_work(queue);
        atomic_store(&queue->hot->ready, true);
        queue->ready_at = clock_now();
        gaps_begin(&queue->gaps, queue->ready_at);
        queue->state_seq++;
        queue->stats_repeats = 0;
        atomic_store(&queue->untold, true);
    } else {
        /* Whoever came here found it idle for a moment, and has set its bit. */
        end_yield(queue);
    }
    bool lowered = ranks_settle(&device->ready);
    pthread_mutex_unlock(&device->lock);
    if (lowered)
        device_wake(device);
}

void queue_report_ready(struct queue *queue) {
    pthread_mutex_lock(&queue->device->lock);
    bool report = queue->notify && !atomic_load(&queue->reported_ready);
    pthread_mutex_unlock(&queue->device->lock);
    if (report)
        report_state(queue, true);
}

void queue_tell_lasting(struct queue *queue) {
    pthread_mutex_lock(&queue->device->lock);
    bool lasts = queue->daemon_watched && atomic_load(&queue->hot->ready) &&
                 clock_now() - queue->ready_at >= LASTING_NS;
    pthread_mutex_unlock(&queue->device->lock);
    if (lasts)
        report_state(queue, true);
}

void queue_tell(struct queue *queue) {
    atomic_store(&queue->untold, false);
    queue_report_ready(queue);
    if (!atomic_load_explicit(&queue->watched, memory_order_relaxed))
        return;
    if (queue_is_waited_for(queue))
        drain_watch_at_leisure();
    else
        drain_watch();
}

/* Takes the queue out of those that have work, if it has none. The device's lock is held. */
static bool become_idle(struct queue *queue, uint64_t proven, enum gaps_proof proof, uint64_t now) {
    atomic_store(&queue->hot->ready, false);
    if (atomic_load(&queue->hot->entered) != proven) {
        atomic_store(&queue->hot->ready, true);
        return false;
    }
    if (!atomic_exchange(&queue->yields, false))
        hide_work(queue);
    queue->ready_ns += now - queue->ready_at;
    atomic_store(&queue->idle_at, now);
    atomic_store(&queue->ends_seen, proof == GAPS_SYNCED ? atomic_load(&queue->ends_seen) + 1 : 0);
    queue->state_seq++;
    queue->stats_repeats = 0;
    return true;
}

/* Whether the daemon is to hear at once that the queue is idle. The device's lock is held. */
static bool is_idle_news(struct queue *queue, uint64_t now) {
    if (!queue->notify || !atomic_load(&queue->reported_ready) ||
        now - queue->idle_reported_at <= REPORT_GAP_NS)
        return false;
    queue->idle_reported_at = now;
    return true;
}

bool queue_try_idle(struct queue *queue, uint64_t proven, enum gaps_proof proof) {
    queue_note_completed(queue, proven);
    if (atomic_load(&queue->hot->entered) != proven ||
        atomic_load(&queue->hot->returned) != proven) {
        return false;
    }
    /* Programs poll; a stream that is known to be idle, or to linger, costs them no lock. */
    if (!atomic_load(&queue->hot->ready) || gaps_due(&queue->gaps, proven) > clock_now())
        return false;
    struct device *device = queue->device;
    bool idle = false, report = false, lingers = false;
    pthread_mutex_lock(&device->lock);
    if (atomic_load(&queue->hot->ready) && atomic_load(&queue->alive) &&
        atomic_load(&queue->hot->returned) == proven) {
        uint64_t now = clock_now();
        /* What a linger rests on the program has seen itself. */
        enum gaps_proof first = gaps_are_habit(&queue->gaps) ? GAPS_SYNCED : proof;
        lingers = atomic_load(&queue->watched) && gaps_end(&queue->gaps, proof, proven, now);
        idle = !lingers && become_idle(queue, proven, first, now);
        report = idle && is_idle_news(queue, now);
    }
    pthread_mutex_unlock(&device->lock);
    if (lingers)
        drain_watch();
    if (!idle)
        return false;
    window_drained(queue, proven);
    device_wake(device);
    if (report)
        report_state(queue, false);
    return true;
}

void queue_yield(struct queue *queue) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    bool yields = queue_shows_work(queue) && atomic_load(&queue->alive);
    if (yields) {
        hide_work(queue);
        atomic_store(&queue->yields, true);
    }
    pthread_mutex_unlock(&device->lock);
    if (yields)
        device_wake(device);
}

void queue_end_yield(struct queue *queue) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    end_yield(queue);
    pthread_mutex_unlock(&device->lock);
}

void queue_apply(struct queue *queue, bool permit, const xsp_permit *state) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    bool stale = atomic_load(&queue->registered) && (int32_t)(state->seq - queue->permit_seq) < 0;
    /* The record may have been given to another stream since the message was sent. */
    if (atomic_load(&queue->id) != state->queue || !atomic_load(&queue->alive))
        stale = true;
    if (!stale) {
        bool anew = !atomic_load(&queue->registered);
        bool watched = state->watched || state->notify;
        /* Most decisions change the permit alone, and that concerns no other queue. */
        bool others = anew || queue->slot != state->slot || queue->priority != state->priority ||
                      queue->daemon_window != state->window ||
                      queue->daemon_latency != state->latency || queue->daemon_watched != watched ||
                      queue->notify != state->notify || queue->enabled != state->enabled;
        queue->permit_seq = state->seq;
        queue->priority = state->priority;
        queue->daemon_window = state->window;
        queue->daemon_latency = state->latency;
        queue->daemon_watched = watched;
        queue->notify = state->notify;
        atomic_store(&queue->registered, true);
        queue->enabled = state->enabled;
        link_set_enabled(state->enabled);
        if (queue->slot != state->slot)
            queue->stats_repeats = 0; /* The daemon keeps the one before until it has heard. */
        board_assign(queue, state->slot, anew);
        if (others) {
            rerank(queue);
            recompute(device);
        }
        atomic_store_explicit(&queue->hot->permit, permit, memory_order_release);
    }
    /* Somebody began to wait for this queue, whose state was not told while nobody did. */
    bool ready = atomic_load(&queue->hot->ready);
    bool report = !stale && queue->notify && ready != atomic_load(&queue->reported_ready);
    pthread_mutex_unlock(&device->lock);
    device_wake(device);
    if (report)
        report_state(queue, ready);
    if (!stale && atomic_load(&queue->hot->ready) && atomic_load(&queue->watched))
        drain_watch();
}

static void open_one(struct queue *queue, void *data) {
    (void)data;
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    atomic_store(&queue->hot->permit, !config.fail_closed);
    atomic_store(&queue->registered, false);
    atomic_store(&queue->reported_ready, false);
    queue->daemon_window = 0;
    queue->daemon_watched = false;
    queue->notify = false;
    recompute(device);
    pthread_mutex_unlock(&device->lock);
    device_wake(device);
}

void queue_open_all(void) {
    queue_each(open_one, NULL);
}
