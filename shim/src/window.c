#include "window.h"

#include "clock.h"
#include "config.h"
#include "queue.h"
#include "room.h"
#include "tally.h"
#include "window_pass.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

/* How long a full window is watched before the thread sleeps between two looks. */
static const uint64_t SPIN_NS = 20 * NS_PER_US;
static const uint64_t NAP_MAX_NS = 1 * NS_PER_MS;
/* Who has to be awake at a time begins so long before: waking up takes about that long. */
static const uint64_t WAKE_NS = 60 * NS_PER_US;
/* Whoever has waited for so long goes before all others, or a large launch would never find room
 * behind the small ones of other threads; unless it has not been seen for the other time. */
static const uint64_t PATIENT_NS = 1 * NS_PER_MS;
static const uint64_t LOST_NS = 100 * NS_PER_MS;
static const uint64_t STALL_NS = 20 * NS_PER_MS;

void window_init(struct window_state *window) {
    memset(window, 0, sizeof(*window));
    pthread_mutex_init(&window->lock, NULL);
}

void window_end(struct window_state *window) {
    pthread_mutex_destroy(&window->lock);
}

void window_agree(struct queue *queue, uint32_t launches, uint64_t time_ns) {
    struct window_state *window = &queue->flight;
    uint64_t before = atomic_load(&window->terms);
    /* What is launched while there is none is not counted: the next one is another. */
    uint64_t lifts = terms_lifts(before) + (launches == 0 && terms_launches(before) != 0);
    uint64_t after = terms_make(launches, launches == 0 ? 0 : time_ns, lifts);
    if (after != before)
        atomic_store(&window->terms, after);
    atomic_store(&queue->hot->window, launches);
    if (launches == 0)
        room_set_load(queue, false);
}

/* The lock is held. */
static void count_missed(struct window_state *window, struct budget budget,
                         struct window_share share) {
    /* What was counted by the last era's unit is counted by this one's. */
    if (share.era != taken_era(atomic_load(&window->taken))) {
        budget.cost = room_cost(window, budget, share.weight, share.key, &share.kind);
        room_claim(window, budget, &share, true);
    }
    while (window_count(window, &share) == WINDOW_MISSED) {
    }
}

void window_put(struct queue *queue, const struct window_share *share,
                enum window_counted counted) {
    struct window_state *window = &queue->flight;
    int saved = errno;
    pthread_mutex_lock(&window->lock);
    /* The submission has not been counted as returned yet. */
    uint64_t own = counted == WINDOW_FAILED ? 0 : 1;
    struct budget budget = room_agree(queue, own);
    if (counted == WINDOW_FAILED) {
        /* Nothing has finished by that: whoever is stuck is as much so as before. */
        if (share->era == taken_era(atomic_load(&window->taken))) {
            room_take_back(queue, share->cost);
            lane_interrupted(&queue->device->lane);
            if (share->is_forced)
                window->grace += share->cost;
        }
    } else if (budget.size != 0) {
        if (counted == WINDOW_MISSED)
            count_missed(window, budget, *share);
        if (fences_are_full(&window->fences))
            room_settle(queue, false);
        if (window_is_due(window, atomic_load(&window->open)))
            room_fence(queue, own);
    }
    room_note_load(queue, budget);
    pthread_mutex_unlock(&window->lock);
    errno = saved;
}

/* A thread that waits for room. */
struct wait {
    uint64_t began;     /* 0 before the first look. */
    uint64_t nap_from;  /* Its naps grow with the time since then. */
    uint64_t looked_at; /* When it looked for room last. */
    /* How often something of the window, or of the lane, had passed by then, and since when that is
     * so. */
    struct moves {
        uint64_t count, at;
    } own, others;
    bool watched;   /* It has asked about the fences. */
    uint32_t turns; /* The window's, as of that look. */
    struct lane_wait lane;
};

/* The kernel adds the thread's timer slack to each sleep, which is longer than most of these. */
static void sleep_sharply(_Atomic uint32_t *word, uint32_t seen, uint64_t ns) {
    int slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    futex_wait(word, seen, ns < NAP_MAX_NS ? ns : NAP_MAX_NS);
    if (slack > 0)
        prctl(PR_SET_TIMERSLACK, (unsigned long)slack, 0UL, 0UL, 0UL);
}

