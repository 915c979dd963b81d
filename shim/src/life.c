#include "life.h"

#include "clock.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>

/* Threads that can be in such calls at once with a scope of their own; with more of them nothing is
 * asked about at all. */
enum { SLOTS = 64 };
/* How long the end of the process waits for a question that the driver does not answer. */
static const uint64_t STOP_NS = 100 * NS_PER_MS;
/* A bound for one sleep; whoever wakes up looks again. */
static const uint64_t SLEEP_NS = NS_PER_S;

enum slot_state { FREE, TAKEN, IN_FORCE };

static struct slot {
    _Atomic int state;
    _Atomic uintptr_t stream;
    _Atomic uintptr_t context;
    _Atomic int device;
} slots[SLOTS];
static _Atomic uint32_t slots_used; /* The first that never was in use. */
static _Atomic uint32_t crowd;      /* Threads without a slot. */

enum question_state { NONE, ASKED, AWAITED };

/* Whether this is the thread that asks: what calls a hook from inside its call must not wait for
 * itself. */
static _Thread_local bool asks;

/* What the drain thread is asking about. */
static struct {
    _Atomic uint32_t state;
    _Atomic uintptr_t stream;
    _Atomic uintptr_t context;
    _Atomic uintptr_t green;
    _Atomic int device;
} question;
static atomic_bool stopped;
static atomic_bool abandoned; /* Its last question came to no end in time. */

/* Whether the question is about something in the scope. */
static bool concerns(uintptr_t stream, uintptr_t context, int device) {
    if (stream != 0 && stream == atomic_load(&question.stream))
        return true;
    if (context != 0 &&
        (context == atomic_load(&question.context) || context == atomic_load(&question.green)))
        return true;
    return device == LIFE_EVERY_DEVICE ||
           (device != LIFE_NO_DEVICE && device == atomic_load(&question.device));
}

static int take_slot(struct life_scope scope) {
    for (uint32_t i = 0; i < SLOTS; i++) {
        int expected = FREE;
        if (!atomic_compare_exchange_strong(&slots[i].state, &expected, TAKEN))
            continue;
        uint32_t used = atomic_load(&slots_used);
        while (used <= i && !atomic_compare_exchange_weak(&slots_used, &used, i + 1)) {
        }
        atomic_store(&slots[i].stream, (uintptr_t)scope.stream);
        atomic_store(&slots[i].context, (uintptr_t)scope.context);
        atomic_store(&slots[i].device, scope.device);
        atomic_store(&slots[i].state, IN_FORCE);
        return (int)i;
    }
    atomic_fetch_add(&crowd, 1);
    return -1;
}

struct life_change life_begin(struct life_scope scope) {
    int cancel = thread_hold_cancel();
    struct life_change change = {take_slot(scope), cancel};
    if (change.slot < 0)
        scope.device = LIFE_EVERY_DEVICE;
    for (;;) {
        uint32_t state = atomic_load(&question.state);
        /* A question that the end of the process gave up on is none to wait for either. */
        if (state == NONE || asks || atomic_load(&abandoned) ||
            !concerns((uintptr_t)scope.stream, (uintptr_t)scope.context, scope.device))
            return change;
        if (state != AWAITED && !atomic_compare_exchange_strong(&question.state, &state, AWAITED))
            continue;
        int saved = errno;
        futex_wait(&question.state, AWAITED, SLEEP_NS);
        errno = saved;
    }
}

void life_end(struct life_change change) {
    if (change.slot < 0)
        atomic_fetch_sub(&crowd, 1);
    else
        atomic_store(&slots[change.slot].state, FREE);
    thread_allow_cancel(change.cancel);
}

static bool may_ask(void) {
    if (atomic_load(&stopped) || atomic_load(&crowd) != 0)
        return false;
    uint32_t used = atomic_load(&slots_used);
    for (uint32_t i = 0; i < used; i++) {
        const struct slot *slot = &slots[i];
        if (atomic_load(&slot->state) == IN_FORCE &&
            concerns(atomic_load(&slot->stream), atomic_load(&slot->context),
                     atomic_load(&slot->device)))
            return false;
    }
    return true;
}

bool life_ask(const struct queue *queue) {
    atomic_store(&question.stream, (uintptr_t)queue->stream);
    atomic_store(&question.context, (uintptr_t)queue->context);
    atomic_store(&question.green, (uintptr_t)queue->green);
    atomic_store(&question.device, queue->device->handle);
    atomic_store(&question.state, ASKED);
    asks = may_ask();
    if (!asks)
        life_answered();
    return asks;
}

void life_answered(void) {
    asks = false;
    if (atomic_exchange(&question.state, NONE) == AWAITED)
        futex_wake_all(&question.state);
}

void life_stop_asking(void) {
    atomic_store(&stopped, true);
    /* For a while only: the program's own threads may keep the driver from answering, and this very
     * thread may be one of them, in a signal handler that exits. */
    uint64_t limit = clock_now() + STOP_NS;
    uint32_t state;
    while ((state = atomic_load(&question.state)) != NONE && clock_now() < limit)
        futex_wait(&question.state, state, STOP_NS / 100);
    atomic_store(&abandoned, state != NONE);
}

void life_reset_after_fork(void) {
    for (uint32_t i = 0; i < SLOTS; i++)
        atomic_store(&slots[i].state, FREE);
    atomic_store(&crowd, 0);
    atomic_store(&question.state, NONE);
    atomic_store(&stopped, false);
    atomic_store(&abandoned, false);
    asks = false;
}
