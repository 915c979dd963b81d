/* Long launches of two queues go one by one, rule by rule. */
#include "window_world.h"

/* All of the window: so long as a rule that no launch is nearly done while a test lasts. */
static const uint64_t ALL_NS = 800 * NS_PER_MS;
static const uint64_t SHORT_ALL_NS = 8 * NS_PER_MS;
static uint64_t long_ns;
enum { KIND = 1, PATIENCE_MS = 20000 };

static struct queue *const other = &queues[1];
static struct lane *const lane = &device.lane;

/* The queue's launches are known to be longer than half of the window. */
static void know_long(struct queue *of) {
    struct pace *pace = &of->flight.pace;
    uint8_t kind;
    pace_expect(pace, KIND, 1, long_ns, &kind);
    atomic_store(&pace->kinds[kind].ns, long_ns);
}

static struct submission launch_long(struct queue *to) {
    know_long(to);
    return launch_kind(to, 1, KIND);
}

/* All has finished, and each queue knows that it shares the window. */
static void finish_and_settle(void) {
    finish_all();
    for (int i = 0; i < QUEUES; i++) {
        pthread_mutex_lock(&queues[i].flight.lock);
        room_settle(&queues[i], false);
        room_agree(&queues[i], 0);
        pthread_mutex_unlock(&queues[i].flight.lock);
    }
}

/* Both queues launch such ones, and have none in flight. */
static void begin_with(uint64_t all_ns) {
    begin();
    config.gate_max_ms = PATIENCE_MS;
    long_ns = all_ns / 4 * 3;
    /* A trial that does not end: what launches are expected to take stays the same. */
    lane->trial.phase = TRIAL_MEASURES;
    lane->trial.ends_at = UINT64_MAX;
    atomic_store(&lane->measured_until, UINT64_MAX);
    window_agree(queue, 8, all_ns);
    window_agree(other, 8, all_ns);
    launch_long(queue);
    launch_long(other);
    CHECK(lane->count == 1, "the second is not in the lane");
    CHECK(atomic_load(&device.loaded) == 2, "they do not share the window");
    finish_and_settle();
}

static void begin_long(void) {
    begin_with(ALL_NS);
}

/* Another thread that launches. */
struct thread {
    pthread_t id;
    struct queue *to;
    struct submission made;
    _Atomic int went; /* Its place among those who went, from 1. */
};
static _Atomic int places;

static void *launch_there(void *data) {
    struct thread *thread = data;
    thread->made = enter(thread->to, 1, KIND);
    atomic_store(&thread->went, atomic_fetch_add(&places, 1) + 1);
    leave(&thread->made, true);
    return NULL;
}

static void start(struct thread *thread, struct queue *to) {
    *thread = (struct thread){.to = to};
    know_long(to);
    run_later(&thread->id, launch_there, thread);
}

static uint32_t waiting(void) {
    uint32_t count = 0;
    pthread_mutex_lock(&lane->lock);
    for (const struct lane_wait *each = lane->first; each != NULL; each = each->next)
        count++;
    pthread_mutex_unlock(&lane->lock);
    return count;
}

/* Until so many threads wait; the program ends by itself when they never do. */
static void await_waiting(uint32_t count) {
    while (waiting() != count)
        pause_ms(1);
}

static void join(struct thread *thread) {
    pthread_join(thread->id, NULL);
}

static void expect_free(const char *when) {
    CHECK(lane->count == 0, "%s: %u are in the lane", when, lane->count);
    CHECK(waiting() == 0, "%s: %u wait", when, waiting());
}

static void end_all(const char *when) {
    drain(queue);
    drain(other);
    expect_free(when);
}

static void check_one_by_one(void) {
    begin_long();
    CHECK(!launch_long(other).share.waited, "the lane is free");
    struct thread thread;
    start(&thread, queue);
    await_waiting(1);
    pause_ms(5);
    CHECK(atomic_load(&thread.went) == 0, "two are in flight");
    /* Nobody but who waits looks whether it has finished. */
    finish_all();
    join(&thread);
    CHECK(thread.made.share.waited && lane->count == 1, "it did not wait, or is not in the lane");
    end_all("one by one");
}

