/* The gate: every submission passes it, in place, on the thread that makes it. */
#ifndef XSCHED_GATE_H
#define XSCHED_GATE_H

#include "graphs.h"
#include "ledger.h"
#include "queue.h"

#include <stdbool.h>
#include <stddef.h>

enum work_kind {
    WORK_LAUNCH,
    WORK_COPY,  /* Held back unless the configuration says otherwise. */
    WORK_ASIDE, /* Never held back, but the queue is not idle before it is done. */
    WORK_WAIT,  /* Never held back, and nothing that the GPU does: the stream waits for others. */
};

/* What a call submits. */
struct work {
    enum work_kind kind;
    uint32_t weight; /* What a window of launches counts: the kernels of a graph, else 1. */
    uint64_t key;    /* The same for what takes the GPU as long, as far as can be told. */
};

/* A kernel on so many blocks. */
static inline struct work work_kernel(CUfunction function, uint64_t blocks) {
    return (struct work){WORK_LAUNCH, 1, (uint64_t)(uintptr_t)function ^ blocks << 48 ^ blocks * 3};
}

static inline struct work work_kernel_ex(const CUlaunchConfig *launch, CUfunction function) {
    uint64_t blocks = 0;
    if (launch != NULL)
        blocks = (uint64_t)launch->gridDimX * launch->gridDimY * launch->gridDimZ;
    return work_kernel(function, blocks);
}

static inline struct work work_graph(CUgraphExec exec) {
    size_t nodes = graph_weight(exec);
    uint32_t weight = nodes == 0 ? 1 : nodes > XSP_WINDOW_MAX ? XSP_WINDOW_MAX : (uint32_t)nodes;
    return (struct work){WORK_LAUNCH, weight, (uint64_t)(uintptr_t)exec};
}

/* A copy or a memset; copies of a size within a factor of two are alike. */
static inline struct work work_copy(size_t bytes) {
    return (struct work){WORK_COPY, 1, bytes == 0 ? 1 : 2 + (uint64_t)__builtin_clzll(bytes)};
}

/* Several copies in one call. */
static inline struct work work_copies(const size_t *sizes, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; sizes != NULL && i < count; i++)
        bytes += sizes[i];
    return work_copy(bytes);
}

static inline struct work work_aside(void) {
    return (struct work){WORK_ASIDE, 1, 0};
}

static inline struct work work_wait(void) {
    return (struct work){WORK_WAIT, 1, 0};
}

/* What gate_enter hands to gate_leave; `queue` is NULL when nothing is to be done. */
struct ticket {
    struct queue *queue;
    struct window_share share;
    enum call_outcome outcome; /* CALL_OUTCOMES when it does not count. */
};

/*
 * Lets a launch through that nothing holds back, or a copy or memset, which is nearly every one:
 * returns its queue. When that has a window gate_enter looks for room in it, otherwise gate_passed
 * follows. NULL, and nothing has changed, where there is more to be thought of: gate_enter does.
 * The stream is one by name (stream_by_name).
 */
struct hot_queue *gate_pass(CUstream stream);
struct hot_queue *gate_pass_copy(CUstream stream);

static inline bool gate_is_passed(const struct hot_queue *passed) {
    return LIKELY(passed != NULL) &&
           LIKELY(atomic_load_explicit(&passed->window, memory_order_relaxed) == 0);
}

/* As if gate_pass had returned NULL. */
static inline void gate_turn_back(struct hot_queue *passed) {
    atomic_fetch_sub(&passed->entered, 1);
}

/*
 * Holds the calling thread until its queue may submit the work. `passed` is what gate_pass returned
 * for it, or NULL. Keeps errno; holds no lock when it returns.
 */
void gate_enter(struct ticket *ticket, struct hot_queue *passed, CUstream stream,
                enum null_stream null_stream, struct work work);

/* The driver has returned from a call that gate_pass let through. */
static inline void gate_passed(struct hot_queue *queue, enum hook_id function, CUresult result) {
    if (LIKELY(result == CUDA_SUCCESS))
        ledger_count(function, CALL_PASSED);
    atomic_fetch_add(&queue->returned, 1);
}

/* The driver has returned from the function; `result` says whether it took the work. Keeps errno.
 */
void gate_leave(const struct ticket *ticket, enum hook_id function, CUresult result);

/*
 * Work of this process may wait for that of others in ways that nobody can see. Its gates hold it
 * for gate_max_ms at most before they let one window pass, whoever outranks it.
 */
void gate_note_dependence(void);

/* Nothing blocks any more; for the end of the process. */
void gate_open_for_exit(void);

/* In a forked child: the parent's end, or what it depends on, is not its own. */
void gate_reset_after_fork(void);

#endif
