/* The state of one process: contexts, streams, events, and what its operations do when they finish.
 *
 * Locks, in the order in which they are taken: runtime.apply_lock (effects are applied by one
 * thread at a time, in the order of the simulated time), runtime.lock (everything below), the
 * device file's lock. Objects are never given back to the allocator while a handle might still be
 * looked up: a stale handle is told from a live one by its generation. */
#ifndef SIM_RUNTIME_H
#define SIM_RUNTIME_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cuda_abi.h"
#include "device_file.h"

struct capture;
struct graph;
struct stream;
struct event;

struct context {
    void *handle;
    int device;
    unsigned flags;
    bool primary;
    unsigned retains;
    atomic_int error; /* an asynchronous error sticks to its context */
    struct stream *legacy;
    struct stream *streams; /* all of the context's, the legacy and per-thread ones too */
    uint64_t id;
};

/* A green context: streams of its own in the device's primary context. */
struct green {
    void *handle;
    void *context_handle; /* by which it is made current */
    struct context *primary;
    unsigned sm_count;
    struct stream *main;   /* its default stream */
    struct stream *marker; /* for events of the whole green context; NULL before the first */
    uint64_t holder;       /* the thread that has it among its contexts, 0 for none */
    unsigned held;         /* how often */
};

#define SIM_MAX_EFFECTS 2

/* One effect of a kernel on memory; see README.md for the comments that ask for it. */
enum effect_kind { EFFECT_NONE, EFFECT_MIX, EFFECT_ADD, EFFECT_STORE, EFFECT_TRAP };
struct effect {
    uint8_t kind;
    uint32_t value;
    uint64_t address;
};

/* Rows and layers of a copy or memset, and how far apart they begin. Without rows it is one run. */
struct shape {
    uint32_t rows, layers;
    uint64_t target_pitch, target_layer;
    uint64_t source_pitch, source_layer;
};

/* What an operation does to the process when it has finished. */
struct payload {
    uint8_t kind; /* enum sim_op_kind */
    uint8_t effect_count;
    bool interesting;  /* something outside the driver can see it: apply it in time, unasked */
    bool staged;       /* source is a copy of the stand-in's own, to be freed */
    uint32_t width;    /* of a memset's or written value, in bytes */
    uint64_t launches; /* of the stream, before this one */
    uint64_t finish;
    uint64_t target, source, size;
    union {
        struct effect effects[SIM_MAX_EFFECTS];
        struct {
            struct event *event;
            uint64_t record;
        };
        struct {
            CUhostFn function;
            CUstreamCallback callback;
            void *data;
        };
        struct {
            uint64_t value;
            unsigned flags;
            struct shape shape;
        };
    };
};

enum stream_role { STREAM_ORDINARY, STREAM_LEGACY, STREAM_PER_THREAD, STREAM_GREEN };

struct stream {
    struct stream *next;       /* of the context */
    struct stream *next_local; /* of the process */
    struct context *context;
    struct green *green; /* NULL for most */
    bool detached;       /* that one is gone */
    void *handle;
    enum stream_role role;
    unsigned flags;
    int priority;
    atomic_uint_fast64_t id; /* 0 once the stream is gone */
    uint32_t index;          /* in the device file */
    uint32_t generation;
    bool destroyed;
    bool host_running; /* the applier is inside its host function */
    struct payload *ring;
    uint64_t launches;
    uint64_t interesting_pending;
    uint64_t interesting_next; /* no interesting operation before this one is pending */
    uint64_t collected;        /* operations known to be finished */
    atomic_uint_fast64_t applied;
    atomic_uint_fast64_t tail;
    struct capture *_Atomic capture;
    struct graph_set *capture_set; /* nodes that the next captured one depends on */
};

struct event {
    void *handle;
    unsigned flags;
    struct context *context;
    uint64_t record; /* counts its records, from first_record for none yet */
    uint64_t first_record;
    struct stream *stream; /* of the latest record */
    uint64_t stream_id;
    uint32_t index, generation;
    uint64_t number;
    uint64_t not_before; /* a query before this simulated time need not look */
    uint64_t finished_record;
    uint64_t finish;
    uint64_t capture_id; /* recorded in this capture, 0 for none */
    struct graph_set *capture_set;
};

struct runtime {
    atomic_bool forked; /* a child of the process that initialised the driver */
    atomic_bool ended;  /* the process is exiting and has left the device */
    struct sim_file *file;
    int process;
    pthread_mutex_t lock;
    pthread_mutex_t apply_lock;
    pthread_cond_t applier_wake;
    pthread_cond_t applied;
    struct stream *streams;
    struct stream *free_streams;
    struct context *primary[SIM_MAX_DEVICES];
    unsigned primary_flags[SIM_MAX_DEVICES];
    uint64_t counter;
    atomic_int captures_active;
    /* The devices that the process sees, by the numbers that it knows them by. */
    int visible[SIM_MAX_DEVICES];
    uint32_t visible_count;
};
extern struct runtime runtime;

