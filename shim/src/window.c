#include "window.h"

#include "capture.h"
#include "clock.h"
#include "config.h"
#include "queue.h"
#include "resolve.h"

/* How long a full window is watched before the thread sleeps between two looks. */
static const uint64_t SPIN_NS = 20 * NS_PER_US;
static const uint64_t NAP_MAX_NS = 1 * NS_PER_MS;

void window_init(struct window_state *window) {
    pthread_mutex_init(&window->lock, NULL);
    window->taken = window->head = window->length = window->spare = 0;
    window->fenced = 0;
    window->grace = 0;
}

/* Gives back the room of every fence that has passed, oldest first. The lock is held. */
static void reap(struct queue *queue) {
    struct window_state *window = &queue->flight;
    while (window->length > 0) {
        struct flight *oldest = &window->ring[window->head];
        /* Any answer but "not ready" ends the wait: an error belongs to the program's own calls. */
        if (driver.cuEventQuery(oldest->event) == CUDA_ERROR_NOT_READY)
            return;
        window->taken -= oldest->weight;
        if (oldest->proven > atomic_load_explicit(&queue->completed, memory_order_relaxed)) {
            atomic_store_explicit(&queue->completed, oldest->proven, memory_order_relaxed);
        }
        window->pool[window->spare++] = oldest->event;
        window->head = (window->head + 1) % FLIGHT_MAX;
        window->length--;
    }
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

/* Puts a fence of `weight` behind what is on the stream now. The lock is held. */
static bool fence(struct queue *queue, uint32_t weight, uint64_t proven) {
    struct window_state *window = &queue->flight;
    if (window->length == FLIGHT_MAX - 1)
        return false;
    CUevent event = take_event(window);
    if (event == NULL)
        return false;
    if (driver.cuEventRecord(event, queue->stream) != CUDA_SUCCESS) {
        window->pool[window->spare++] = event;
        return false;
    }
    window->ring[(window->head + window->length) % FLIGHT_MAX] =
        (struct flight){event, weight, proven};
    window->length++;
    if (proven > window->fenced)
        window->fenced = proven;
    return true;
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

/* Whether the oldest fence has not passed for gate_max_ms. The lock is held. */
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

uint32_t window_take(struct queue *queue, uint32_t weight) {
    struct window_state *window = &queue->flight;
    struct patience patience = {0, 0, 0};
    int mode = capture_relax();
    pthread_mutex_lock(&window->lock);
    uint64_t returned = atomic_load(&queue->returned);
    uint32_t size = atomic_load_explicit(&queue->window, memory_order_relaxed);
    if (size != 0 && returned > window->fenced && window->length == 0) {
        /* It was not outranked until now: all that it launched before counts as a full window. */
        if (fence(queue, size, returned))
            window->taken += size;
    }
    uint32_t taken = 0;
    while ((size = atomic_load_explicit(&queue->window, memory_order_relaxed)) != 0) {
        reap(queue);
        uint32_t wanted = weight < size ? weight : size;
        bool room = window->taken + wanted <= size || window->taken == 0;
        if (room) {
            window->grace = 0;
        } else if (window->grace >= wanted) {
            window->grace -= wanted;
        } else if (is_stuck(window, &patience)) {
            window->grace = size - wanted;
        } else {
            wanted = 0;
        }
        if (wanted != 0) {
            window->taken += wanted;
            taken = wanted;
            break;
        }
        pthread_mutex_unlock(&window->lock);
        linger(&patience);
        pthread_mutex_lock(&window->lock);
    }
    pthread_mutex_unlock(&window->lock);
    capture_restore(mode);
    return taken;
}

void window_put(struct queue *queue, uint32_t taken, bool submitted) {
    struct window_state *window = &queue->flight;
    int mode = capture_relax();
    pthread_mutex_lock(&window->lock);
    /* The submission that this fence follows has not been counted as returned yet. */
    uint64_t proven = atomic_load(&queue->returned) + 1;
    if (!submitted || !fence(queue, taken, proven))
        window->taken -= taken;
    pthread_mutex_unlock(&window->lock);
    capture_restore(mode);
}

void window_drained(struct queue *queue, uint64_t proven) {
    struct window_state *window = &queue->flight;
    pthread_mutex_lock(&window->lock);
    if (proven > window->fenced)
        window->fenced = proven;
    pthread_mutex_unlock(&window->lock);
}

void window_clear(struct window_state *window, bool destroy) {
    pthread_mutex_lock(&window->lock);
    if (destroy) {
        for (; window->length > 0; window->length--) {
            driver.cuEventDestroy_v2(window->ring[window->head].event);
            window->head = (window->head + 1) % FLIGHT_MAX;
        }
        while (window->spare > 0)
            driver.cuEventDestroy_v2(window->pool[--window->spare]);
    }
    window->taken = window->head = window->length = window->spare = 0;
    window->fenced = 0;
    window->grace = 0;
    pthread_mutex_unlock(&window->lock);
}
