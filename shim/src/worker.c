#include "worker.h"

#include "clock.h"
#include "compat.h"
#include "config.h"
#include "descriptor.h"
#include "gate.h"
#include "link.h"
#include "log.h"
#include "reports.h"
#include "resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* How soon a watched queue is asked after it fell quiet, and how the pause grows. */
static const uint64_t POLL_FIRST_NS = 50 * NS_PER_US;
static const uint64_t POLL_MAX_NS = 200 * NS_PER_US;
/* While it is still being fed, or a synchronisation will bring the answer. */
static const uint64_t POLL_BUSY_NS = 500 * NS_PER_US;
/* While nobody would gain from knowing. */
static const uint64_t POLL_LAZY_NS = 100 * NS_PER_MS;
static const uint64_t REPEAT_NS = XSP_READY_REPEAT_MS * NS_PER_MS;
static const uint64_t STATS_NS = XSP_STATS_MS * NS_PER_MS;
/* An IDLE that was held back because it followed another too closely. */
static const uint64_t HELD_BACK_NS = NS_PER_MS;
/* How long the end of the process waits for a question that the driver does not answer. */
static const uint64_t STOP_NS = 100 * NS_PER_MS;
/* STATS that follow the last change: one may be lost, three hardly. */
enum { STATS_REPEATS = 3 };

static struct descriptor bell[2] = {{-1, 0}, {-1, 0}}; /* Written by anybody, read by the worker. */
static pthread_mutex_t bell_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t wakes_at; /* 0 while the worker is awake. */
static atomic_bool attention;
static atomic_bool asking = true;
static _Atomic uint32_t inside; /* 1 while the worker is in the driver. */