/* In the order in which they came, but for the queue that has its turn. */
static void check_order(bool has_turn) {
    begin_long();
    launch_long(other);
    CHECK(lane->whose_turn == other, "whoever goes has the turn");
    lane->turn_ends_at = has_turn ? UINT64_MAX : 0;
    struct thread earlier, later;
    atomic_store(&places, 0);
    start(&earlier, queue);
    await_waiting(1);
    start(&later, other);
    await_waiting(2);
    struct thread *first = has_turn ? &later : &earlier, *second = has_turn ? &earlier : &later;
    finish_all();
    join(first);
    CHECK(first->went == 1 && atomic_load(&second->went) == 0, "turn %d: the wrong one", has_turn);
    finish_all();
    join(second);
    end_all("in order");
}

/* Copies, and what fits beside the others, do not wait. */
static void check_others(void) {
    begin_long();
    launch_long(other);
    CHECK(!launch_kind(queue, 2, 2).share.waited, "a short launch waits");
    CHECK(lane->count == 1, "a short launch is in the lane");
    finish_and_settle();
    launch_long(other);
    atomic_fetch_add(&queue->hot->entered, 1);
    know_long(queue);
    struct window_share copy = window_take(queue, 1, KIND, false);
    CHECK(copy.weight != 0 && !copy.waited && lane->count == 1, "a copy waits for a kernel");
    window_put(queue, &copy, WINDOW_FAILED);
    atomic_fetch_sub(&queue->hot->entered, 1);
    end_all("others");
    /* A single queue has the whole window. */
    begin();
    window_agree(queue, 8, ALL_NS);
    launch_long(queue);
    expect_free("a single queue");
}

/* What is in the lane leaves it, however it ends. */
static void check_ends(void) {
    begin_long();
    know_long(other);
    struct submission failed = enter(other, 1, KIND);
    CHECK(lane->count == 1, "it is not in the lane");
    leave(&failed, false);
    expect_free("a launch that failed");
    launch_long(other);
    window_agree(other, 0, 0);
    window_agree(other, 8, 0);
    finish_all();
    launch_kind(other, 1, KIND);
    expect_free("another unit");
    window_agree(other, 8, ALL_NS);
    finish_all();
    launch_long(other);
    launch_long(other);
    window_clear(other, true);
    expect_free("the end of the queue");

    /* Its record is another stream's by the time at which somebody looks. */
    begin_long();
    launch_long(other);
    atomic_fetch_add(&other->id, 10);
    CHECK(launch_long(queue).share.waited, "it went beside it");
    CHECK(lane->count == 1 && lane->holders[0].queue == queue, "what has ended is in the lane");
    end_all("a record that changed hands");

    /* Nobody outranks the one that waits any more. */
    begin_long();
    launch_long(other);
    struct thread thread;
    start(&thread, queue);
    await_waiting(1);
    window_agree(queue, 0, 0);
    join(&thread);
    CHECK(thread.made.share.weight == 0, "it took room in a window that there is not");
    end_all("a window that was lifted");
}

/* One may wait for the other: after gate_max_ms, and the time of what is there, the lane closes for
 * a while. */
static void check_stuck(void) {
    begin_with(SHORT_ALL_NS);
    config.gate_max_ms = 5;
    launch_long(other);
    CHECK(!launch_long(queue).share.is_forced, "the second did not go ahead of the first's end");
    CHECK(lane->count == 2 && atomic_load(&lane->closed_until) == 0, "they are not in the lane");
    uint64_t before = clock_now();
    struct submission made = launch_long(other);
    CHECK(made.share.waited && clock_now() - before >= 2 * long_ns, "it went too early");
    CHECK(atomic_load(&lane->closed_until) > clock_now(), "the lane is open");
    finish_and_settle();
    launch_long(queue);
    launch_long(other);
    CHECK(lane->count == 0, "it is in a closed lane");
    finish_and_settle();
    atomic_store(&lane->closed_until, 1);
    launch_long(queue);
    launch_long(other);
    CHECK(lane->count > 0, "the lane is closed for ever");
    end_all("stuck");
}