/* --- starting (runtime.c) --- */
CUresult runtime_init(void);
/* CUDA_SUCCESS where the driver may be used: initialised, not in a host function, not after fork.
 */
CUresult runtime_check(void);
/* The same, and that there is such a device. */
CUresult device_check(CUdevice device);
/* The calling thread's context, without (peek) and with the errors for none and for a broken one.
 */
struct context *context_peek(void);
CUresult context_current(struct context **context);
/* The green context that it is, NULL for an ordinary one. */
struct green *green_current(void);
/* The context of a handle, a green one's primary; NULL where there is none. */
struct context *context_find(const void *handle);
/* Marks the calling thread as inside a host function. */
void runtime_callback_set(bool inside);
/* Holds the thread until simulated `since` + cost: what a call costs on the host. */
void host_delay(uint64_t since, uint64_t cost_ns);
/* Simulated time now. */
uint64_t runtime_now(void);

/* --- devices (visible.c) --- */
/* Reads CUDA_VISIBLE_DEVICES as the driver does; false where that leaves none. */
bool visible_init(void);
/* The number by which the process knows a device of the file that it sees. */
CUdevice visible_ordinal(int device);
/* A device's UUID: with XSCHED_SIM_MIG=1 that of a slice, or of the GPU that it is a slice of. */
CUuuid visible_uuid(int device, bool of_gpu);

/* --- handles (handles.c) --- */
enum handle_kind {
    HANDLE_CONTEXT = 1,
    HANDLE_STREAM,
    HANDLE_EVENT,
    HANDLE_MODULE,
    HANDLE_FUNCTION,
    HANDLE_GRAPH,
    HANDLE_GRAPH_NODE,
    HANDLE_GRAPH_EXEC,
    HANDLE_GREEN,
    HANDLE_GREEN_CONTEXT,
    HANDLE_RESOURCES
};
/* A new handle of an object, NULL when 2^20 are in use. */
void *handle_make(enum handle_kind kind, void *object);
/* The object, NULL where the handle is no live one of that kind. */
void *handle_find(enum handle_kind kind, const void *handle);
void handle_drop(void *handle);

/* --- streams and operations (stream_table.c, queue.c, apply.c) --- */
CUresult stream_make(struct context *context, struct green *green, enum stream_role role,
                     unsigned flags, int priority, struct stream **stream);
/* What runs next goes by it, what runs already stays. */
void stream_set_priority(struct stream *stream, int priority);
/* What the stream still holds goes on; its handle is gone at once. Needs runtime.lock. True where
 * it holds nothing, and queue_apply is to be called. */
bool stream_give_up(struct stream *stream);
/* What a handle means: NULL is the legacy or the per-thread stream, 1 and 2 are those by name. */
CUresult stream_resolve(CUstream handle, bool per_thread, struct stream **stream);
/* Whether the stream takes part in the legacy stream's implicit synchronisation. */
bool stream_is_blocking(const struct stream *stream);

struct submission {
    uint8_t engine;
    bool launch;   /* counts against SIM_QUEUE_LAUNCHES */
    bool in_graph; /* part of a graph's launch: no capture, no latency between the nodes */
    uint64_t duration;
    uint64_t latency;
    const struct event *wait_for; /* of a SIM_OP_WAIT */
    struct payload payload;
};
/* Appends an operation to a stream, or to the graph that the stream is being captured into. Blocks
 * while the stream's hardware queue is full. *number (may be NULL) is set to its number. */
CUresult queue_submit(struct stream *stream, const struct submission *submission, uint64_t *number);
/* Appends a wait for the operation that the event stands for. */
CUresult queue_submit_wait(struct stream *stream, const struct event *event);
/* Waits until an operation has finished and its effects are there. Its context's error, if any. */
CUresult queue_wait(struct stream *stream, uint64_t number);
/* Whether a stream's operations before `tail` have all been applied, looking if need be. */
bool queue_is_done(struct stream *stream, uint64_t tail);
/* The same for all blocking streams of a context, which its legacy stream stands for. */
CUresult queue_wait_blocking(struct context *context);
bool queue_blocking_are_done(struct context *context);
/* Waits for all streams of a context. */
CUresult queue_wait_context(struct context *context);
/* The same for those of a green context. */
CUresult queue_wait_green(const struct green *green);
/* Applies what has finished by now. */
void queue_apply(void);
/* The body of the stand-in's own thread. */
void *applier_main(void *argument);
void effects_apply(struct stream *stream, struct payload *payload);
/* Copies of that size take so long, in simulated ns. */
uint64_t copy_duration(int kind, uint64_t bytes);

/* --- memory (memory.c) --- */
bool memory_contains(uint64_t address, uint64_t size);
bool memory_is_pinned_host(uint64_t address, uint64_t size);
/* Frees an allocation that no operation uses any more. Needs runtime.lock. */
void memory_free_now(uint64_t address);

#endif
