#include "window.h"

#include "capture.h"
#include "clock.h"
#include "config.h"
#include "queue.h"
#include "resolve.h"

#include <sys/prctl.h>

/* How long a full window is watched before the thread sleeps between two looks. */
static const uint64_t SPIN_NS = 20 * NS_PER_US;
static const uint64_t NAP_MAX_NS = 1 * NS_PER_MS;
/* A launch that is as long as the window may be enqueued so long before the one before it ends:
 * otherwise the GPU would wait for the host after each. */
static const uint64_t LEAD_NS = 50 * NS_PER_US;
/* Before anything is measured, so many launches fill a window of time. */
enum { UNKNOWN_LAUNCHES = 8, FENCES = 4 };

/* A window and what a submission counts in it: launches, or nanoseconds of the GPU. */
struct budget {
    uint64_t size; /* 0 for no limit. */
    uint64_t cost;
    bool is_time;
};

static const struct flight nothing = {.event = NULL};

static void reset(struct window_state *window) {
    window->taken = window->counted = window->grace = 0;
    window->head = window->length = window->spare = 0;
    window->open = nothing;
    window->is_loaded = false;
    window->passed_at = 0;
    window->pace = (struct pace){.average_ns = 0};
}

void window_init(struct window_state *window) {
    pthread_mutex_init(&window->lock, NULL);
    reset(window);
}

void window_end(struct window_state *window) {
    pthread_mutex_destroy(&window->lock);
}

/* The lock is held, here and below. Whether the queue takes a real part of the process's window. */
static void note_load(struct queue *queue, uint64_t size) {
    struct window_state *window = &queue->flight;
    bool is_loaded = window->taken > size / UNKNOWN_LAUNCHES;
    if (is_loaded == window->is_loaded)
        return;
    window->is_loaded = is_loaded;
    if (is_loaded)
        atomic_fetch_add_explicit(&queue->device->loaded, 1, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&queue->device->loaded, 1, memory_order_relaxed);
}

/* The window of the queue; its cost is not known yet. */
static struct budget budget_of(struct queue *queue) {
    uint32_t launches = atomic_load_explicit(&queue->hot->window, memory_order_relaxed);
    uint64_t time = atomic_load_explicit(&queue->window_ns, memory_order_relaxed);
    if (launches == 0 || time == 0)
        return (struct budget){launches, 0, false};
    uint32_t others = atomic_load_explicit(&queue->device->loaded, memory_order_relaxed);
    if (queue->flight.is_loaded && others > 0)
        others--;
    /* Queues of one process share the time. */
    return (struct budget){time / (1 + others), 0, true};
}

/* What a launch counts in the window; writes the place of its pace. */
static uint64_t cost_of(struct window_state *window, struct budget budget, uint32_t weight,
                        uint64_t key, uint8_t *kind) {
    *kind = PACE_NONE;
    if (!budget.is_time)
        return weight < budget.size ? weight : budget.size;
    return pace_expect(&window->pace, key, weight, budget.size / UNKNOWN_LAUNCHES, kind);
}

/*
 * Fences have passed until now. Somebody who waits sees when, so the time between two such moments
 * is what the GPU needed. Otherwise it needed at most the time since the first was submitted: a
 * program that is slower than the GPU never waits, and is measured by that.
 */
static void measure(struct window_state *window, const struct flight *passed, uint32_t count,
                    uint64_t now, bool waited) {
    enum { SEEN_SLOWNESS = 8, BOUND_SLOWNESS = 4 };
    uint64_t expected = 0;
    bool is_seen = waited && window->passed_at != 0;
    uint64_t took = now - (is_seen ? window->passed_at : passed[0].since);
    for (uint32_t i = 0; i < count; i++)
        expected += pace_of_group(&window->pace, &passed[i].group);
    double ratio = (double)took / (double)expected;
    uint32_t slowness = is_seen ? SEEN_SLOWNESS : BOUND_SLOWNESS;
    for (uint32_t i = 0; i < count && (is_seen || ratio < 1); i++)
        pace_learn(&window->pace, &passed[i].group, ratio, slowness);
}

/* A launch that the end of its context overtook has no share any more. */
static void give_back(struct window_state *window, uint64_t cost) {
    window->taken -= cost < window->taken ? cost : window->taken;
}

static void drop_oldest(struct window_state *window) {
    give_back(window, window->ring[window->head].cost);
    window->pool[window->spare++] = window->ring[window->head].event;
    window->head = (window->head + 1) % FLIGHT_MAX;
    window->length--;
}

