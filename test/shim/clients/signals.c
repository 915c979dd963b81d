/*
 * A program in a hail of signals, whose handlers ask for no call to be started again:
 *
 *   signals storm      threads launch, each of them signalled all the time, a timer besides
 *   signals held N     a thread launches; N signals later it says whether that has happened, and
 *                      launches on another stream, so that a daemon knows
 */
#include "work.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { THREADS = 3, LAUNCHES = 1000 };

static atomic_uint caught;

static void catch_signal(int number) {
    (void)number;
    atomic_fetch_add(&caught, 1);
}

static void handle(int number) {
    struct sigaction action = {.sa_handler = catch_signal};
    CHECK(sigaction(number, &action, NULL) == 0, "no handler");
}

static void nap_ms(unsigned ms) {
    struct timespec pause = {0, ms * 1000000L};
    nanosleep(&pause, NULL);
}

struct worker {
    struct work_stream work;
    pthread_t thread;
    unsigned launches;
    uint32_t result;
    atomic_bool ended;
};

static void *launch(void *data) {
    struct worker *worker = data;
    driver_join_thread();
    for (unsigned i = 0; i < worker->launches; i++) {
        work_launch(&worker->work, 1, 20000);
        if (i % 8 == 7)
            work_read(&worker->work);
    }
    worker->result = work_read(&worker->work);
    atomic_store(&worker->ended, true);
    return NULL;
}

static void start(struct worker *worker, unsigned launches) {
    *worker = (struct worker){.work = work_open(), .launches = launches};
    CHECK(pthread_create(&worker->thread, NULL, launch, worker) == 0, "no thread");
}

static void storm(void) {
    static struct worker workers[THREADS];
    struct itimerval timer = {{0, 1000}, {0, 1000}};
    for (int i = 0; i < THREADS; i++)
        start(&workers[i], LAUNCHES);
    setitimer(ITIMER_REAL, &timer, NULL);
    bool busy = true;
    while (busy) {
        busy = false;
        for (int i = 0; i < THREADS; i++) {
            if (atomic_load(&workers[i].ended))
                continue;
            busy = true;
            pthread_kill(workers[i].thread, SIGUSR1);
        }
        nap_ms(1);
    }
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        SAY("thread %d: %08x\n", i, workers[i].result);
    }
    CHECK(atomic_load(&caught) > 50, "%u signals are no storm", atomic_load(&caught));
}

static void hold(uint64_t count) {
    static struct worker worker;
    start(&worker, 8);
    for (uint64_t i = 0; i < count; i++) {
        pthread_kill(worker.thread, SIGUSR1);
        nap_ms(1);
    }
    SAY("%d signals, %s\n", (int)count, atomic_load(&worker.ended) ? "launched" : "held");
    struct work_stream mark = work_open();
    work_launch(&mark, 1, 1000);
    pthread_join(worker.thread, NULL);
    SAY("result: %08x\n", worker.result);
}

int main(int count, char **words) {
    CHECK(count >= 2, "usage: signals storm | signals held N");
    handle(SIGUSR1);
    handle(SIGALRM);
    driver_start();
    if (strcmp(words[1], "storm") == 0)
        storm();
    else
        hold(check_argument(words[2]));
    return 0;
}
