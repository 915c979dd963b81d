#include "runtime.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

struct runtime runtime = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .apply_lock = PTHREAD_MUTEX_INITIALIZER,
    .process = -1,
};

static atomic_bool ready;
static atomic_bool joined;
static _Thread_local bool inside_callback;

/* The stand-in's thread joins the device first: it holds the process's life lock until the end. */
static void *applier_start(void *argument) {
    (void)argument;
    prctl(PR_SET_NAME, "sim-gpu");
    prctl(PR_SET_TIMERSLACK, 1ul);
    int process = device_file_join(runtime.file);
    pthread_mutex_lock(&runtime.lock);
    runtime.process = process;
    joined = true;
    pthread_cond_broadcast(&runtime.applied);
    bool fine = runtime.process >= 0;
    pthread_mutex_unlock(&runtime.lock);
    return fine ? applier_main(NULL) : NULL;
}

static void condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* A child of fork has no thread of the stand-in and no contexts: as with the real driver, it cannot
 * use the GPU unless it executes another program. */
static void child_after_fork(void) {
    if (ready)
        runtime.forked = true;
}

static void leave_at_exit(void) {
    if (!ready || runtime.forked)
        return;
    pthread_mutex_lock(&runtime.lock);
    runtime.ended = true;
    device_file_leave(runtime.file, runtime.process);
    pthread_mutex_unlock(&runtime.lock);
}

static CUresult applier_create(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, applier_start, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        fprintf(stderr, "simulated GPU: cannot start its thread: %s\n", strerror(error));
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    pthread_detach(thread);
    while (!joined)
        pthread_cond_wait(&runtime.applied, &runtime.lock);
    if (runtime.process < 0) {
        fprintf(stderr, "simulated GPU: %d processes use the device already, that is the limit\n",
                SIM_MAX_PROCESSES);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return CUDA_SUCCESS;
}

CUresult runtime_init(void) {
    if (runtime.forked)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (ready)
        return CUDA_SUCCESS;
    /* The runtime's lock is given back while its thread starts, and another one may call meanwhile.
     */
    static pthread_mutex_t init_lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&init_lock);
    pthread_mutex_lock(&runtime.lock);
    CUresult result = CUDA_SUCCESS;
    if (!ready) {
        if (!runtime.file)
            runtime.file = device_file_open();
        if (!runtime.file || !visible_init()) {
            result = CUDA_ERROR_NO_DEVICE;
        } else {
            condition_init(&runtime.applier_wake);
            condition_init(&runtime.applied);
            joined = false;
            result = applier_create();
        }
        if (result == CUDA_SUCCESS) {
            pthread_atfork(NULL, NULL, child_after_fork);
            atexit(leave_at_exit);
            ready = true;
        }
    }
    pthread_mutex_unlock(&runtime.lock);
    pthread_mutex_unlock(&init_lock);
    return result;
}

CUresult runtime_check(void) {
    if (!ready || runtime.forked)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (runtime.ended)
        return CUDA_ERROR_DEINITIALIZED;
    return inside_callback ? CUDA_ERROR_NOT_PERMITTED : CUDA_SUCCESS;
}

void runtime_callback_set(bool inside) {
    inside_callback = inside;
}

CUresult context_current(struct context **context) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    *context = context_peek();
    if (!*context)
        return CUDA_ERROR_INVALID_CONTEXT;
    return (*context)->error;
}

uint64_t runtime_now(void) {
    return device_file_now(runtime.file);
}

void host_delay(uint64_t since, uint64_t cost_ns) {
    uint64_t until = device_file_real(runtime.file, since + cost_ns);
    for (;;) {
        uint64_t now = clock_real_ns();
        if (now >= until)
            return;
        if (until - now > 300000) {
            struct timespec pause = {0, 100000};
            nanosleep(&pause, NULL);
        } else if (until - now > 20000) {
            sched_yield();
        }
    }
}