/* Lets a little time pass. The lock is not held. */
static void nap(struct window_state *window, const struct wait *wait) {
    uint64_t waited = clock_now() - wait->nap_from;
    if (waited < SPIN_NS) {
        cpu_relax();
        return;
    }
    /* An eighth of what it took so far costs little throughput: the rest of the window is behind
     * the fence that is late. The driver's own wait has no limit, hence no use here. */
    sleep_sharply(&window->turns, wait->turns, waited / 8);
}

/* The same for who waits for the lane: only the first has anything to look for, and not until the
 * launch before it is nearly done. */
static void nap_for_lane(struct queue *queue, struct wait *wait, uint64_t window) {
    struct lane *lane = &queue->device->lane;
    uint32_t turn;
    if (!lane_is_first(lane, &wait->lane, &turn)) {
        sleep_sharply(&wait->lane.turn, turn, NAP_MAX_NS);
        wait->watched = false;
        return;
    }
    lane_look(lane, queue, wait->watched);
    wait->watched = true;
    uint64_t began, due = lane_due(lane, window, &began), now = clock_now();
    if (began == 0)
        return;
    uint64_t early = now + WAKE_NS < due ? due - now - WAKE_NS : 0;
    uint64_t pause = (now - began) / 16;
    if (early > 0 && early < pause)
        pause = early;
    if (early == 0 && now < due + SPIN_NS)
        cpu_relax();
    else
        sleep_sharply(&wait->lane.turn, turn, pause < SPIN_NS ? SPIN_NS : pause);
}

static void note_count(struct moves *moves, uint64_t count, uint64_t lost, uint64_t now) {
    if (moves->at == 0 || moves->count != count)
        *moves = (struct moves){count, now};
    else
        moves->at += lost;
}

/* Whether anything has passed since the last look, with a fence behind it or without. What is
 * longer than any nap was none: the process was stopped, or its threads had no CPU. */
static void note_moves(const struct queue *queue, struct wait *wait, uint64_t now) {
    uint64_t gap = wait->looked_at == 0 ? 0 : now - wait->looked_at;
    uint64_t lost = gap > STALL_NS ? gap - STALL_NS : 0;
    wait->looked_at = now;
    note_count(&wait->own, queue->flight.moves, lost, now);
    note_count(&wait->others, atomic_load(&queue->device->lane.moves), lost, now);
}

/* Whether nothing has passed for gate_max_ms, as of note_moves, and for `longer` nanoseconds. */
static bool is_stuck_since(uint64_t moved_at, uint64_t longer, uint64_t now) {
    uint64_t limit = config.gate_max_ms * NS_PER_MS;
    return limit != 0 && now - moved_at >= limit + longer;
}

/* Whether another thread has waited for too long, and longer than this one. */
static bool is_behind_eldest(struct window_state *window, const struct wait *wait) {
    if (window->eldest == 0)
        return false;
    if (clock_now() - window->eldest_seen > LOST_NS)
        window->eldest = 0;
    return window->eldest != 0 && (wait->began == 0 || wait->began > window->eldest);
}

/* The thread goes on waiting. */
static void note_wait(struct window_state *window, struct wait *wait, uint64_t now) {
    if (wait->began == 0)
        wait->began = wait->nap_from = now;
    bool is_patient = now - wait->began >= PATIENT_NS;
    if (is_patient && (window->eldest == 0 || window->eldest > wait->began)) {
        window->eldest = wait->began;
        wait->nap_from = now;
        room_open(window);
    }
    if (window->eldest == wait->began)
        window->eldest_seen = now;
}

static void end_wait(struct queue *queue, struct wait *wait) {
    struct window_state *window = &queue->flight;
    lane_leave(&queue->device->lane, &wait->lane);
    if (wait->began == 0 || window->eldest != wait->began)
        return;
    window->eldest = 0;
    room_open(window);
    atomic_fetch_add(&window->turns, 1);
    futex_wake_all(&window->turns);
}

/* Goes past the limit when nothing has passed for gate_max_ms. */
static bool take_grace(struct queue *queue, struct budget budget, const struct wait *wait,
                       struct window_share *share, uint64_t now) {
    struct window_state *window = &queue->flight;
    if (window->grace < budget.cost && is_stuck_since(wait->own.at, 0, now)) {
        window->grace = budget.cost > budget.size ? budget.cost : budget.size;
        /* Whoever else is stuck has this one's worth, and not one each. */
        window->moves++;
    }
    if (window->grace < budget.cost)
        return false;
    window->grace -= budget.cost;
    share->is_forced = true;
    return room_claim(window, budget, share, true);
}

