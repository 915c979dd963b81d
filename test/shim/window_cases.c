/* The window, rule by rule; window_eras.c changes it, window_stress.c has many threads in it. */
#include "window_world.h"

#include <sched.h>

static void check_room(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 1);
    /* With room neither the lock nor the driver is needed. */
    uint64_t calls = atomic_load(&driver_calls);
    pthread_mutex_lock(&window->lock);
    CHECK(window->fences.length == 0, "a launch is no quarter");
    struct submission made = enter(queue, 1, 1);
    CHECK(made.is_passed && atomic_load(&driver_calls) == calls, "it asked the driver");
    expect_taken(UINT64_C(2) * EACH_NS, "before the call");
    pthread_mutex_unlock(&window->lock);
    leave(&made, true);
    CHECK(window->fences.length == 1, "no fence behind a quarter");
    /* The window is full after eight: the ninth waits for one of them. */
    CHECK(launch(queue, 6), "the eighth took the lock");
    expect_taken(SIZE_NS, "in a full window");
    pthread_t thread;
    run_later(&thread, finish_later, (void *)5);
    made = launch_kind(queue, 1, 1);
    CHECK(made.share.waited, "the ninth did not wait");
    pthread_join(thread, NULL);
    /* A failed one counts no more. */
    drain(queue);
    expect_taken(0, "after all have finished");
    made = enter(queue, 1, 1);
    leave(&made, false);
    expect_taken(0, "after one that the driver refused");
}

/* A queue that always finds room is looked at all the same, and measured. */
static void check_looks(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    uint64_t calls = atomic_load(&driver_calls);
    int locked = 0;
    enum { MANY = 20000 };
    for (int i = 0; i < MANY; i++) {
        locked += !launch(queue, 1);
        finish_all();
        CHECK(taken() <= SIZE_NS, "over the window");
    }
    CHECK(expected(1) < EACH_NS / 2, "%d: not measured", (int)expected(1));
    CHECK(atomic_load(&queue->completed) > MANY / 2, "%d of %d are known to have finished",
          (int)atomic_load(&queue->completed), MANY);
    CHECK(locked < MANY / 20, "%d took the lock", locked);
    /* Fences, each made once or not, and recorded and asked. */
    CHECK(atomic_load(&driver_calls) - calls < MANY / 4, "%d calls",
          (int)(atomic_load(&driver_calls) - calls));
}

/* What has finished makes room before anything else does. */
static void check_settled_first(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 8);
    finish_all();
    struct submission made = launch_kind(queue, 1, 1);
    CHECK(!made.share.waited, "it waited although all have finished");
    expect_taken(made.share.cost, "only the last is in flight");
    /* Also where it would have been let in before the end of the one before it. */
    drain(queue);
    atomic_store(&window->pace.kinds[pace_place(1)].ns, SIZE_NS);
    launch(queue, 1);
    pause_ms(2);
    finish_all();
    made = launch_kind(queue, 1, 1);
    CHECK(!made.share.waited, "it waited although all have finished");
    expect_taken(made.share.cost, "two long ones, of which one has finished");
}

/* A launch as long as the window goes ahead of the end of the one before it. */
static void check_lead(void) {
    enum { LONG_NS = 20000000 };
    begin();
    window_agree(queue, 8, LONG_NS);
    window->pace.average_ns = LONG_NS;
    launch(queue, 1);
    uint64_t since = clock_now();
    struct submission made = launch_kind(queue, 1, 1);
    CHECK(made.share.waited, "it did not wait");
    CHECK(clock_now() - since > LONG_NS * 9 / 10, "too early");
    expect_taken(UINT64_C(2) * LONG_NS, "both in flight");
}

/* Of a window of 60 microseconds not 50 are a lead. */
static void check_lead_of_small(void) {
    enum { SMALL_NS = 60000, LONG_NS = 55000 };
    begin();
    window_agree(queue, 8, SMALL_NS);
    window->pace.average_ns = LONG_NS;
    launch(queue, 1);
    uint64_t since = fences_oldest(&window->fences)->since;
    launch(queue, 1);
    CHECK(clock_now() - since >= LONG_NS - SMALL_NS / 2, "after %d ns", (int)(clock_now() - since));
}

