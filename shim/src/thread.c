#include "thread.h"

#include "clock.h"
#include "compat.h"
#include "log.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

bool thread_start(const char *name, void *(*run)(void *name)) {
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    /* On Linux sigprocmask works on the calling thread; pthread_sigmask wants a newer glibc. */
    sigprocmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&thread, NULL, run, (void *)name);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        log_line(LOG_WARN, "no thread '%s', nothing is scheduled: %s", name, strerror(failure));
        return false;
    }
    pthread_detach(thread);
    return true;
}

bool thread_lock_briefly(pthread_mutex_t *lock) {
    enum { TRIES = 50 };
    for (int i = 0; i < TRIES; i++) {
        static _Atomic uint32_t never;
        if (pthread_mutex_trylock(lock) == 0)
            return true;
        futex_wait(&never, 0, NS_PER_MS);
    }
    return false;
}

void thread_begin(void *name) {
    prctl(PR_SET_NAME, (const char *)name);
    /* The default slack of 50 µs would be most of every pause. */
    prctl(PR_SET_TIMERSLACK, 1UL);
}
