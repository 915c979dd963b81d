#include "lane.h"

#include "clock.h"
#include "compat.h"
#include "queue.h"
#include "room.h"

#include <string.h>

/* A thread that has just launched is awake, and the next one is not: it takes up to a launch to
 * wake it. So one queue goes first for as long as processes have the GPU in time slices. */
static const uint64_t TURN_NS = 2 * NS_PER_MS;
/* How long it stays closed when one launch seems to wait for another: longer each time, unless that
 * was long ago, since it may also have been somebody else's long kernel. */
static const uint64_t CLOSED_NS = 1 * NS_PER_S;
static const uint64_t CLOSED_MOST_NS = 64 * NS_PER_S;
static const uint64_t FORGOTTEN_NS = 600 * NS_PER_S;

void lane_init(struct lane *lane) {
    pthread_mutex_init(&lane->lock, NULL);
}

/* The lock is held, as in all that is static here but look_at and wake. */
static void note_trial(struct lane *lane) {
    /* No launch may come by any more that would end it. */
    uint64_t until = trial_is_on(&lane->trial) ? lane->trial.ends_at : 0;
    atomic_store(&lane->measured_until, until);
}

/* A launch goes. */
static void note(struct lane *lane, const struct lane_launch *launch, uint64_t now) {
    trial_note(&lane->trial, launch->key, launch->cost, now);
    note_trial(lane);
}

static uint64_t cost_of_all(const struct lane *lane) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < lane->count; i++)
        sum += lane->holders[i].cost;
    return sum;
}

static uint64_t cost_of(const struct lane *lane, const struct queue *queue) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < lane->count; i++)
        sum += lane->holders[i].queue == queue ? lane->holders[i].cost : 0;
    return sum;
}

/* When the next launch may go ahead of the end of the only one there is. */
static uint64_t due_at(const struct lane *lane, uint64_t window) {
    const struct lane_holder *running = &lane->holders[0];
    uint64_t lead = room_lead(window);
    return running->began + (running->cost > lead ? running->cost - lead : 0);
}

/* Of its own short launches no more may be before it than of a long one's end. */
static bool waits_for_itself(const struct lane *lane, const struct lane_launch *launch) {
    return launch->taken - cost_of(lane, launch->queue) > room_lead(launch->window);
}

static bool has_room(const struct lane *lane, const struct lane_launch *launch, uint64_t now) {
    if (lane->count == LANE_HOLDERS)
        return false;
    return lane->count == 0 || cost_of_all(lane) + launch->cost <= launch->window ||
           (lane->count == 1 && now >= due_at(lane, launch->window));
}

/* What was behind the first has the GPU now, at the latest. */
static void drop_holder(struct lane *lane, uint32_t place) {
    uint64_t now = clock_now();
    lane->count--;
    for (uint32_t i = place; i < lane->count; i++)
        lane->holders[i] = lane->holders[i + 1];
    if (place == 0)
        lane->holders[0].began = now;
}

static void drop_ended(struct lane *lane, const struct lane_holder *ended) {
    for (uint32_t i = lane->count; i-- > 0;) {
        const struct lane_holder *each = &lane->holders[i];
        if (each->queue != ended->queue || each->id != ended->id)
            continue;
        drop_holder(lane, i);
        atomic_fetch_add(&lane->moves, 1);
    }
}

static void enqueue(struct lane *lane, struct lane_wait *wait, bool goes_first) {
    if (wait->is_in)
        return;
    struct lane_wait *first = lane->first;
    wait->is_in = true;
    wait->next = goes_first ? first : NULL;
    if (goes_first || first == NULL)
        lane->first = wait;
    else
        lane->last->next = wait;
    if (wait->next == NULL)
        lane->last = wait;
}

/* Returns who is the first instead, to be woken without the lock. */
static struct lane_wait *dequeue(struct lane *lane, struct lane_wait *wait) {
    if (!wait->is_in)
        return NULL;
    struct lane_wait *before = NULL;
    for (struct lane_wait *each = lane->first; each != wait; each = each->next)
        before = each;
    *(before == NULL ? &lane->first : &before->next) = wait->next;
    if (lane->last == wait)
        lane->last = before;
    wait->is_in = false;
    struct lane_wait *first = lane->first;
    if (before != NULL || first == NULL)
        return NULL;
    atomic_fetch_add(&first->turn, 1);
    return first;
}

/* The thread may have gone meanwhile: then nobody sleeps at that address, or one wakes too early.
 */
static void wake(struct lane_wait *first) {
    if (first != NULL)
        futex_wake_all(&first->turn);
}

static void hold(struct lane *lane, const struct lane_launch *launch, uint64_t now) {
    uint32_t id = atomic_load(&launch->queue->id);
    lane->holders[lane->count++] = (struct lane_holder){launch->queue, id, launch->cost, now};
    if (launch->queue == lane->whose_turn && now < lane->turn_ends_at)
        return;
    lane->whose_turn = launch->queue;
    lane->turn_ends_at = now + TURN_NS;
}