/* What somebody saw before a pause is no measure. */
static void check_pause(void) {
    enum { PAUSE_MS = 60 };
    pthread_t thread;
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 8);
    run_later(&thread, finish_later, (void *)2);
    CHECK(launch_kind(queue, 1, 1).share.waited, "it did not wait");
    pthread_join(thread, NULL);
    CHECK(window->passed_at != 0, "nobody saw a fence pass");
    finish_all();
    pause_ms(PAUSE_MS);
    /* The first of these groups began before the pause. */
    CHECK(launch(queue, 7), "there was no room");
    run_later(&thread, finish_later, (void *)2);
    CHECK(launch_kind(queue, 1, 1).share.waited, "it did not wait");
    pthread_join(thread, NULL);
    CHECK(expected(1) * UNKNOWN < PAUSE_MS * NS_PER_MS / 2, "%d ns: the pause was measured",
          (int)expected(1));
    /* Nor what was seen before the queue was held at its gate. */
    window_interrupted(queue);
    CHECK(window->passed_at == 0, "an interruption is part of the measure");
}

static void check_stuck(void) {
    begin();
    config.gate_max_ms = 20;
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 8);
    uint64_t since = clock_now();
    struct submission made = launch_kind(queue, 1, 1);
    CHECK(made.share.waited && clock_now() - since >= 20 * NS_PER_MS, "it did not wait");
    /* One window's worth passes. */
    since = clock_now();
    launch(queue, 7);
    CHECK(clock_now() - since < 15 * NS_PER_MS, "the rest of the window waited too");
    expect_taken(UINT64_C(2) * SIZE_NS, "two windows in flight");
    CHECK(window->grace == 0, "more than a window passed");

    /* Without any fence: eight are with the driver, which does not return. */
    begin();
    config.gate_max_ms = 20;
    window_agree(queue, 8, SIZE_NS);
    struct submission held[8];
    for (int i = 0; i < 8; i++)
        held[i] = enter(queue, 1, 1);
    since = clock_now();
    made = enter(queue, 1, 1);
    CHECK(made.share.waited && clock_now() - since >= 20 * NS_PER_MS, "it did not wait");
    leave(&made, true);
    CHECK(window->grace != 0, "no grace is left");
    for (int i = 0; i < 8; i++)
        leave(&held[i], true);
    /* What has finished ends the grace. */
    drain(queue);
    CHECK(window->grace == 0, "grace outlives what it was for");
    expect_taken(0, "after all have finished");
}

enum { STUCK = 4 };
static _Atomic int past;

static void *launch_large(void *unused) {
    (void)unused;
    struct submission made = enter(queue, 8, 1);
    atomic_fetch_add(&past, 1);
    /* The driver does not return either before all are seen. */
    while (atomic_load(&past) < STUCK)
        sched_yield();
    leave(&made, true);
    return NULL;
}

/* Of those who are stuck together one goes past, and the next when it is stuck anew. */
static void check_stuck_together(void) {
    enum { LIMIT_MS = 200 };
    pthread_t threads[STUCK];
    begin();
    config.gate_max_ms = LIMIT_MS;
    window_agree(queue, 8, 0);
    launch(queue, 8);
    atomic_store(&past, 0);
    uint64_t since = clock_now();
    for (int i = 0; i < STUCK; i++)
        run_later(&threads[i], launch_large, NULL);
    while (atomic_load(&past) < STUCK) {
        uint64_t windows = taken() / 8, passed = (clock_now() - since) / NS_PER_MS / LIMIT_MS;
        CHECK(windows <= 1 + passed, "%d windows after %d limits", (int)windows, (int)passed);
        sched_yield();
    }
    for (int i = 0; i < STUCK; i++)
        pthread_join(threads[i], NULL);
}

/* Whoever went past and finds its gate closed has not used what it was granted. */
static void check_unused_grace(void) {
    begin();
    config.gate_max_ms = 20;
    window_agree(queue, 8, 0);
    launch(queue, 8);
    struct submission made = enter(queue, 5, 1);
    CHECK(made.share.waited, "it did not wait");
    leave(&made, false);
    config.gate_max_ms = 1000 * LIFE_S;
    made = enter(queue, 5, 1);
    expect_taken(13, "a second try");
    leave(&made, true);
}

