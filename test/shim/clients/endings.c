/*
 * A program whose threads, or itself, end in the middle of their work:
 *
 *   endings pending N      N threads end with work on their streams
 *   endings keys           threads that launch once more when their own data is destroyed
 *   endings atexit         one more launch when the process ends
 *   endings exit | _exit | abort    a thread ends the process, while others launch
 *   endings return         main returns, while detached threads launch
 *   endings cancel N       N threads are cancelled in the middle of it
 *   endings signal US      the handler of a signal ends the process after some time
 *
 * The last two are for a driver that can bear it: the simulated GPU's own calls wait under locks.
 */
#include "work.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { THREADS = 4, MANY = 64 };

static pthread_key_t key;
static bool has_key;
static struct work_stream last;
static atomic_int launching; /* Threads that have launched for the first time. */

static void *flood(void *unused) {
    driver_join_thread();
    struct work_stream work = work_open();
    bool first = true;
    for (;;) {
        /* It may be refused at the end of the process, which somebody else brings about. */
        while (driver_mix(work.stream, 0, 2000, work.word, 1) != CUDA_SUCCESS)
            pause();
        if (first)
            atomic_fetch_add(&launching, 1);
        first = false;
        cuda.cuStreamSynchronize(work.stream);
        pthread_testcancel();
    }
    return unused;
}

static void start_floods(void) {
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, flood, NULL) == 0, "no thread");
        pthread_detach(thread);
    }
}

static void nap(uint64_t us) {
    struct timespec pause = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    nanosleep(&pause, NULL);
}

/* Whoever begins its work in a process that ends is refused by the driver, and says so. */
static void wait_for_floods(int count) {
    while (atomic_load(&launching) < count)
        nap(1000);
    nap(20000);
}

static void *leave_work(void *data) {
    struct work_stream *work = data;
    driver_join_thread();
    work_launch(work, 20, 200000);
    if (has_key)
        pthread_setspecific(key, work);
    return NULL;
}

static void launch_once_more(void *data) {
    work_launch(data, 1, 1000);
}

static void leave_pending(uint64_t count) {
    pthread_t threads[MANY];
    struct work_stream works[MANY];
    CHECK(count <= MANY, "at most %d threads", MANY);
    for (uint64_t i = 0; i < count; i++) {
        works[i] = work_open();
        CHECK(pthread_create(&threads[i], NULL, leave_work, &works[i]) == 0, "no thread");
    }
    for (uint64_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (uint64_t i = 0; i < count; i++)
        SAY("thread %d: %u launches, %08x\n", (int)i, works[i].launched, work_read(&works[i]));
}

static void *end_process(void *name) {
    wait_for_floods(THREADS + 1);
    if (strcmp(name, "exit") == 0)
        exit(5);
    if (strcmp(name, "_exit") == 0)
        _exit(6);
    abort();
}

static void cancel(uint64_t count) {
    uint64_t seed = 1;
    for (uint64_t i = 0; i < count; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, flood, NULL) == 0, "no thread");
        nap(random_below(&seed, 1000));
        pthread_cancel(thread);
        pthread_join(thread, &result);
        CHECK(result == PTHREAD_CANCELED, "a thread ended by itself");
    }
    struct work_stream work = work_open();
    work_launch(&work, 100, 1000);
    work_read(&work);
    SAY("cancelled %d, launched %u\n", (int)count, work.launched);
}

static void end_in_handler(int number) {
    (void)number;
    exit(7);
}

static void launch_at_exit(void) {
    work_launch(&last, 1, 1000);
    SAY("at exit: %08x\n", work_read(&last));
}

int main(int count, char **words) {
    CHECK(count >= 2, "usage: endings CASE [N]");
    char *name = words[1];
    uint64_t number = count > 2 ? check_argument(words[2]) : 0;
    driver_start();
    if (strcmp(name, "pending") == 0) {
        leave_pending(number);
    } else if (strcmp(name, "keys") == 0) {
        has_key = pthread_key_create(&key, launch_once_more) == 0;
        CHECK(has_key, "no key");
        leave_pending(THREADS);
    } else if (strcmp(name, "atexit") == 0) {
        atexit(launch_at_exit);
        last = work_open();
        work_launch(&last, 10, 1000);
    } else if (strcmp(name, "return") == 0) {
        start_floods();
        wait_for_floods(THREADS);
    } else if (strcmp(name, "cancel") == 0) {
        cancel(number);
    } else if (strcmp(name, "signal") == 0) {
        struct itimerval timer = {.it_value = {0, (suseconds_t)number}};
        struct sigaction action = {.sa_handler = end_in_handler};
        CHECK(sigaction(SIGALRM, &action, NULL) == 0, "no handler");
        setitimer(ITIMER_REAL, &timer, NULL);
        flood(NULL);
    } else {
        pthread_t thread;
        start_floods();
        CHECK(pthread_create(&thread, NULL, end_process, name) == 0, "no thread");
        flood(NULL);
    }
    return 0;
}
