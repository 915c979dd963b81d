/*
 * Many threads launch on two queues while their windows change all the time, and what they launched
 * is found to have finished by several at once: nothing is left over, and nothing is counted twice.
 * A window that stays holds what it says, and large launches find room among small ones; what is
 * longer than a window goes one by one.
 */
#include "window_world.h"

#include "stress.h"

#include <pthread.h>

enum { LAUNCHERS = 4, LAUNCHES = 8, KINDS = 6, NAP_RARITY = 32 };

static atomic_int launching;
static atomic_bool ended;

static void *launch_often(void *data) {
    struct worker *worker = data;
    for (uint64_t i = 0; i < worker->rounds; i++) {
        uint64_t kind = random_below(&worker->seed, KINDS);
        struct queue *to = &queues[random_below(&worker->seed, QUEUES)];
        /* One kind is longer than a window, before anything is known of it. */
        uint32_t weight = kind == 0 ? 2 * UNKNOWN : (uint32_t)kind + 1;
        struct submission made = enter(to, weight, kind + 1);
        dawdle(&worker->seed, NAP_RARITY);
        leave(&made, random_below(&worker->seed, 64) != 0);
    }
    atomic_fetch_sub(&launching, 1);
    return NULL;
}

/* Some of what is on the GPU finishes. */
static void *finish_often(void *data) {
    struct worker *worker = data;
    while (!atomic_load(&ended)) {
        uint64_t open = atomic_load(&launched) - atomic_load(&finished);
        atomic_fetch_add(&finished, random_below(&worker->seed, open + 1));
        nap();
    }
    return NULL;
}

static void agree_at_random(uint64_t *seed) {
    static const uint32_t launches[] = {0, 1, LAUNCHES, LAUNCHES};
    static const uint64_t times[] = {0, SIZE_NS, SIZE_NS, SIZE_NS / 2};
    pthread_mutex_lock(&device.lock);
    window_agree(&queues[random_below(seed, QUEUES)], launches[random_below(seed, 4)],
                 times[random_below(seed, 4)]);
    pthread_mutex_unlock(&device.lock);
}

/* As whoever synchronises. */
static void drain_if_idle(struct queue *from) {
    uint64_t proven = atomic_load(&from->hot->returned);
    bool is_idle = atomic_load(&finished) == atomic_load(&launched);
    if (!is_idle || atomic_load(&from->hot->entered) != proven ||
        atomic_load(&from->hot->returned) != proven)
        return;
    queue_note_completed(from, proven);
    window_drained(from, proven);
}

static void *disturb(void *data) {
    struct worker *worker = data;
    while (!atomic_load(&ended)) {
        struct queue *one = &queues[random_below(&worker->seed, QUEUES)];
        switch (random_below(&worker->seed, 8)) {
        case 0:
            agree_at_random(&worker->seed);
            break;
        case 1:
            window_interrupted(one);
            break;
        case 2:
            atomic_store(&refuses_events, random_below(&worker->seed, 4) == 0);
            break;
        case 3:
            /* It closes when nothing passes for a millisecond. */
            atomic_store(&device.lane.closed_until, 0);
            break;
        default:
            drain_if_idle(one);
        }
        CHECK(atomic_load(&device.loaded) <= 2 * QUEUES, "%u loaded", atomic_load(&device.loaded));
        nap();
    }
    return NULL;
}

static struct worker workers[LAUNCHERS + 2];

static void start(int number, void *(*run)(void *), uint64_t seed, uint64_t rounds) {
    struct worker *worker = &workers[number];
    *worker = (struct worker){.seed = seed, .rounds = rounds};
    CHECK(pthread_create(&worker->thread, NULL, run, worker) == 0, "no thread");
}

static void expect_empty(struct queue *of) {
    drain(of);
    uint64_t cost = taken_cost(atomic_load(&of->flight.taken));
    CHECK(cost == 0, "%llu are taken in the end", (unsigned long long)cost);
    CHECK(open_cost(atomic_load(&of->flight.open)) == 0, "a group is open in the end");
    CHECK(of->flight.fences.length == 0, "fences are left");
}

static void stress(uint64_t seed, uint64_t rounds) {
    begin();
    config.gate_max_ms = 1;
    atomic_store(&ended, false);
    atomic_store(&launching, LAUNCHERS);
    for (int i = 0; i < LAUNCHERS; i++)
        start(i, launch_often, random_next(&seed), rounds);
    start(LAUNCHERS, finish_often, random_next(&seed), 0);
    start(LAUNCHERS + 1, disturb, random_next(&seed), 0);
    for (int i = 0; i < LAUNCHERS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&ended, true);
    pthread_join(workers[LAUNCHERS].thread, NULL);
    pthread_join(workers[LAUNCHERS + 1].thread, NULL);
    for (int i = 0; i < QUEUES; i++) {
        expect_empty(&queues[i]);
        window_agree(&queues[i], 0, 0);
    }
    CHECK(atomic_load(&device.loaded) == 0, "%u loaded", atomic_load(&device.loaded));
}