/* Takes the room of a launch that goes by the lane, if it may go now. */
static bool take_in_lane(struct queue *queue, struct budget budget, struct wait *wait,
                         struct window_share *share) {
    struct window_state *window = &queue->flight;
    struct lane *lane = &queue->device->lane;
    room_fence(queue, 0);
    room_settle(queue, wait->watched);
    struct lane_launch launch = {queue,
                                 taken_cost(atomic_load(&window->taken)),
                                 room_is_nearly_there(window, budget),
                                 share->key,
                                 budget.cost,
                                 budget.all};
    if (lane_enter(lane, &launch, &wait->lane)) {
        window->is_in_lane = true;
        return room_claim(window, budget, share, true);
    }
    uint64_t now = clock_now();
    note_wait(window, wait, now);
    note_moves(queue, wait, now);
    if (!wait->lane.is_in) {
        /* It waits for its own queue. */
        wait->watched = true;
        return take_grace(queue, budget, wait, share, now);
    }
    uint64_t moved_at = wait->own.at > wait->others.at ? wait->own.at : wait->others.at;
    if (is_stuck_since(moved_at, lane_cost(lane), now))
        lane_close(lane);
    return false;
}

/* Takes the room of the submission if it may pass now. */
static bool take(struct queue *queue, struct budget budget, struct wait *wait,
                 struct window_share *share) {
    struct window_state *window = &queue->flight;
    if (room_claim(window, budget, share, false))
        return true;
    room_fence(queue, 0);
    room_settle(queue, wait->watched);
    if (room_claim(window, budget, share, room_is_nearly_there(window, budget)))
        return true;
    uint64_t now = clock_now();
    note_wait(window, wait, now);
    note_moves(queue, wait, now);
    wait->watched = true;
    return take_grace(queue, budget, wait, share, now);
}

/* The thread lets one go first that has waited for longer. */
static void wait_behind_eldest(struct queue *queue, struct wait *wait) {
    uint64_t now = clock_now();
    lane_leave(&queue->device->lane, &wait->lane);
    note_wait(&queue->flight, wait, now);
    note_moves(queue, wait, now);
    /* Who lets others go first does not see what passes meanwhile. */
    wait->watched = false;
}

struct window_share window_take(struct queue *queue, uint32_t weight, uint64_t key, bool computes) {
    struct window_state *window = &queue->flight;
    struct wait wait = {.began = 0};
    struct window_share share = {.weight = weight, .key = key};
    struct budget budget;
    pthread_mutex_lock(&window->lock);
    for (;;) {
        budget = room_agree(queue, 0);
        if (budget.size == 0) {
            share.weight = 0;
            break;
        }
        budget.cost = room_cost(window, budget, weight, key, &share.kind);
        bool has_lane = computes && room_is_for_lane(queue, budget);
        if (!has_lane)
            lane_leave(&queue->device->lane, &wait.lane);
        if (is_behind_eldest(window, &wait))
            wait_behind_eldest(queue, &wait);
        else if (has_lane ? take_in_lane(queue, budget, &wait, &share)
                          : take(queue, budget, &wait, &share))
            break;
        share.waited = true;
        wait.turns = atomic_load(&window->turns);
        pthread_mutex_unlock(&window->lock);
        if (wait.lane.is_in)
            nap_for_lane(queue, &wait, budget.all);
        else
            nap(window, &wait);
        pthread_mutex_lock(&window->lock);
    }
    end_wait(queue, &wait);
    room_note_load(queue, budget);
    pthread_mutex_unlock(&window->lock);
    return share;
}

void window_drained(struct queue *queue, uint64_t proven) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    room_forget_finished(queue, proven);
    window->passed_at = 0;
    room_set_load(queue, false);
    pthread_mutex_unlock(&window->lock);
}

void window_interrupted(struct queue *queue) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    window->passed_at = 0;
    pthread_mutex_unlock(&window->lock);
    lane_interrupted(&queue->device->lane);
}

void window_clear(struct queue *queue, bool destroy) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    /* A launch that the end of its context overtook counts no more. */
    atomic_store(&window->terms, 0);
    window->agreed = 0;
    room_end_era(queue);
    fences_clear(&window->fences, destroy);
    room_set_load(queue, false);
    pthread_mutex_unlock(&window->lock);
}
