/* The queues and the GPU of the tests of window.h. For one file of a program. */
#ifndef TEST_WINDOW_WORLD_H
#define TEST_WINDOW_WORLD_H

#include "clock.h"
#include "config.h"
#include "queue.h"
#include "resolve.h"
#include "room.h"
#include "tally.h"
#include "window_pass.h"

#include "check.h"

#include <pthread.h>

/* A program ends by itself when something waits for ever. */
enum { LIFE_S = 50 };

/* A GPU of one stream, on which so many launches are and of which so many have finished. */
static _Atomic uint64_t launched;
static _Atomic uint64_t finished;
static atomic_bool refuses_events;
static _Atomic uint64_t driver_calls;

struct event {
    _Atomic uint64_t behind; /* So many launches. */
};

static CUresult event_create(CUevent *event, unsigned flags) {
    (void)flags;
    atomic_fetch_add(&driver_calls, 1);
    struct event *made = calloc(1, sizeof(*made));
    *event = (CUevent)made;
    return CUDA_SUCCESS;
}

static CUresult event_record(CUevent event, CUstream stream) {
    (void)stream;
    atomic_fetch_add(&driver_calls, 1);
    if (atomic_load(&refuses_events))
        return CUDA_ERROR_STREAM_CAPTURE_FIRST;
    atomic_store(&((struct event *)event)->behind, atomic_load(&launched));
    return CUDA_SUCCESS;
}

static CUresult event_query(CUevent event) {
    atomic_fetch_add(&driver_calls, 1);
    bool passed = atomic_load(&finished) >= atomic_load(&((struct event *)event)->behind);
    return passed ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

static CUresult event_destroy(CUevent event) {
    free(event);
    return CUDA_SUCCESS;
}

struct driver_calls driver = {.cuEventCreate = event_create,
                              .cuEventRecord = event_record,
                              .cuEventQuery = event_query,
                              .cuEventDestroy_v2 = event_destroy};

/* Queues stay for as long as the program. */
bool queue_hold(struct queue *of, uint32_t id) {
    return atomic_load(&of->id) == id;
}

void queue_release(struct queue *of) {
    (void)of;
}

static struct device device;
enum { QUEUES = 2 };
static struct queue queues[QUEUES];
static struct queue *const queue = &queues[0];
static struct window_state *const window = &queues[0].flight;

static inline void finish_all(void) {
    atomic_store(&finished, atomic_load(&launched));
}

/* Everything anew. */
static inline void begin(void) {
    config.gate_max_ms = 0;
    atomic_store(&refuses_events, false);
    for (int i = 0; i < QUEUES; i++) {
        struct queue *each = &queues[i];
        if (each->device != NULL) {
            window_clear(&queues[i], true);
            window_end(&queues[i].flight);
        }
        *each = (struct queue){.hot = &hot.queues[i], .device = &device, .id = (uint32_t)i + 1};
        hot.queues[i] = (struct hot_queue){.rank = 0};
        window_init(&each->flight);
    }
    CHECK(atomic_load(&device.loaded) == 0, "%u queues are loaded", atomic_load(&device.loaded));
    CHECK(device.lane.count == 0 && device.lane.first == NULL, "the lane is taken");
    device.lane = (struct lane){.count = 0};
    lane_init(&device.lane);
    atomic_store(&launched, 0);
    atomic_store(&finished, 0);
}

static inline uint64_t taken(void) {
    return taken_cost(atomic_load(&window->taken));
}

/* A submission that is on its way. */
struct submission {
    struct queue *queue;
    struct window_share share;
    bool is_passed; /* Without the window's lock. */
};

/* As gate_enter has it. */
static inline struct submission enter(struct queue *to, uint32_t weight, uint64_t key) {
    struct submission made = {.queue = to};
    atomic_fetch_add(&to->hot->entered, 1);
    if (atomic_load(&to->hot->window) == 0)
        return made;
    made.is_passed = window_pass(&to->flight, &made.share, weight, key);
    if (!made.is_passed)
        made.share = window_take(to, weight, key, true);
    return made;
}

/* As gate_leave has it. */
static inline void leave(struct submission *made, bool is_taken) {
    struct queue *to = made->queue;
    if (is_taken)
        atomic_fetch_add(&launched, 1);
    if (made->share.weight != 0) {
        enum window_counted counted =
            is_taken ? window_count(&to->flight, &made->share) : WINDOW_FAILED;
        if (counted != WINDOW_COUNTED)
            window_put(to, &made->share, counted);
    }
    atomic_fetch_add(&to->hot->returned, 1);
}

static inline struct submission launch_kind(struct queue *to, uint32_t weight, uint64_t key) {
    struct submission made = enter(to, weight, key);
    leave(&made, true);
    return made;
}

/* Launches so many of one kernel and of one kind; whether the last passed without the lock. */
static inline bool launch(struct queue *to, int count) {
    struct submission made = {.is_passed = false};
    for (int i = 0; i < count; i++)
        made = launch_kind(to, 1, 1);
    return made.is_passed;
}

/* The queue's own work is known to have finished. */
static inline void drain(struct queue *to) {
    finish_all();
    uint64_t proven = atomic_load(&to->hot->returned);
    queue_note_completed(to, proven);
    window_drained(to, proven);
}

/* A window of time, and what a launch counts in it before it is measured. */
enum { SIZE_NS = 800000, UNKNOWN = 8, EACH_NS = SIZE_NS / UNKNOWN };

static inline void run_later(pthread_t *thread, void *(*run)(void *), void *argument) {
    CHECK(pthread_create(thread, NULL, run, argument) == 0, "no thread");
}

static inline void pause_ms(uint64_t ms) {
    static _Atomic uint32_t never;
    uint64_t until = clock_now() + ms * NS_PER_MS;
    for (uint64_t now = clock_now(); now < until; now = clock_now())
        futex_wait(&never, 0, until - now);
}

static inline void *finish_later(void *ms) {
    pause_ms((uintptr_t)ms);
    finish_all();
    return NULL;
}

/* What launches of that kind are expected to take. */
static inline uint64_t expected(uint64_t key) {
    uint8_t kind;
    return pace_recall(&window->pace, key, &kind);
}

static inline void expect_taken(uint64_t cost, const char *when) {
    CHECK(taken() == cost, "%s: %llu are taken, expected %llu", when, (unsigned long long)taken(),
          (unsigned long long)cost);
}

#endif