static void *launch_within(void *data) {
    struct worker *worker = data;
    for (uint64_t i = 0; i < worker->rounds; i++) {
        struct submission made = enter(queue, 1, 1);
        leave(&made, true);
        CHECK(taken() <= LAUNCHES, "%d are taken", (int)taken());
        dawdle(&worker->seed, NAP_RARITY);
    }
    return NULL;
}

/* Until all launchers are done, while what they launch finishes. */
static void run_launchers(void *(*run)(void *), uint64_t seed, uint64_t rounds) {
    atomic_store(&ended, false);
    for (int i = 0; i < LAUNCHERS; i++)
        start(i, run, random_next(&seed), rounds);
    start(LAUNCHERS, finish_often, random_next(&seed), 0);
    for (int i = 0; i < LAUNCHERS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&ended, true);
    pthread_join(workers[LAUNCHERS].thread, NULL);
}

static void hold(uint64_t seed, uint64_t rounds) {
    begin();
    window_agree(queue, LAUNCHES, 0);
    run_launchers(launch_within, seed, rounds);
    expect_empty(queue);
}

/* What both queues have in the lane fits into the window of the process, or is one launch. */
static void expect_lane(void) {
    struct lane *lane = &device.lane;
    pthread_mutex_lock(&lane->lock);
    uint64_t cost = 0;
    for (uint32_t i = 0; i < lane->count; i++)
        cost += lane->holders[i].cost;
    /* The second may go when the first is nearly done. */
    CHECK(lane->count <= 2 || cost <= SIZE_NS, "%u in the lane, %d us", lane->count,
          (int)(cost / NS_PER_US));
    pthread_mutex_unlock(&lane->lock);
}

static void *launch_long(void *data) {
    struct worker *worker = data;
    for (uint64_t i = 0; i < worker->rounds; i++) {
        struct queue *to = &queues[random_below(&worker->seed, QUEUES)];
        /* Kinds that nobody knows yet: each is longer than its queue's part of the window. */
        struct submission made = enter(to, 2 * UNKNOWN, random_next(&worker->seed) | 1);
        expect_lane();
        dawdle(&worker->seed, NAP_RARITY);
        leave(&made, random_below(&worker->seed, 64) != 0);
    }
    return NULL;
}

static void share_lane(uint64_t seed, uint64_t rounds) {
    begin();
    config.gate_max_ms = 10000;
    for (int i = 0; i < QUEUES; i++)
        window_agree(&queues[i], LAUNCHES, SIZE_NS);
    run_launchers(launch_long, seed, rounds);
    CHECK(atomic_load(&device.lane.moves) > 0, "no launch went by the lane");
    for (int i = 0; i < QUEUES; i++)
        expect_empty(&queues[i]);
    CHECK(device.lane.count == 0 && device.lane.first == NULL, "the lane is not empty in the end");
}

static void *launch_small(void *unused) {
    (void)unused;
    while (!atomic_load(&ended))
        launch(queue, 1);
    return NULL;
}

/* One at a time, so that the window is never empty while others launch. */
static void *finish_slowly(void *unused) {
    (void)unused;
    while (!atomic_load(&ended)) {
        if (atomic_load(&finished) < atomic_load(&launched))
            atomic_fetch_add(&finished, 1);
        nap();
    }
    finish_all();
    return NULL;
}

static void mix_sizes(void) {
    enum { LARGE = 20 };
    begin();
    window_agree(queue, LAUNCHES, 0);
    atomic_store(&ended, false);
    for (int i = 0; i < LAUNCHERS; i++)
        start(i, launch_small, 0, 0);
    start(LAUNCHERS, finish_slowly, 0, 0);
    for (int i = 0; i < LARGE; i++)
        launch_kind(queue, LAUNCHES, 2);
    atomic_store(&ended, true);
    pthread_join(workers[LAUNCHERS].thread, NULL);
    for (int i = 0; i < LAUNCHERS; i++) {
        /* Those that wait for the last ones. */
        finish_all();
        pthread_join(workers[i].thread, NULL);
    }
    expect_empty(queue);
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: window_stress SEED ROUNDS");
    uint64_t seed = check_argument(argv[1]);
    uint64_t rounds = check_argument(argv[2]);
    alarm(LIFE_S);
    pthread_mutex_init(&device.lock, NULL);
    stress(seed, rounds);
    hold(seed, rounds);
    share_lane(seed, rounds / 10);
    mix_sizes();
    begin();
    return 0;
}