/* Gives back the room of every fence that has passed, oldest first. */
static void reap(struct queue *queue, bool waited) {
    enum { MEASURED = 2 * FENCES };
    struct window_state *window = &queue->flight;
    struct flight passed[MEASURED];
    uint32_t count = 0;
    bool is_known = true;
    int mode = capture_relax();
    while (window->length > 0) {
        struct flight *oldest = &window->ring[window->head];
        /* Any answer but "not ready" ends the wait: an error belongs to the program's own calls. */
        if (driver.cuEventQuery(oldest->event) == CUDA_ERROR_NOT_READY)
            break;
        if (oldest->proven > atomic_load_explicit(&queue->completed, memory_order_relaxed)) {
            atomic_store_explicit(&queue->completed, oldest->proven, memory_order_relaxed);
        }
        is_known = is_known && oldest->group.launches > 0;
        if (count < MEASURED)
            passed[count] = *oldest;
        count++;
        drop_oldest(window);
    }
    capture_restore(mode);
    if (count == 0 || atomic_load_explicit(&queue->window_ns, memory_order_relaxed) == 0)
        return;
    uint64_t now = clock_now();
    if (count <= MEASURED && is_known)
        measure(window, passed, count, now, waited);
    window->passed_at = waited ? now : 0;
}

static CUevent take_event(struct window_state *window) {
    CUevent event = NULL;
    if (window->spare > 0)
        return window->pool[--window->spare];
    /* Not a blocking event: that one raises an interrupt, and it is only ever asked. */
    if (driver.cuEventCreate(&event, CU_EVENT_DISABLE_TIMING) != CUDA_SUCCESS) {
        return NULL;
    }
    return event;
}

static bool record(struct queue *queue, struct flight *flight) {
    struct window_state *window = &queue->flight;
    if (window->length == FLIGHT_MAX - 1)
        return false;
    flight->event = take_event(window);
    if (flight->event == NULL)
        return false;
    if (driver.cuEventRecord(flight->event, queue->stream) == CUDA_SUCCESS)
        return true;
    window->pool[window->spare++] = flight->event;
    return false;
}

/* Puts a fence behind what is on the stream now and is counted as `flight`. */
static bool fence(struct queue *queue, struct flight flight) {
    struct window_state *window = &queue->flight;
    int mode = capture_relax();
    bool recorded = record(queue, &flight);
    capture_restore(mode);
    if (!recorded)
        return false;
    window->ring[(window->head + window->length) % FLIGHT_MAX] = flight;
    window->length++;
    return true;
}

/* Fences what was launched since the last one; without a fence nobody can wait for it. */
static void fence_open(struct queue *queue) {
    struct window_state *window = &queue->flight;
    if (window->open.cost == 0)
        return;
    if (!fence(queue, window->open))
        give_back(window, window->open.cost);
    window->open = nothing;
}

/* A thread that waits for room, and what it waits behind. */
struct patience {
    uint64_t began;  /* 0 before the first look. */
    uint64_t oldest; /* What the oldest fence proves, 0 without one. */
    uint64_t oldest_since;
};

/* Lets a little time pass. The lock is not held. */
static void linger(struct patience *patience) {
    static _Atomic uint32_t never;
    uint64_t waited = clock_now() - patience->began;
    if (waited < SPIN_NS) {
        cpu_relax();
        return;
    }
    /* An eighth of what it took so far costs little throughput: the rest of the window is behind
     * the fence that is late. The driver's own wait has no limit, hence no use here. The kernel
     * adds the thread's timer slack to each sleep, which is longer than most of these. */
    int slack = prctl(PR_GET_TIMERSLACK);
    prctl(PR_SET_TIMERSLACK, 1);
    futex_wait(&never, 0, waited / 8 < NAP_MAX_NS ? waited / 8 : NAP_MAX_NS);
    if (slack > 0)
        prctl(PR_SET_TIMERSLACK, slack);
}

/* Whether the oldest fence has not passed for gate_max_ms. */
static bool is_stuck(const struct window_state *window, struct patience *patience) {
    uint64_t now = clock_now();
    uint64_t oldest = window->length > 0 ? window->ring[window->head].proven : 0;
    if (patience->began == 0)
        patience->began = now;
    if (oldest != patience->oldest) {
        patience->oldest = oldest;
        patience->oldest_since = now;
    }
    uint64_t limit = config.gate_max_ms * NS_PER_MS;
    return oldest != 0 && limit != 0 && now - patience->oldest_since >= limit;
}