/* Its own work waits for the thread; that the lane comes and goes meanwhile, as others begin and
 * end, and that they get on in it, is no reason to keep it for longer. */
static void check_stuck_alone(void) {
    begin_long();
    config.gate_max_ms = 20;
    launch_kind(queue, 8, 2);
    launch_kind(queue, 8, 2);
    struct thread thread;
    start(&thread, queue);
    while (atomic_load(&thread.went) == 0) {
        atomic_fetch_add(&device.loaded, 2);
        atomic_fetch_add(&lane->moves, 1);
        pause_ms(1);
        atomic_fetch_sub(&device.loaded, 2);
        pause_ms(1);
    }
    join(&thread);
    CHECK(thread.made.share.is_forced, "it was not let past");
    end_all("stuck alone");
}

/* What failed is forgotten, and not what runs, of which nothing is known by that. */
static void check_failure_behind(void) {
    begin_with(SHORT_ALL_NS);
    launch_long(other);
    uint64_t began = lane->holders[0].began;
    know_long(queue);
    struct submission failed = enter(queue, 1, KIND);
    CHECK(lane->count == 2, "it did not go ahead of the end");
    uint64_t moves = atomic_load(&lane->moves);
    leave(&failed, false);
    CHECK(lane->count == 1 && lane->holders[0].queue == other, "the wrong one is forgotten");
    CHECK(lane->holders[0].began == began, "what runs began anew");
    CHECK(atomic_load(&lane->moves) == moves, "something has moved");
    end_all("a failure behind");
}

/* The launches by which a trial would end do not come any more: the others are measured again. */
static void check_abandoned_trial(void) {
    begin_long();
    lane->trial.ends_at = clock_now() + 5 * NS_PER_MS;
    launch_long(other);
    CHECK(atomic_load(&lane->measured_until) == lane->trial.ends_at, "the trial is not known");
    drain(queue);
    drain(other);
    pause_ms(6);
    for (int i = 0; i < 3; i++) {
        launch_long(queue);
        finish_and_settle();
    }
    CHECK(expected(KIND) < long_ns, "nothing is learnt any more");
    end_all("an abandoned trial");
}

static atomic_bool slow_ended;

/* Each launch takes longer than is expected. */
static void *finish_slowly(void *unused) {
    (void)unused;
    while (!atomic_load(&slow_ended)) {
        pause_ms(10);
        if (atomic_load(&finished) < atomic_load(&launched))
            atomic_fetch_add(&finished, 1);
    }
    return NULL;
}

/* Side by side each queue has one, as if there were no lane. */
static void check_side_by_side(void) {
    begin_long();
    lane->trial.way = SIDE_BY_SIDE;
    launch_long(other);
    CHECK(!launch_long(queue).share.waited, "they go one by one");
    expect_free("side by side");
    struct thread thread;
    start(&thread, queue);
    pause_ms(5);
    CHECK(atomic_load(&thread.went) == 0 || thread.made.share.waited, "a queue has two");
    finish_all();
    join(&thread);
    end_all("side by side");
    /* What they take is seen as it is without a lane. */
    begin_with(SHORT_ALL_NS);
    lane->trial = (struct trial){.way = SIDE_BY_SIDE};
    atomic_store(&lane->measured_until, 0);
    launch_long(queue);
    launch_long(other);
    pthread_t finisher;
    atomic_store(&slow_ended, false);
    run_later(&finisher, finish_slowly, NULL);
    for (int i = 0; i < 20; i++)
        launch_kind(queue, 1, KIND);
    atomic_store(&slow_ended, true);
    pthread_join(finisher, NULL);
    CHECK(expected(KIND) > long_ns + long_ns / 4, "it expects %d us",
          (int)(expected(KIND) / NS_PER_US));
    end_all("side by side, measured");
}

int main(void) {
    alarm(LIFE_S);
    check_one_by_one();
    check_order(false);
    check_order(true);
    check_others();
    check_ends();
    check_stuck();
    check_stuck_alone();
    check_failure_behind();
    check_abandoned_trial();
    check_side_by_side();
    begin();
    return 0;
}
