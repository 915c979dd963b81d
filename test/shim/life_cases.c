/*
 * The drain thread's questions and the program's changes keep out of each other's way, rule by
 * rule; life_stress.c has both at once.
 */
#include "life_world.h"

#include "futex.h"
#include "thread.h"

#include <sys/wait.h>

/* Which queues may be asked about, a bit for each. */
static unsigned open_queues(void) {
    unsigned open = 0;
    for (int i = 0; i < QUEUES; i++)
        open |= can_ask(&queues[i]) ? 1U << i : 0;
    return open;
}

static void expect_open(unsigned expected, const char *when) {
    unsigned open = open_queues();
    CHECK(open == expected, "%s: %#x may be asked about, expected %#x", when, open, expected);
}

static const struct {
    const char *name;
    uintptr_t stream, context;
    int device;
    unsigned concerned;
} scopes[] = {
    {"a stream", STREAM + 2, 0, LIFE_NO_DEVICE, 0x04},
    {"a context", 0, CONTEXT + 1, LIFE_NO_DEVICE, 0x0c},
    {"a green context", 0, GREEN + 1, LIFE_NO_DEVICE, 0x08},
    {"the first device", 0, 0, 0, 0x0f},
    {"the second device", 0, 0, 1, 0xf0},
    {"every device", 0, 0, LIFE_EVERY_DEVICE, 0xff},
    {"nothing", 0, 0, LIFE_NO_DEVICE, 0},
    {"what nobody has", NOWHERE, NOWHERE, 7, 0},
};
enum { SCOPES = sizeof(scopes) / sizeof(scopes[0]) };

static struct life_scope scope_at(int i) {
    return (struct life_scope){(CUstream)scopes[i].stream, (CUcontext)scopes[i].context,
                               scopes[i].device};
}

static void check_refusals(void) {
    expect_open(ALL, "at first");
    for (int i = 0; i < SCOPES; i++) {
        struct life_change change = life_begin(scope_at(i));
        expect_open(ALL & ~scopes[i].concerned, scopes[i].name);
        life_end(change);
        expect_open(ALL, "after its end");
    }
    /* As when the driver calls back in between, but they may also end in another order. */
    struct life_change outer = life_begin(life_of_stream(stream_of(0)));
    struct life_change inner = life_begin(life_of_context(context_of(3)));
    expect_open(ALL & ~0xc1U, "two at once");
    life_end(outer);
    expect_open(ALL & ~0xc0U, "the second of two");
    outer = life_begin(life_of_context(green_of(0)));
    expect_open(ALL & ~0xc2U, "a third");
    life_end(inner);
    expect_open(ALL & ~0x02U, "the third by itself");
    life_end(outer);
    /* One that is there twice is there until both have ended. */
    outer = life_begin(life_of_device(1));
    inner = life_begin(life_of_device(1));
    life_end(inner);
    expect_open(0x0f, "one of two that are alike");
    life_end(outer);
    expect_open(ALL, "after all");
}

static void expect_cancel(int expected, const char *when) {
    int state = thread_hold_cancel();
    thread_allow_cancel(state);
    CHECK(state == expected, "%s: the thread's cancel state is %d", when, state);
}

static void check_cancel(void) {
    struct life_change outer = life_begin(nowhere);
    struct life_change inner = life_begin(nowhere);
    life_end(inner);
    expect_cancel(PTHREAD_CANCEL_DISABLE, "in a change");
    life_end(outer);
    expect_cancel(PTHREAD_CANCEL_ENABLE, "after it");
}

/* A thread that begins and ends a change, and whether it has got that far. */
struct changer {
    pthread_t thread;
    struct life_scope scope;
    atomic_bool began;
};

static void *change_once(void *data) {
    struct changer *changer = data;
    errno = 0;
    struct life_change change = life_begin(changer->scope);
    CHECK(errno == 0, "life_begin leaves errno %d", errno);
    atomic_store(&changer->began, true);
    life_end(change);
    return NULL;
}

static void changer_start(struct changer *changer, struct life_scope scope) {
    changer->scope = scope;
    atomic_store(&changer->began, false);
    CHECK(pthread_create(&changer->thread, NULL, change_once, changer) == 0, "no thread");
}

/* Starts one that has to wait for the question there is; `count` of them sleep then. */
static void changer_expect_wait(struct changer *changer, struct life_scope scope, int count,
                                const char *name) {
    changer_start(changer, scope);
    while (atomic_load(&asleep) != count) {
        CHECK(!atomic_load(&changer->began), "a change of %s begins amid a question", name);
        sched_yield();
    }
    CHECK(!atomic_load(&changer->began), "a change of %s began before it slept", name);
}

static void changer_join(struct changer *changer) {
    CHECK(pthread_join(changer->thread, NULL) == 0, "the thread cannot be joined");
    CHECK(atomic_load(&changer->began), "it never began");
}