/* Whether one long launch is in flight that must be near its end. */
static bool is_nearly_over(const struct window_state *window, struct budget budget) {
    if (!budget.is_time || 2 * budget.cost <= budget.size || window->length != 1 ||
        window->open.cost != 0 || window->ring[window->head].cost != window->taken)
        return false;
    const struct flight *running = &window->ring[window->head];
    uint64_t began = window->passed_at > running->since ? window->passed_at : running->since;
    return clock_now() - began + LEAD_NS >= running->cost;
}

static bool has_room(const struct window_state *window, struct budget budget) {
    return window->taken == 0 || window->taken + budget.cost <= budget.size;
}

/* Whether the submission may pass now. */
static bool may_pass(struct queue *queue, struct budget budget, struct patience *patience) {
    struct window_state *window = &queue->flight;
    if (!has_room(window, budget)) {
        fence_open(queue);
        reap(queue, patience->began != 0);
    }
    if (has_room(window, budget) || is_nearly_over(window, budget)) {
        window->grace = 0;
        return true;
    }
    if (window->grace < budget.cost && is_stuck(window, patience))
        window->grace = budget.cost > budget.size ? budget.cost : budget.size;
    if (window->grace < budget.cost)
        return false;
    window->grace -= budget.cost;
    return true;
}

struct window_share window_take(struct queue *queue, uint32_t weight, uint64_t key) {
    struct window_state *window = &queue->flight;
    struct patience patience = {0, 0, 0};
    struct window_share share = {0, 0, PACE_NONE, false};
    pthread_mutex_lock(&window->lock);
    uint64_t returned = atomic_load(&queue->hot->returned);
    struct budget budget = budget_of(queue);
    budget.cost = cost_of(window, budget, weight, key, &share.kind);
    if (budget.size != 0 && returned > window->counted && window->taken == 0) {
        /* It was not outranked until now: all that it launched before counts as a full window. */
        struct flight before = {.cost = budget.size, .proven = returned};
        if (fence(queue, before))
            window->taken += budget.size;
        window->counted = returned;
    }
    while (budget.size != 0 && !may_pass(queue, budget, &patience)) {
        share.waited = true;
        pthread_mutex_unlock(&window->lock);
        linger(&patience);
        pthread_mutex_lock(&window->lock);
        budget = budget_of(queue);
        budget.cost = cost_of(window, budget, weight, key, &share.kind);
    }
    if (budget.size != 0) {
        share.cost = budget.cost;
        share.weight = weight;
        window->taken += budget.cost;
        note_load(queue, budget.size);
    }
    pthread_mutex_unlock(&window->lock);
    return share;
}

void window_put(struct queue *queue, struct window_share share, bool submitted) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    struct budget budget = budget_of(queue);
    struct flight *open = &window->open;
    if (!submitted) {
        give_back(window, share.cost);
    } else {
        /* The submission has not been counted as returned yet. */
        window->counted = atomic_load(&queue->hot->returned) + 1;
        if (open->cost == 0)
            open->since = clock_now();
        open->cost += share.cost;
        open->proven = window->counted;
        if (share.kind != PACE_NONE) {
            open->group.kernels += share.weight;
            open->group.kinds[open->group.launches++] = share.kind;
        }
        if (!budget.is_time || share.kind == PACE_NONE || open->cost >= budget.size / FENCES ||
            open->group.launches == PACE_GROUP)
            fence_open(queue);
    }
    pthread_mutex_unlock(&window->lock);
}

void window_drained(struct queue *queue, uint64_t proven) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    while (window->length > 0 && window->ring[window->head].proven <= proven)
        drop_oldest(window);
    if (window->open.cost != 0 && window->open.proven <= proven) {
        give_back(window, window->open.cost);
        window->open = nothing;
    }
    if (proven > window->counted)
        window->counted = proven;
    window->passed_at = 0;
    note_load(queue, UINT64_MAX);
    pthread_mutex_unlock(&window->lock);
}

void window_interrupted(struct queue *queue) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    window->passed_at = 0;
    pthread_mutex_unlock(&window->lock);
}

void window_clear(struct queue *queue, bool destroy) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    while (window->length > 0)
        drop_oldest(window);
    while (destroy && window->spare > 0)
        driver.cuEventDestroy_v2(window->pool[--window->spare]);
    note_load(queue, UINT64_MAX);
    reset(window);
    pthread_mutex_unlock(&window->lock);
}