void worker_poke(void) {
    atomic_store(&attention, true);
    if (atomic_load(&wakes_at) == 0)
        return;
    pthread_mutex_lock(&bell_lock);
    if (descriptor_is_ours(bell[0])) {
        send(bell[0].number, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    pthread_mutex_unlock(&bell_lock);
}

void worker_watch(void) {
    if (atomic_load(&wakes_at) > clock_now() + POLL_MAX_NS || atomic_load(&wakes_at) == 0) {
        worker_poke();
    }
}

void worker_stop_asking(void) {
    atomic_store(&asking, false);
    /* Not by driver_life_lock: the program's own threads may hold it for as long as they wait for
     * the GPU, and this very thread may be one of them, in a signal handler that exits. */
    uint64_t limit = clock_now() + STOP_NS;
    while (atomic_load(&inside) != 0 && clock_now() < limit)
        futex_wait(&inside, 1, STOP_NS / 100);
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

/* Whether everything on the queue's stream has finished; driver_life_lock is held. */
static CUresult ask_driver(struct queue *queue) {
    CUcontext popped;
    if (driver.cuCtxPushCurrent_v2 == NULL ||
        driver.cuCtxPushCurrent_v2(queue->context) != CUDA_SUCCESS) {
        return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    }
    int mode = gate_relax_capture();
    CUevent tail = atomic_load(&queue->tail);
    CUresult result = CUDA_ERROR_NOT_READY;
    if (!queue->per_thread) {
        result = driver.cuStreamQuery(queue->stream);
    } else if (tail != NULL) {
        result = driver.cuEventQuery(tail);
    }
    gate_restore_capture(mode);
    driver.cuCtxPopCurrent_v2(&popped);
    return result;
}

static void schedule_poll(struct queue *queue, uint64_t now, uint64_t pause) {
    queue->poll_pause = pause;
    queue->poll_at = now + pause;
}

/* Looks after a ready queue: has it drained? */
static void poll_queue(struct queue *queue, uint64_t now) {
    bool watched = atomic_load(&queue->watched);
    uint64_t returned = atomic_load(&queue->returned);
    if (atomic_load(&queue->entered) != returned || returned != queue->poll_seen) {
        /* Somebody is at the gate, in the driver, or was since the last look. */
        bool first = queue->poll_pause == 0 || returned == queue->poll_seen + 1;
        queue->poll_seen = returned;
        schedule_poll(queue, now, !watched ? POLL_LAZY_NS : first ? POLL_FIRST_NS : POLL_BUSY_NS);
        return;
    }
    if (atomic_load(&queue->syncing) > 0 && watched) {
        schedule_poll(queue, now, POLL_BUSY_NS);
        return;
    }
    CUresult result = CUDA_ERROR_NOT_READY;
    pthread_mutex_lock(&driver_life_lock);
    /* While anything captures, any stream may join the capture, and a question would end it. */
    atomic_store(&inside, 1);
    if (atomic_load(&asking) && atomic_load(&gate_captures) == 0 && atomic_load(&queue->alive)) {
        result = ask_driver(queue);
    }
    atomic_store(&inside, 0);
    pthread_mutex_unlock(&driver_life_lock);
    /* An error is the program's to find; for us a stream that fails has nothing left to run. */
    if (result != CUDA_ERROR_NOT_READY && queue_try_idle(queue, returned)) {
        queue->poll_pause = 0;
        return;
    }
    uint64_t pause = queue->poll_pause * 2;
    if (pause > POLL_MAX_NS || pause == 0)
        pause = POLL_MAX_NS;
    schedule_poll(queue, now, watched ? pause : POLL_LAZY_NS);
}

static void tend_stats(struct queue *queue, uint64_t now, uint64_t *deadline) {
    if (now - queue->stats_at >= STATS_NS) {
        uint64_t submitted = atomic_load(&queue->returned);
        if (atomic_load(&queue->ready) || submitted != queue->stats_submitted) {
            queue->stats_repeats = 0;
        }
        if (queue->stats_repeats < STATS_REPEATS) {
            queue->stats_repeats++;
            queue->stats_submitted = submitted;
            report_stats(queue);
        }
        queue->stats_at = now;
    }
    if (queue->stats_repeats < STATS_REPEATS && queue->stats_at + STATS_NS < *deadline) {
        *deadline = queue->stats_at + STATS_NS;
    }
}

struct round {
    uint64_t now;
    uint64_t deadline;
};

static void earlier(struct round *round, uint64_t when) {
    if (when < round->deadline)
        round->deadline = when;
}

static void tend(struct queue *queue, void *data) {
    struct round *round = data;
    uint64_t now = round->now;
    bool ready = atomic_load(&queue->ready);
    if (ready) {
        /* A queue that came to be watched must not sleep through its lazy pause. */
        bool overslept = atomic_load(&queue->watched) && queue->poll_pause > POLL_BUSY_NS;
        if (now >= queue->poll_at || overslept)
            poll_queue(queue, now);
        if (atomic_load(&queue->ready))
            earlier(round, queue->poll_at);
    } else if (atomic_load(&queue->reported_ready)) {
        if (now - queue->idle_reported_at >= HELD_BACK_NS) {
            queue->idle_reported_at = now;
            report_state(queue, false);
        } else {
            earlier(round, queue->idle_reported_at + HELD_BACK_NS);
        }
    }
    bool unanswered = !atomic_load(&queue->registered);
    bool waits = atomic_load(&queue->waiting) > 0 || (ready && !link_is_heard());
    if (unanswered || waits) {
        if (now - queue->asked_at >= REPEAT_NS) {
            queue->asked_at = now;
            if (unanswered) {
                report_registration(queue);
            } else {
                report_waiting(queue);
            }
        }
        earlier(round, queue->asked_at + REPEAT_NS);
    }
    tend_stats(queue, now, &round->deadline);
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

static void *run(void *unused) {
    (void)unused;
    prctl(PR_SET_NAME, "xsched");
    /* The default slack of 50 µs would be most of every pause. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    for (;;) {
        atomic_store(&attention, false);
        uint64_t now = clock_now();
        struct round round = {now, now + NS_PER_S};
        earlier(&round, link_maintain(now));
        queue_each(tend, &round);
        sleep_until(round.deadline);
    }
    return NULL;
}

void worker_start(void) {
    sigset_t all, before;
    pthread_t thread;
    if (!open_bell()) {
        log_line(LOG_WARN, "no socket pair for the worker: %s", strerror(errno));
    }
    sigfillset(&all);
    /* On Linux sigprocmask works on the calling thread; pthread_sigmask wants a newer glibc. */
    sigprocmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread, NULL, run, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        log_line(LOG_WARN, "no thread for the worker, nothing is scheduled: %s", strerror(failure));
        gate_open_for_exit();
        return;
    }
    pthread_detach(thread);
}

void worker_reset_after_fork(void) {
    pthread_mutex_init(&bell_lock, NULL);
    descriptor_close(&bell[0]);
    descriptor_close(&bell[1]);
    atomic_store(&wakes_at, 0);
    atomic_store(&attention, false);
    atomic_store(&inside, 0);
}