/* A refused event forgives its own group and nothing else. */
static void check_refusal(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 5);
    CHECK(window->fences.length == 2, "%u fences behind five", window->fences.length);
    atomic_store(&refuses_events, true);
    launch(queue, 1);
    CHECK(window->fences.length == 2, "%u fences", window->fences.length);
    expect_taken(UINT64_C(4) * EACH_NS, "what has a fence");
    atomic_store(&refuses_events, false);
    launch(queue, 4);
    pthread_t thread;
    run_later(&thread, finish_later, (void *)5);
    CHECK(launch_kind(queue, 1, 1).share.waited, "the window is lifted");
    pthread_join(thread, NULL);
}

/* A launch that somebody made between the proof and the news of it is in flight still. */
static void check_late_news(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 3);
    finish_all();
    uint64_t proven = atomic_load(&queue->hot->returned);
    launch(queue, 1);
    window_drained(queue, proven);
    CHECK(taken() >= EACH_NS, "what runs is forgotten");
    drain(queue);
    expect_taken(0, "when it has finished");
}

/* So many launches that nobody has a place for their fences. */
static void check_full_ring(void) {
    begin();
    config.gate_max_ms = 1;
    window_agree(queue, 1, 0);
    uint64_t held = 0;
    for (int i = 0; i < FENCES_MAX + 8; i++)
        held += launch_kind(queue, 1, 1).share.cost;
    expect_taken(held, "all that is past the limit is counted");
    CHECK(fences_are_full(&window->fences), "%u fences", window->fences.length);
    finish_all();
    launch(queue, 1);
    drain(queue);
    expect_taken(0, "in the end");
}

static void check_graphs(void) {
    begin();
    window_agree(queue, 8, 0);
    launch_kind(queue, 300, 1);
    expect_taken(8, "a graph that is larger than the window");
    finish_all();
    launch_kind(queue, 3, 2);
    expect_taken(3, "a small one");
    CHECK(launch_kind(queue, 5, 3).is_passed, "there was room");
    expect_taken(8, "two");
}

static atomic_bool large_done;

static void *launch_small(void *unused) {
    (void)unused;
    while (!atomic_load(&large_done))
        launch(queue, 1);
    return NULL;
}

/* What it has is never all finished while more comes; 200 ms are longer than a thread of the
 * machine is kept from it. */
static void *keep_busy(void *unused) {
    (void)unused;
    uint64_t seen = 0, since = clock_now();
    while (!atomic_load(&large_done)) {
        uint64_t now = atomic_load(&launched);
        if (now != seen) {
            seen = now;
            since = clock_now();
        }
        bool is_quiet = clock_now() - since > 200 * NS_PER_MS;
        if (is_quiet || now > atomic_load(&finished) + 4)
            atomic_store(&finished, is_quiet ? now : now - 4);
        sched_yield();
    }
    finish_all();
    return NULL;
}

/* A launch as large as the window finds room behind the small ones of another thread. */
static void check_sizes(void) {
    pthread_t small, gpu;
    begin();
    window_agree(queue, 8, 0);
    launch(queue, 8);
    atomic_store(&large_done, false);
    run_later(&gpu, keep_busy, NULL);
    run_later(&small, launch_small, NULL);
    CHECK(launch_kind(queue, 8, 2).share.waited, "the window was empty");
    atomic_store(&large_done, true);
    pthread_join(gpu, NULL);
    pthread_join(small, NULL);
    CHECK(window->eldest == 0, "somebody is the eldest still");
    CHECK(launch_kind(queue, 1, 1).share.weight == 1 && launch(queue, 1), "nobody passes by");
}

int main(void) {
    alarm(LIFE_S);
    check_room();
    check_looks();
    check_settled_first();
    check_lead();
    check_lead_of_small();
    check_pause();
    check_stuck();
    check_stuck_together();
    check_unused_grace();
    check_refusal();
    check_late_news();
    check_full_ring();
    check_graphs();
    check_sizes();
    begin();
    return 0;
}
