#include "process.h"

#include "board.h"
#include "capture.h"
#include "compat.h"
#include "config.h"
#include "deepbind.h"
#include "drain.h"
#include "events.h"
#include "gate.h"
#include "graphs.h"
#include "hardware.h"
#include "label.h"
#include "ledger.h"
#include "life.h"
#include "link.h"
#include "queue.h"
#include "resolve.h"
#include "thread.h"
#include "triton.h"
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Zeros are a lock that nobody holds, and a mode that is not known. */
struct process_own process_own;

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
/* How far this very process is. */
enum { NEW, LINKED, STARTED };
static _Atomic int stage;
/* Of whichever process did it first: its children have it too. */
static bool prepared;  /* Configuration read, and forks are told of. */
static bool watched;   /* The end is told of. */
static bool inhabited; /* This process or one that it descends from has been inside. */

static void begin_afresh(void) {
    /* No other thread exists here, and whatever lock one of them held is held for ever. */
    pthread_mutex_init(&start_lock, NULL);
    atomic_store(&stage, NEW);
    resolve_reset_after_fork();
    deepbind_reset_after_fork();
    gate_reset_after_fork();
    link_reset_after_fork();
    board_reset_after_fork();
    ledger_reset_after_fork();
    queue_reset_after_fork();
    events_reset_after_fork();
    graphs_reset_after_fork();
    hardware_reset_after_fork();
    label_reset_after_fork();
    triton_reset_after_fork();
    worker_reset_after_fork();
    drain_reset_after_fork();
    life_reset_after_fork();
    capture_reset_after_fork();
}

/* Whose state this is: in a child that no handler has told of, nobody's. */
static void enter(void) {
    int cancel = thread_hold_cancel();
    /* Before anything is written there, for another thread may fork at any time. Where the kernel
     * knows no such pages there are the handlers still; one without the other would be of no use.
     */
    if (madvise(&hot, sizeof(hot), MADV_WIPEONFORK) == 0 &&
        madvise(&process_own, sizeof(process_own), MADV_WIPEONFORK) != 0)
        madvise(&hot, sizeof(hot), MADV_KEEPONFORK);
    pthread_mutex_lock(&process_own.lock);
    if (inhabited && !atomic_load(&process_own.entered))
        begin_afresh();
    else if (!inhabited)
        queue_outdate_threads();
    inhabited = true;
    atomic_store(&process_own.entered, true);
    pthread_mutex_unlock(&process_own.lock);
    thread_allow_cancel(cancel);
}

bool process_decide_inert(void) {
    enter();
    int cancel = thread_hold_cancel();
    bool inert = config_is_inert();
    thread_allow_cancel(cancel);
    atomic_store(&process_own.mode, inert ? PROCESS_INERT : PROCESS_ACTIVE);
    return inert;
}

static void before_exit(void) {
    if (!atomic_load(&process_own.entered))
        enter();
    gate_open_for_exit();
    life_stop_asking();
    link_say_goodbye();
    ledger_complain();
    ledger_log();
}

static void after_fork_in_child(void) {
    /* At once, and not at its next call of the driver: the parent's socket must not live on in it.
     */
    pthread_mutex_init(&process_own.lock, NULL);
    begin_afresh();
    atomic_store(&process_own.entered, true);
}

static void prepare(void) {
    if (prepared)
        return;
    config_load();
    queue_use_stream_priorities(config.stream_priority == 1 ||
                                (config.stream_priority == -1 && config.local_policy));
    pthread_atfork(NULL, NULL, after_fork_in_child);
    prepared = true;
}

static void advance(int to) {
    if (atomic_load_explicit(&stage, memory_order_acquire) >= to)
        return;
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&start_lock);
    int from = atomic_load_explicit(&stage, memory_order_relaxed);
    if (from < LINKED) {
        prepare();
        link_start();
        if (!worker_start() || !drain_start())
            gate_open_for_exit();
    }
    if (to == STARTED && !watched) {
        /* Registered after the driver's own handlers, so it runs before they tear it down; making a
         * context may be what registers those. Before there is a queue nothing asks the driver, and
         * the end of the process says goodbye by itself. */
        atexit(before_exit);
        watched = true;
    }
    if (from < to)
        atomic_store_explicit(&stage, to, memory_order_release);
    pthread_mutex_unlock(&start_lock);
    thread_allow_cancel(cancel);
}

void process_arrive(void) {
    CUcontext context;
    if (atomic_load_explicit(&stage, memory_order_acquire) >= LINKED ||
        driver.cuCtxGetCurrent == NULL || driver.cuCtxGetCurrent(&context) != CUDA_SUCCESS)
        return;
    int saved = errno;
    advance(LINKED);
    errno = saved;
}

void process_start(void) {
    advance(STARTED);
}
