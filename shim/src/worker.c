#include "worker.h"

#include "board.h"
#include "clock.h"
#include "deepbind.h"
#include "descriptor.h"
#include "ledger.h"
#include "link.h"
#include "log.h"
#include "reports.h"
#include "round.h"
#include "thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

static const uint64_t REPEAT_NS = XSP_READY_REPEAT_MS * NS_PER_MS;
static const uint64_t STATS_NS = XSP_STATS_MS * NS_PER_MS;
static const uint64_t CALLS_NS = XSP_CALLS_MS * NS_PER_MS;
/* STATS that follow the last change: one may be lost, three hardly. */
enum { STATS_REPEATS = 3 };

static struct descriptor bell[2] = {{-1, 0}, {-1, 0}}; /* Written by anybody, read by the worker. */
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t wakes_at; /* 0 while the worker is awake. */
static atomic_bool attention;

void worker_poke(void) {
    atomic_store(&attention, true);
    if (atomic_load(&wakes_at) == 0)
        return;
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&bell_lock);
    if (descriptor_is_ours(bell[0])) {
        send(bell[0].number, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    pthread_mutex_unlock(&bell_lock);
    thread_allow_cancel(cancel);
}

void worker_wake_by(uint64_t when) {
    if (atomic_load(&wakes_at) > when)
        worker_poke();
}

static bool open_bell(void) {
    int pair[2];
    pthread_mutex_lock(&bell_lock);
    descriptor_close(&bell[0]);
    descriptor_close(&bell[1]);
    bool fine = socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0;
    if (fine) {
        bell[0] = descriptor_adopt(pair[0]);
        bell[1] = descriptor_adopt(pair[1]);
        fine = bell[0].number >= 0 && bell[1].number >= 0;
    }
    pthread_mutex_unlock(&bell_lock);
    return fine;
}

static void quieten_bell(void) {
    char bytes[16];
    while (descriptor_is_ours(bell[1]) &&
           recv(bell[1].number, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
    }
}

static void tend_stats(struct queue *queue, struct round *round) {
    uint64_t now = round->now;
    if (now - queue->stats_at >= STATS_NS) {
        uint64_t submitted = atomic_load(&queue->hot->returned);
        if (atomic_load(&queue->hot->ready) || submitted != queue->stats_submitted) {
            queue->stats_repeats = 0;
        }
        if (queue->stats_repeats < STATS_REPEATS) {
            queue->stats_repeats++;
            queue->stats_submitted = submitted;
            report_stats(queue);
        }
        queue->stats_at = now;
        board_mend(queue);
    }
    if (queue->stats_repeats < STATS_REPEATS)
        round_due(round, queue->stats_at + STATS_NS);
}

static void tend(struct queue *queue, void *data) {
    struct round *round = data;
    uint64_t now = round->now;
    bool unanswered = !atomic_load(&queue->registered);
    bool waits =
        atomic_load(&queue->waiting) > 0 || (atomic_load(&queue->hot->ready) && !link_is_heard());
    if (unanswered || waits) {
        if (now - queue->asked_at >= REPEAT_NS) {
            queue->asked_at = now;
            if (unanswered) {
                report_registration(queue);
            } else {
                report_waiting(queue);
            }
        }
        round_due(round, queue->asked_at + REPEAT_NS);
    }
    tend_stats(queue, round);
}

/* Repeats what the process serves until the daemon has answered. */
static void tend_labels(struct round *round) {
    static uint64_t asked_at;
    static bool untold;
    if (round->now - asked_at >= REPEAT_NS) {
        asked_at = round->now;
        untold = report_untold();
    }
    if (untold)
        round_due(round, asked_at + REPEAT_NS);
}

static void tend_calls(uint64_t now) {
    static uint64_t told_at;
    deepbind_check();
    ledger_complain();
    if (!link_is_up() || now - told_at < CALLS_NS)
        return;
    told_at = now;
    ledger_each_new(report_calls);
}

static void sleep_until(uint64_t deadline) {
    atomic_store(&wakes_at, deadline);
    struct pollfd wanted[2] = {{bell[1].number, POLLIN, 0}, link_poll()};
    uint64_t now = clock_now();
    if (!atomic_load(&attention) && deadline > now) {
        uint64_t pause = deadline - now;
        struct timespec limit = {(time_t)(pause / NS_PER_S), (long)(pause % NS_PER_S)};
        int count = ppoll(wanted, 2, &limit, NULL);
        if (count < 0)
            wanted[0].revents = wanted[1].revents = 0;
    }
    atomic_store(&wakes_at, 0);
    if ((wanted[0].revents & ~POLLIN) != 0 || !descriptor_is_ours(bell[1])) {
        /* The program closed it; without a bell the worker would be late, so it gets a new one. */
        open_bell();
    } else if (wanted[0].revents != 0) {
        quieten_bell();
    }
    if (wanted[1].revents != 0)
        link_service(wanted[1].revents);
}

static void *run(void *name) {
    thread_begin(name);
    for (;;) {
        atomic_store(&attention, false);
        uint64_t now = clock_now();
        struct round round = {now, now + STATS_NS};
        round_due(&round, link_maintain(now));
        board_look();
        queue_each(tend, &round);
        tend_labels(&round);
        tend_calls(now);
        sleep_until(round.deadline);
    }
    return NULL;
}

bool worker_start(void) {
    if (!open_bell())
        log_line(LOG_WARN, "no socket pair for the worker: %s", strerror(errno));
    return thread_start("xsched", run);
}

void worker_reset_after_fork(void) {
    pthread_mutex_init(&bell_lock, NULL);
    descriptor_close(&bell[0]);
    descriptor_close(&bell[1]);
    atomic_store(&wakes_at, 0);
    atomic_store(&attention, false);
}