bool lane_enter(struct lane *lane, const struct lane_launch *launch, struct lane_wait *wait) {
    struct lane_wait *next = NULL;
    pthread_mutex_lock(&lane->lock);
    uint64_t now = clock_now();
    bool is_alone = lane->trial.way == ONE_BY_ONE;
    /* Then it is known how long what is in flight takes alone, and not how long beside others. */
    bool is_tried = lane->trial.phase == TRIAL_TRIES;
    bool goes_first = launch->queue == lane->whose_turn && now < lane->turn_ends_at;
    bool is_first = wait->is_in ? lane->first == wait : goes_first || lane->first == NULL;
    bool waits_for_own = is_alone && waits_for_itself(lane, launch);
    bool may_go = is_alone ? is_first && !waits_for_own && has_room(lane, launch, now)
                           : launch->taken == 0 || (launch->is_near_end && !is_tried);
    if (may_go)
        note(lane, launch, now);
    if (may_go && is_alone)
        hold(lane, launch, now);
    if (!may_go && is_alone && !waits_for_own)
        enqueue(lane, wait, goes_first);
    else
        next = dequeue(lane, wait);
    pthread_mutex_unlock(&lane->lock);
    wake(next);
    return may_go;
}

void lane_leave(struct lane *lane, struct lane_wait *wait) {
    /* Only the thread itself puts it in and takes it out. */
    if (!wait->is_in)
        return;
    pthread_mutex_lock(&lane->lock);
    struct lane_wait *next = dequeue(lane, wait);
    pthread_mutex_unlock(&lane->lock);
    wake(next);
}

bool lane_is_first(struct lane *lane, struct lane_wait *wait, uint32_t *turn) {
    pthread_mutex_lock(&lane->lock);
    *turn = atomic_load(&wait->turn);
    bool is_first = lane->first == wait;
    pthread_mutex_unlock(&lane->lock);
    return is_first;
}

uint64_t lane_due(struct lane *lane, uint64_t window, uint64_t *began) {
    pthread_mutex_lock(&lane->lock);
    uint64_t due = lane->count > 0 ? due_at(lane, window) : 0;
    *began = lane->count > 0 ? lane->holders[0].began : 0;
    pthread_mutex_unlock(&lane->lock);
    return due;
}

/* Asks about one holder; the caller has a copy of it. */
static void look_at(struct lane *lane, const struct lane_holder *holder, const struct queue *self,
                    bool watched) {
    struct queue *queue = holder->queue;
    if (!queue_hold(queue, holder->id)) {
        /* It has ended, or its record is another's. */
        pthread_mutex_lock(&lane->lock);
        drop_ended(lane, holder);
        pthread_mutex_unlock(&lane->lock);
        return;
    }
    /* Another context may be on its way to its end, and its events with it. Whoever has the lock is
     * looking himself, or launches, and must not be kept waiting. */
    bool may_ask = queue->context == self->context && queue->green == self->green;
    if (may_ask && pthread_mutex_trylock(&queue->flight.lock) == 0) {
        room_settle(queue, watched);
        pthread_mutex_unlock(&queue->flight.lock);
    }
    queue_release(queue);
}

void lane_look(struct lane *lane, const struct queue *self, bool watched) {
    struct lane_holder holders[LANE_HOLDERS];
    pthread_mutex_lock(&lane->lock);
    uint32_t count = lane->count;
    memcpy(holders, lane->holders, count * sizeof(*holders));
    pthread_mutex_unlock(&lane->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (holders[i].queue != self)
            look_at(lane, &holders[i], self, watched);
    }
}

/* Where the oldest that the queue holds is, or the newest. */
static uint32_t place_of(const struct lane *lane, const struct queue *queue, bool newest) {
    uint32_t place = lane->count;
    for (uint32_t i = 0; i < lane->count; i++) {
        if (lane->holders[i].queue == queue && (newest || place == lane->count))
            place = i;
    }
    return place;
}

bool lane_left(struct lane *lane, const struct queue *queue, uint64_t taken, bool is_done) {
    pthread_mutex_lock(&lane->lock);
    while (cost_of(lane, queue) > taken) {
        drop_holder(lane, place_of(lane, queue, !is_done));
        atomic_fetch_add(&lane->moves, is_done);
    }
    bool holds = cost_of(lane, queue) > 0;
    pthread_mutex_unlock(&lane->lock);
    return holds;
}

uint64_t lane_since(struct lane *lane, const struct queue *queue) {
    uint64_t began = 0;
    pthread_mutex_lock(&lane->lock);
    for (uint32_t i = 0; i < lane->count && began == 0; i++)
        began = lane->holders[i].queue == queue ? lane->holders[i].began : 0;
    pthread_mutex_unlock(&lane->lock);
    return began;
}

void lane_interrupted(struct lane *lane) {
    pthread_mutex_lock(&lane->lock);
    trial_interrupted(&lane->trial, clock_now());
    note_trial(lane);
    pthread_mutex_unlock(&lane->lock);
}

uint64_t lane_cost(struct lane *lane) {
    pthread_mutex_lock(&lane->lock);
    uint64_t cost = cost_of_all(lane);
    pthread_mutex_unlock(&lane->lock);
    return cost;
}

void lane_close(struct lane *lane) {
    pthread_mutex_lock(&lane->lock);
    uint64_t now = clock_now(), until = atomic_load(&lane->closed_until);
    if (now >= until) {
        bool is_anew = lane->closed_ns == 0 || now - until > FORGOTTEN_NS;
        lane->closed_ns = is_anew ? CLOSED_NS : 2 * lane->closed_ns;
        if (lane->closed_ns > CLOSED_MOST_NS)
            lane->closed_ns = CLOSED_MOST_NS;
        atomic_store(&lane->closed_until, now + lane->closed_ns);
    }
    pthread_mutex_unlock(&lane->lock);
}
