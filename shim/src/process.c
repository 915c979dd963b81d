#include "process.h"

#include "capture.h"
#include "compat.h"
#include "config.h"
#include "drain.h"
#include "events.h"
#include "gate.h"
#include "graphs.h"
#include "label.h"
#include "ledger.h"
#include "link.h"
#include "queue.h"
#include "triton.h"
#include "worker.h"

#include <pthread.h>
#include <stdlib.h>

_Atomic int process_mode;

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static bool prepared; /* Configuration read and handlers registered. */
static atomic_bool started;

bool process_decide_inert(void) {
    bool inert = config_is_inert();
    atomic_store(&process_mode, inert ? PROCESS_INERT : PROCESS_ACTIVE);
    return inert;
}

static void before_exit(void) {
    gate_open_for_exit();
    drain_stop_asking();
    link_say_goodbye();
    ledger_complain();
    ledger_log();
}

static void after_fork_in_child(void) {
    /* No other thread exists here, and whatever lock one of them held is held for ever. */
    pthread_mutex_init(&start_lock, NULL);
    atomic_store(&started, false);
    link_reset_after_fork();
    ledger_reset_after_fork();
    queue_reset_after_fork();
    events_reset_after_fork();
    graphs_reset_after_fork();
    label_reset_after_fork();
    triton_reset_after_fork();
    worker_reset_after_fork();
    drain_reset_after_fork();
    capture_reset_after_fork();
}

void process_start(void) {
    if (atomic_load_explicit(&started, memory_order_acquire))
        return;
    pthread_mutex_lock(&start_lock);
    if (!atomic_load_explicit(&started, memory_order_relaxed)) {
        if (!prepared) {
            prepared = true;
            config_load();
            queue_use_stream_priorities(config.stream_priority == 1 ||
                                        (config.stream_priority == -1 && config.local_policy));
            pthread_atfork(NULL, NULL, after_fork_in_child);
            /* Registered after the driver's own handlers, so it runs before they tear it down. */
            atexit(before_exit);
        }
        link_start();
        if (!worker_start() || !drain_start())
            gate_open_for_exit();
        atomic_store_explicit(&started, true, memory_order_release);
    }
    pthread_mutex_unlock(&start_lock);
}