static void check_wait(int scope, int asked) {
    struct changer changer;
    bool waits = (scopes[scope].concerned >> asked & 1) != 0;
    CHECK(life_ask(&queues[asked]), "queue %d may not be asked about", asked);
    if (waits) {
        atomic_store(&interrupts, 1);
        changer_expect_wait(&changer, scope_at(scope), 1, scopes[scope].name);
        life_answered();
        changer_join(&changer);
    } else {
        /* Whatever it concerns, it ends while the question is there. */
        changer_start(&changer, scope_at(scope));
        changer_join(&changer);
        life_answered();
    }
}

static void check_waits(void) {
    for (int scope = 0; scope < SCOPES; scope++) {
        for (int asked = 0; asked < QUEUES; asked++)
            check_wait(scope, asked);
    }
    /* Several for one question, of which the last finds no slot. */
    struct changer first, second, third;
    fill_slots(2);
    CHECK(life_ask(&queues[1]), "the queue may not be asked about");
    changer_expect_wait(&first, life_of_stream(stream_of(1)), 1, "a stream");
    changer_expect_wait(&second, life_of_context(green_of(0)), 2, "a green context");
    changer_expect_wait(&third, nowhere, 3, "nothing, beside too many others,");
    life_answered();
    changer_join(&first);
    changer_join(&second);
    changer_join(&third);
    empty_slots();
    expect_open(ALL, "after the waits");
}

static void check_crowd(void) {
    fill_slots(0);
    expect_open(ALL, "with every slot taken");
    struct life_change first = life_begin(nowhere), second = life_begin(nowhere);
    CHECK(first.slot < 0 && second.slot < 0, "there are slots left");
    expect_open(0, "two more than there are slots");
    life_end(first);
    expect_open(0, "one more than there are slots");
    free_slot();
    expect_open(0, "one that got no slot, while there is one");
    struct life_change third = life_begin(life_of_stream(stream_of(0)));
    CHECK(third.slot >= 0, "the free slot is not found");
    life_end(second);
    expect_open(ALL & ~0x01U, "all with a slot");
    life_end(third);
    empty_slots();
    expect_open(ALL, "after the crowd");
}

static void *stop(void *returned) {
    life_stop_asking();
    atomic_store((atomic_bool *)returned, true);
    return NULL;
}

static void check_stop(void) {
    pthread_t thread;
    atomic_bool returned = false;
    CHECK(life_ask(&queues[0]), "the queue may not be asked about");
    atomic_store(&naps_last, true);
    CHECK(pthread_create(&thread, NULL, stop, &returned) == 0, "no thread");
    while (atomic_load(&naps) == 0) {
        CHECK(!atomic_load(&returned), "a question is not waited for in the end");
        sched_yield();
    }
    CHECK(!atomic_load(&returned), "a question was not waited for in the end");
    life_answered();
    expect_open(0, "in the end");
    atomic_store(&naps_last, false);
    pthread_join(thread, NULL);
    expect_open(0, "after the end");
    life_reset_after_fork();
    /* One that is never answered is not waited for ever. */
    CHECK(life_ask(&queues[0]), "the queue may not be asked about after a fork");
    life_stop_asking();
    struct changer late;
    changer_start(&late, life_of_stream(stream_of(0)));
    changer_join(&late);
    life_answered();
    life_reset_after_fork();
    expect_open(ALL, "after it all");
}

/* What calls a hook from inside a question of the same thread. */
static void check_inside(void) {
    CHECK(life_ask(&queues[0]), "the queue may not be asked about");
    life_end(life_begin(life_of_stream(stream_of(0))));
    life_answered();
    expect_open(ALL, "after a change inside a question");
}

/* Whatever the parent's threads were at, nothing of it is left in a child. */
static void check_fork(void) {
    fill_slots(0);
    struct life_change crowded = life_begin(nowhere);
    free_slot();
    struct life_change change = life_begin(life_of_device(LIFE_EVERY_DEVICE));
    CHECK(!life_ask(&queues[0]), "a queue may be asked about");
    pid_t child = fork();
    if (child == 0) {
        life_reset_after_fork();
        expect_open(ALL, "in a child");
        CHECK(life_ask(&queues[0]), "a queue may not be asked about in a child");
        life_reset_after_fork();
        life_end(life_begin(life_of_stream(stream_of(0))));
        expect_open(ALL, "in a child of the child");
        _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0, "the child ended with %d", status);
    expect_open(0, "in the parent");
    life_end(change);
    life_end(crowded);
    empty_slots();
    expect_open(ALL, "in the parent after it all");
}

int main(void) {
    alarm(LIFE_S);
    make_queues();
    check_refusals();
    check_cancel();
    check_waits();
    check_crowd();
    check_stop();
    check_inside();
    check_fork();
    return 0;
}
