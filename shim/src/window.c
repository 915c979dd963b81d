#include "window.h"

#include "capture.h"
#include "clock.h"
#include "config.h"
#include "queue.h"
#include "resolve.h"

/* How long a full window is watched before the thread sleeps between two looks. */
static const uint64_t SPIN_NS = 20 * NS_PER_US;
static const uint64_t NAP_MAX_NS = 1 * NS_PER_MS;
/* A launch that is as long as the window may be enqueued so long before the one before it ends:
 * otherwise the GPU would wait for the host after each. */
static const uint64_t LEAD_NS = 50 * NS_PER_US;
/* Bounds of what a kernel is taken to last: nothing is free, and one may be as long as it likes. */
static const uint64_t EACH_MIN_NS = 1 * NS_PER_US;
static const uint64_t EACH_MAX_NS = NS_PER_S;
/* Before anything is measured, so many launches fill a window of time. */
enum { UNKNOWN_LAUNCHES = 8, FENCES = 4 };

/* A window and what a submission counts in it: launches, or nanoseconds of the GPU. */
struct budget {
    uint64_t size; /* 0 for no limit. */
    uint64_t cost;
    bool is_time;
};

static void reset(struct window_state *window) {
    window->taken = window->counted = window->grace = 0;
    window->head = window->length = window->spare = 0;
    window->open = (struct flight){NULL, 0, 0, 0, 0};
    window->is_loaded = false;
    window->each_ns = window->passed_at = 0;
}

void window_init(struct window_state *window) {
    pthread_mutex_init(&window->lock, NULL);
    reset(window);
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

static struct budget budget_of(struct queue *queue, uint32_t weight) {
    struct window_state *window = &queue->flight;
    uint32_t launches = atomic_load_explicit(&queue->window, memory_order_relaxed);
    uint64_t time = atomic_load_explicit(&queue->window_ns, memory_order_relaxed);
    if (launches == 0)
        return (struct budget){0, 0, false};
    if (time == 0)
        return (struct budget){launches, weight < launches ? weight : launches, false};
    uint64_t each = window->each_ns != 0 ? window->each_ns : time / UNKNOWN_LAUNCHES;
    uint32_t others = atomic_load_explicit(&queue->device->loaded, memory_order_relaxed);
    if (window->is_loaded && others > 0)
        others--;
    /* Queues of one process share the time. */
    return (struct budget){time / (1 + others), (uint64_t)weight * (each > 0 ? each : 1), true};
}

/* What a kernel is taken to last moves towards what was seen, by one part in `slowness`. */
static void learn(struct window_state *window, uint64_t seen_ns, uint64_t slowness) {
    uint64_t seen = seen_ns < EACH_MIN_NS ? EACH_MIN_NS : seen_ns > EACH_MAX_NS ? EACH_MAX_NS : seen_ns;
    uint64_t each = window->each_ns;
    if (each == 0)
        window->each_ns = seen;
    else if (seen > each)
        window->each_ns = each + (seen - each + slowness - 1) / slowness;
    else
        window->each_ns = each - (each - seen) / slowness;
}

/*
 * Fences of `weight` kernels have passed, of which the first was submitted at `since`. Somebody who
 * waits sees when, so the time between two such moments is what the GPU needed. Otherwise it needed
 * at most the time since the first was submitted: a program that is slower than the GPU never waits,
 * and is measured by that.
 */
static void measure(struct window_state *window, uint32_t weight, uint64_t since, bool waited) {
    enum { EACH_SLOWNESS = 16, BOUND_SLOWNESS = 4 };
    uint64_t now = clock_now();
    if (waited && window->passed_at != 0) {
        learn(window, (now - window->passed_at) / weight, EACH_SLOWNESS);
    } else {
        uint64_t bound = (now - since) / weight;
        if (window->each_ns == 0 || bound < window->each_ns)
            learn(window, bound, BOUND_SLOWNESS);
    }
    window->passed_at = waited ? now : 0;
}

static void drop_oldest(struct window_state *window) {
    window->taken -= window->ring[window->head].cost;
    window->pool[window->spare++] = window->ring[window->head].event;
    window->head = (window->head + 1) % FLIGHT_MAX;
    window->length--;
}

/* Gives back the room of every fence that has passed, oldest first. */
static void reap(struct queue *queue, bool waited) {
    struct window_state *window = &queue->flight;
    uint32_t weight = 0;
    uint64_t since = 0;
    int mode = capture_relax();
    while (window->length > 0) {
        struct flight *oldest = &window->ring[window->head];
        /* Any answer but "not ready" ends the wait: an error belongs to the program's own calls. */
        if (driver.cuEventQuery(oldest->event) == CUDA_ERROR_NOT_READY)
            break;
        if (oldest->proven > atomic_load_explicit(&queue->completed, memory_order_relaxed)) {
            atomic_store_explicit(&queue->completed, oldest->proven, memory_order_relaxed);
        }
        if (weight == 0)
            since = oldest->since;
        weight += oldest->weight;
        drop_oldest(window);
    }
    capture_restore(mode);
    if (weight > 0)
        measure(window, weight, since, waited);
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
        window->taken -= window->open.cost;
    window->open = (struct flight){NULL, 0, 0, 0, 0};
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
     * the fence that is late. The driver's own wait has no limit, hence no use here. */
    futex_wait(&never, 0, waited / 8 < NAP_MAX_NS ? waited / 8 : NAP_MAX_NS);
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

struct window_share window_take(struct queue *queue, uint32_t weight) {
    struct window_state *window = &queue->flight;
    struct patience patience = {0, 0, 0};
    struct window_share share = {0, 0};
    pthread_mutex_lock(&window->lock);
    uint64_t returned = atomic_load(&queue->returned);
    struct budget budget = budget_of(queue, weight);
    if (budget.size != 0 && returned > window->counted && window->taken == 0) {
        /* It was not outranked until now: all that it launched before counts as a full window. */
        struct flight before = {NULL, budget.size, UNKNOWN_LAUNCHES, returned, clock_now()};
        if (fence(queue, before))
            window->taken += budget.size;
        window->counted = returned;
        /* Nobody knows how much that is. */
        window->passed_at = 0;
    }
    while (budget.size != 0 && !may_pass(queue, budget, &patience)) {
        pthread_mutex_unlock(&window->lock);
        linger(&patience);
        pthread_mutex_lock(&window->lock);
        budget = budget_of(queue, weight);
    }
    if (budget.size != 0) {
        share = (struct window_share){budget.cost, weight};
        window->taken += budget.cost;
        note_load(queue, budget.size);
    }
    pthread_mutex_unlock(&window->lock);
    return share;
}

void window_put(struct queue *queue, struct window_share share, bool submitted) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    struct budget budget = budget_of(queue, share.weight);
    if (!submitted) {
        window->taken -= share.cost;
    } else {
        /* The submission has not been counted as returned yet. */
        window->counted = atomic_load(&queue->returned) + 1;
        if (window->open.cost == 0)
            window->open.since = clock_now();
        window->open.cost += share.cost;
        window->open.weight += share.weight;
        window->open.proven = window->counted;
        if (!budget.is_time || window->open.cost >= budget.size / FENCES)
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
        window->taken -= window->open.cost;
        window->open = (struct flight){NULL, 0, 0, 0, 0};
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
