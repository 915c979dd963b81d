/*
 * What every launch uses: of the process, of its queue, of the function that it calls, and of the
 * thread, each in one line of the processor's cache, and all but the thread's in one page. Between
 * two launches the driver and the program leave little of ours in caches, and each line and each
 * page more is fetched again.
 */
#ifndef XSCHED_HOT_H
#define XSCHED_HOT_H

#include "cuda_abi.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_LINE_BYTES = 64, DEVICE_MAX = 64, HOT_QUEUES = 32 };

/* Code of each launch and copy, which lies together for the same reason. */
#define LAUNCH_PATH __attribute__((hot))
/* A branch that is not taken needs no memory of the processor's to be foreseen. */
#define LIKELY(condition) __builtin_expect(condition, 1)

/* At least as large as the pages of any system of the architecture. */
#if defined(__aarch64__)
enum { OWN_PAGE_BYTES = 65536 };
#else
enum { OWN_PAGE_BYTES = 4096 };
#endif

enum hook_id {
#define SUBMIT(function, work, stream, null_stream, parameters, arguments) HOOK_##function,
#define CUSTOM(function) HOOK_##function,
#include "hooks.def"
#undef SUBMIT
#undef CUSTOM
    HOOK_COUNT
};

/* What became of a call: a line of the ledger. */
enum call_outcome {
    CALL_PASSED,   /* Went through the gate without waiting. */
    CALL_GATED,    /* Waited at the gate. */
    CALL_BYPASSED, /* Reached the driver without the gate: what is never held back, or no queue's.
                    */
    CALL_CAPTURED, /* Went into a graph that was being captured. */
    CALL_OUTCOMES
};

/* What each call of a hooked function needs, in one line of the processor's cache. */
struct hook_line {
    /* The driver's own function; NULL until it was called, or where the driver has none. */
    _Atomic(void *) real;
    _Atomic uint64_t calls[CALL_OUTCOMES]; /* ledger.h */
} __attribute__((aligned(CACHE_LINE_BYTES)));

struct queue;

/* A queue's; the line is never freed. */
struct hot_queue {
    _Atomic uint64_t entered;
    _Atomic uint64_t returned;
    _Atomic int *ready_top; /* Where the highest rank stands that is ready on the device. */
    /* board.h: where it stands who has work on the device, and to whom of them the queue yields. */
    _Atomic(_Atomic uint64_t *) bits;
    _Atomic(const _Atomic uint64_t *) mask;
    _Atomic uint32_t window; /* Launches in flight where they count; 0 for no limit. */
    _Atomic int rank;
    _Atomic uint32_t copier;     /* The thread that copies in pieces, 0 for none. */
    _Atomic uint32_t announcers; /* Threads that are about to set its bit there, and which that */
    _Atomic uint8_t place;       /* is: XSP_BOARD_SLOTS for none. */
    _Atomic bool permit;         /* The daemon's word; true while there is no daemon to ask. */
    _Atomic bool ready;
    _Atomic bool orphaned; /* Its stream was destroyed while it had work. */
    bool gates_copies;     /* config.h's gate_copies; here it is in a line that each copy reads. */
    bool nameless; /* A thread's own default stream, or a green context's: others' calls can't name
                  it. */
} __attribute__((aligned(CACHE_LINE_BYTES)));

_Static_assert(sizeof(struct hot_queue) == CACHE_LINE_BYTES, "a queue takes two lines");

/*
 * The process's. A child finds it full of zeros (process.h), so that nothing its thread
 * remembers of the parent's queues counts.
 */
struct hot {
    _Atomic uint32_t queue_epoch; /* registry.c: moves on with each queue that is found no more. */
    _Atomic int captures_open;    /* capture.h: captures that are open in the process. */
    atomic_bool is_off;           /* link.h: after `xsched off`. */
    atomic_bool is_exiting;       /* gate.h: nothing blocks any more. */
    /* The driver's cuCtxGetCurrent, once a queue was found. */
    CUresult (*_Atomic get_current)(CUcontext *context);
    /* Of each device the highest rank of its ready queues; for the first ones it is in the line of
     * the above, which changes less. */
    _Atomic int ready_tops[DEVICE_MAX];
    struct hot_queue queues[HOT_QUEUES];
    /* What launches comes first, then the copies that programs make most. */
    struct hook_line hooks[HOOK_COUNT];
} __attribute__((aligned(OWN_PAGE_BYTES)));
extern struct hot hot;

_Static_assert(offsetof(struct hot, hooks[HOOK_cuMemsetD32Async_ptsz + 1]) <= 4096,
               "what launches and most copies use is not in one page");
_Static_assert(offsetof(struct hot, ready_tops[1]) <= CACHE_LINE_BYTES,
               "the first device's ready rank is not in the first line");

/* A thread's. */
struct hot_thread {
    /* The queue that it used last, how that was found, and the epoch in which it was; to launch it
     * is found for the thread's label. */
    uint32_t epoch;
    uint32_t label; /* label.h */
    uintptr_t context;
    uintptr_t stream;
    struct queue *queue;
    struct hot_queue *hot;
    struct queue *fed; /* feed.h: the queue that it launched on last. */
} __attribute__((aligned(CACHE_LINE_BYTES)));
extern _Thread_local struct hot_thread hot_thread;

/* No queue has this context and stream 0. */
enum { NO_CONTEXT = 1 };

/* The calling thread remembers no queue. */
static inline void hot_forget(void) {
    hot_thread.context = NO_CONTEXT;
    hot_thread.stream = 0;
}

#endif
