/* The file that all processes map: one simulated machine with its devices.
 *
 * Whatever is in here must survive a process that is killed between any two instructions while it
 * holds the lock. Hence no linked lists: streams are rings with two counters, an operation counts
 * from the moment its ring's tail moves, and everything else (who is ready when) is a cache that
 * engine_repair() rebuilds. Times are simulated nanoseconds since the file was made. */
#ifndef SIM_DEVICE_FILE_H
#define SIM_DEVICE_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define SIM_NEVER UINT64_MAX
#define SIM_MAX_DEVICES 8
#define SIM_MAX_PROCESSES 256
#define SIM_MAX_STREAMS 2048
#define SIM_STREAMS_PER_CLIENT 256
#define SIM_RING 4096u
#define SIM_LOG 65536u
#define SIM_LAYOUT 2u

enum sim_op_kind {
    SIM_OP_KERNEL = 1,
    SIM_OP_COPY_H2D,
    SIM_OP_COPY_D2H,
    SIM_OP_COPY_D2D,
    SIM_OP_MEMSET,
    SIM_OP_EVENT,
    SIM_OP_WAIT,
    SIM_OP_WRITE_VALUE,
    SIM_OP_WAIT_VALUE,
    SIM_OP_HOST,
    SIM_OP_FREE,
    SIM_OP_KINDS
};

/* What an operation needs. NONE completes as soon as its turn comes; EXTERNAL waits until its
 * process says that it is done (host functions, waits for a value). */
enum sim_engine_kind {
    SIM_ENGINE_H2D,
    SIM_ENGINE_D2H,
    SIM_ENGINE_COMPUTE,
    SIM_ENGINE_NONE,
    SIM_ENGINE_EXTERNAL,
    SIM_ENGINES
};
#define SIM_COPY_ENGINES 2

struct sim_op {
    uint8_t kind;
    uint8_t engine;
    uint16_t dep_stream;     /* index + 1 of the stream that this waits for, 0 for none */
    uint32_t dep_generation; /* a stream of another generation has finished long ago */
    uint64_t dep_count;      /* that many of its operations must have completed */
    uint64_t submit;
    uint64_t ready;    /* may not start earlier */
    uint64_t duration; /* what is left of it, once it was suspended */
    uint64_t start;    /* SIM_NEVER until it started */
    uint64_t finish;
    uint64_t work; /* durations of the stream's operations before this one, summed up */
};

struct sim_stream {
    uint32_t in_use;
    uint32_t generation;
    uint16_t device;
    uint16_t client;
    int32_t priority;
    uint64_t id;
    uint64_t head; /* operations completed */
    uint64_t tail; /* operations submitted */
    uint64_t work; /* durations of all that was submitted, summed up */
    uint64_t head_time;
    uint64_t last_finish;
    uint32_t head_started; /* the operation at the head occupies an engine, or its process */
    uint32_t pad;
};

/* One process on one device. */
struct sim_client {
    uint32_t in_use;
    uint32_t stream_count;
    uint16_t streams[SIM_STREAMS_PER_CLIENT];
    uint16_t suspended; /* stream + 1 whose kernel a time slice interrupted */
    uint64_t memory_used;
};

enum sim_phase { SIM_PHASE_IDLE, SIM_PHASE_SWITCH, SIM_PHASE_RUN };

struct sim_device {
    uint8_t uuid[16];
    uint32_t phase;
    int32_t owner; /* client whose context is on the device, -1 for none */
    uint32_t run_stream;
    uint32_t pad;
    uint64_t phase_end;
    uint64_t slice_end;
    struct {
        uint32_t busy;
        uint32_t stream;
        uint64_t finish;
    } copy[SIM_COPY_ENGINES];
    uint64_t active[SIM_MAX_PROCESSES / 64]; /* clients that have operations */
    uint64_t ready[SIM_MAX_PROCESSES][4];    /* by client: earliest for H2D, D2H, kernel, marker */
    struct sim_client clients[SIM_MAX_PROCESSES];
};

/* A process. Its life lock is held by a thread of the stand-in for as long as the process lives:
 * the kernel hands a dead owner's robust lock to whoever tries it, at once and without a look-up.
 */
struct sim_process {
    uint32_t in_use;
    int32_t pid;
    uint64_t start_time; /* as /proc/PID/stat has it, in clock ticks since boot */
    pthread_mutex_t life;
};

struct sim_log_entry {
    uint64_t sequence; /* counts from 1; 0 while the entry is being written */
    int32_t pid;
    uint16_t kind;
    uint16_t device;
    uint64_t stream;
    uint64_t submit;
    uint64_t start;
    uint64_t finish;
};

struct sim_file {
    uint32_t magic;
    uint32_t layout;
    char boot_id[40];
    double scale;
    uint64_t epoch; /* CLOCK_MONOTONIC, in real ns, when the file was made */
    uint32_t device_count;
    uint32_t mps;
    uint32_t jitter;
    uint32_t context_ms;
    uint32_t checked_at; /* tick of 10 real ms in which a process was last looked up in /proc */
    pthread_mutex_t lock;
    uint64_t now; /* simulated up to here */
    uint64_t op_counter;
    uint64_t stream_counter;
    uint64_t log_count;
    struct sim_process processes[SIM_MAX_PROCESSES];
    struct sim_device devices[SIM_MAX_DEVICES];
    struct sim_log_entry log[SIM_LOG];
    struct sim_stream streams[SIM_MAX_STREAMS];
    struct sim_op rings[SIM_MAX_STREAMS][SIM_RING]; /* apart, so that looking at streams is cheap */
};

/* Operation `number` of a stream. */
static inline struct sim_op *device_op(struct sim_file *file, const struct sim_stream *stream,
                                       uint64_t number) {
    return &file->rings[stream - file->streams][number % SIM_RING];
}

#define SIM_MAGIC 0x7853496du

/* Folder of the device file: $XSCHED_SIM_DIR, or a folder of the user's under the temp directory.
 */
void device_file_path(char *path, unsigned long size);

/* Opens the file, making it with the environment's settings where it is missing or from before the
 * last boot. NULL, with a message on stderr, where it cannot be used or the environment asks for
 * another scale, MPS mode or number of devices than it was made with. */
struct sim_file *device_file_open(void);

/* Maps an existing file for reading, for tools. NULL with errno set where there is none. */
const struct sim_file *device_file_read(void);

/* Takes the lock, repairing what a dead holder left, and removes processes that died. */
void device_file_lock(struct sim_file *file);
void device_file_unlock(struct sim_file *file);

/* Registers the calling process; the calling thread becomes the holder of its life lock and must
 * live as long as the process. The slot, or -1 where all SIM_MAX_PROCESSES are taken. */
int device_file_join(struct sim_file *file);
/* Removes the process and all that it submitted. */
void device_file_leave(struct sim_file *file, int process);

/* Simulated time now. */
uint64_t device_file_now(const struct sim_file *file);
/* Real CLOCK_MONOTONIC in ns, and the real moment of a simulated time. */
uint64_t clock_real_ns(void);
uint64_t device_file_real(const struct sim_file *file, uint64_t simulated);

#endif
