/* The window when it comes, goes and changes, rule by rule. */
#include "window_world.h"

static void check_stale_grace(void) {
    for (int change = 0; change < 3; change++) {
        begin();
        config.gate_max_ms = 5;
        window_agree(queue, 8, SIZE_NS);
        launch(queue, 9);
        CHECK(window->grace != 0, "no grace is left");
        if (change == 0)
            window_agree(queue, 0, SIZE_NS);
        window_agree(queue, 8, change == 1 ? 0 : SIZE_NS);
        if (change == 2) {
            finish_all();
            launch(queue, 1);
        } else {
            config.gate_max_ms = 0;
            finish_all();
            launch(queue, 1);
        }
        CHECK(window->grace == 0, "grace outlives its window, change %d", change);
    }
}

/* Launches and nanoseconds are never added up. */
static void check_units(void) {
    begin();
    window_agree(queue, 8, 0);
    launch(queue, 3);
    struct submission before = enter(queue, 1, 1);
    expect_taken(4, "launches");
    window_agree(queue, 8, SIZE_NS);
    finish_all();
    launch(queue, 1);
    expect_taken(EACH_NS, "when what was before has finished");
    /* What was on its way counts anew. */
    leave(&before, true);
    expect_taken(UINT64_C(2) * EACH_NS, "after a change to time");
    before = enter(queue, 1, 1);
    struct submission failed = enter(queue, 1, 1);
    window_agree(queue, 4, 0);
    finish_all();
    launch(queue, 1);
    leave(&before, true);
    expect_taken(2, "after a change to launches");
    leave(&failed, false);
    expect_taken(2, "after one of before that failed");
    drain(queue);
    expect_taken(0, "in the end");

    /* Another size of the same unit changes nothing of what is in flight. */
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 4);
    window_agree(queue, 8, SIZE_NS / 2);
    pthread_t thread;
    run_later(&thread, finish_later, (void *)5);
    CHECK(launch_kind(queue, 1, 1).share.waited, "the smaller window is not full");
    pthread_join(thread, NULL);
}

/* All that a queue launched while it had no window counts as a full one, with a fence at once. */
static void check_outranked(void) {
    begin();
    launch(queue, 500);
    for (int i = 0; i < 2; i++) {
        window_agree(queue, 8, SIZE_NS);
        pthread_t thread;
        run_later(&thread, finish_later, (void *)10);
        struct submission made = launch_kind(queue, 1, 1);
        CHECK(made.share.waited, "turn %d: what was launched before does not count", i);
        pthread_join(thread, NULL);
        expect_taken(EACH_NS, "when that has finished");
        /* And again, however short there was none. */
        window_agree(queue, 0, SIZE_NS);
        launch(queue, 500);
    }
    /* But not what is known to have finished. */
    drain(queue);
    window_agree(queue, 8, SIZE_NS);
    CHECK(!launch_kind(queue, 1, 1).share.waited, "it waits for nothing");
    expect_taken(EACH_NS, "one");
}

static void check_load(void) {
    struct queue *other = &queues[1];
    begin();
    window_agree(queue, 8, SIZE_NS);
    window_agree(other, 8, SIZE_NS);
    launch(queue, 6);
    CHECK(atomic_load(&device.loaded) == 1, "it takes three quarters");
    /* Half of the window each, from here on. */
    launch(other, 1);
    CHECK(atomic_load(&other->flight.limit) == SIZE_NS / 2, "they do not share");
    launch(other, 3);
    CHECK(atomic_load(&device.loaded) == 2, "both take a part");
    window_agree(other, 0, SIZE_NS);
    CHECK(atomic_load(&device.loaded) == 1, "one has no window any more");
    launch(other, 10);
    CHECK(atomic_load(&device.loaded) == 1, "what has no window is counted");
    drain(queue);
    CHECK(atomic_load(&device.loaded) == 0, "what is idle is counted");
    launch(queue, 6);
    CHECK(atomic_load(&device.loaded) == 1, "it takes three quarters again");
    window_clear(queue, true);
    CHECK(atomic_load(&device.loaded) == 0, "what has ended is counted");
    /* In launches nobody shares. */
    begin();
    window_agree(queue, 8, 0);
    launch(queue, 6);
    CHECK(atomic_load(&device.loaded) == 0, "launches are counted as time");
}

static void check_end(void) {
    begin();
    window_agree(queue, 8, SIZE_NS);
    launch(queue, 3);
    struct submission made = enter(queue, 1, 1);
    window_clear(queue, false);
    uint64_t calls = atomic_load(&driver_calls);
    /* Its context is gone: no event may be recorded there. */
    launch(queue, 20);
    leave(&made, true);
    launch(queue, 20);
    CHECK(atomic_load(&driver_calls) == calls, "the driver was called");
    expect_taken(0, "after the end");
}

int main(void) {
    alarm(LIFE_S);
    check_stale_grace();
    check_units();
    check_outranked();
    check_load();
    check_end();
    begin();
    return 0;
}
