#include "registry.h"

#include "board.h"
#include "config.h"
#include "context.h"
#include "device.h"
#include "drain.h"
#include "hardware.h"
#include "hot.h"
#include "link.h"
#include "log.h"
#include "process.h"
#include "resolve.h"
#include "table.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct queue *queues[QUEUE_MAX];
static _Atomic uint32_t queue_count; /* Entries of `queues` in use, dead ones included. */
static uint32_t next_id = 1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local uintptr_t own_thread_id;

/* Any removal outdates what threads remember. The registry's lock is held, or no thread of the
 * process has found a queue yet. */
void queue_outdate_threads(void) {
    /* Not in hot itself, which begins with zeros in a child: there must not be an epoch again that
     * was its parent's. */
    static uint32_t epochs;
    if (++epochs == 0)
        epochs = 1;
    atomic_store(&hot.queue_epoch, epochs);
}

static uintptr_t thread_id(void) {
    if (own_thread_id == 0)
        own_thread_id = (uintptr_t)syscall(SYS_gettid);
    return own_thread_id;
}

/*
 * A stream object is known by its handle. A default stream is known by its context and, when it is
 * a thread's own, by that thread; a thread's number is shifted so that it never looks like 0 or 1.
 */
static bool make_key(CUstream stream, enum null_stream null_stream, struct key *key) {
    if (!is_default_stream(stream)) {
        *key = (struct key){0, (uintptr_t)stream};
        return true;
    }
    CUcontext context = NULL;
    if (driver.cuCtxGetCurrent == NULL || driver.cuCtxGetCurrent(&context) != CUDA_SUCCESS ||
        context == NULL) {
        return false;
    }
    *key = (struct key){(uintptr_t)context, stream_by_name(stream, null_stream) == CU_STREAM_LEGACY
                                                ? LEGACY_KEY
                                                : thread_id() << 2 | 2};
    return true;
}

/* What launches read of the queue with that record: of the first queues it lies together. */
static struct hot_queue *take_line(uint32_t index) {
    struct hot_queue *line =
        index < HOT_QUEUES ? &hot.queues[index] : aligned_alloc(CACHE_LINE_BYTES, sizeof(*line));
    if (line != NULL)
        memset(line, 0, sizeof(*line));
    return line;
}

/* A thread that came by when its queue was still there may yet count its entry and take that back:
 * what is counted is not overwritten, and `ready_top` stays that of some device. */
static void clear_line(struct hot_queue *line, uint64_t count) {
    atomic_fetch_sub(&line->entered, count);
    atomic_fetch_sub(&line->returned, count);
    atomic_store(&line->window, 0);
    atomic_store(&line->rank, 0);
    atomic_store(&line->copier, 0);
    atomic_store(&line->permit, false);
    atomic_store(&line->ready, false);
    atomic_store(&line->orphaned, false);
    line->gates_copies = false;
    line->nameless = false;
}

/* A record for a new queue: one whose queue is gone and that no thread is inside of, or fresh. */
static struct queue *take_record(void) {
    uint32_t count = atomic_load(&queue_count);
    for (uint32_t i = 0; i < count; i++) {
        struct queue *old = queues[i];
        uint64_t returned = atomic_load(&old->hot->returned);
        if (atomic_load(&old->alive) || atomic_load(&old->holders) != 0 ||
            atomic_load(&old->hot->entered) != returned)
            continue;
        /* Whoever comes by it from here on finds it dead and leaves its fields alone. */
        window_end(&old->flight);
        size_t kept = offsetof(struct queue, device);
        memset((char *)old + kept, 0, sizeof(*old) - kept);
        clear_line(old->hot, returned);
        window_init(&old->flight);
        return old;
    }
    if (count == QUEUE_MAX)
        return NULL;
    struct queue *fresh = aligned_alloc(CACHE_LINE_BYTES, sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    memset(fresh, 0, sizeof(*fresh));
    fresh->hot = take_line(count);
    if (fresh->hot == NULL) {
        free(fresh);
        return NULL;
    }
    window_init(&fresh->flight);
    queues[count] = fresh;
    atomic_store_explicit(&queue_count, count + 1, memory_order_release);
    return fresh;
}

/* What the calling thread names the stream by. */
static CUstream stream_of(struct key key) {
    if (key.context == 0)
        return (CUstream)key.stream;
    return key.stream == LEGACY_KEY ? CU_STREAM_LEGACY : CU_STREAM_PER_THREAD;
}

/* What the driver knows of a stream. */
struct origin {
    struct stream_context at;
    struct device *device;
    bool nameless;
    int priority;
};

/* Asks for it, with no lock held: whoever asks may have to wait for a thread that the driver keeps
 * waiting. False when it is no stream, and in a forked child, which the driver refuses. */
static bool describe(struct key key, struct origin *origin) {
    CUstream stream = stream_of(key);
    bool is_default = key.context != 0;
    if (!context_of_stream(is_default ? CU_STREAM_LEGACY : stream, &origin->at))
        return false;
    origin->nameless = stream == CU_STREAM_PER_THREAD || (is_default && origin->at.green != NULL);
    origin->device = is_default ? device_current() : device_of_context(origin->at.context);
    origin->priority = 0;
    if (!is_default && driver.cuStreamGetPriority != NULL &&
        driver.cuStreamGetPriority(stream, &origin->priority) != CUDA_SUCCESS)
        origin->priority = 0;
    origin->priority = hardware_asked(stream, origin->priority);
    return origin->device != NULL;
}

/* What another queue of the same stream was given. */
static struct origin origin_of(const struct queue *queue) {
    return (struct origin){{queue->context, queue->green},
                           queue->device,
                           queue->hot->nameless,
                           queue->stream_priority};
}

void queue_forget(struct queue *queue) {
    pthread_mutex_lock(&lock);
    table_erase((struct key){queue->key_context, queue->key_stream}, queue);
    queue_outdate_threads();
    pthread_mutex_unlock(&lock);
}

/* Another label's queue of the stream, that is there already. The registry's lock is held. */
static struct queue *find_labelled(struct key key, uint32_t label) {
    uint32_t count = atomic_load(&queue_count);
    for (uint32_t i = 0; i < count; i++) {
        struct queue *queue = queues[i];
        if (atomic_load(&queue->alive) && !atomic_load(&queue->hot->orphaned) &&
            queue->label.id == label && queue->key_context == key.context &&
            queue->key_stream == key.stream) {
            return queue;
        }
    }
    return NULL;
}

/* A new queue for the stream. The registry's lock is held. */
static struct queue *make_queue(struct key key, const struct label *label,
                                const struct origin *origin) {
    static bool warned;
    struct queue *queue = take_record();
    if (queue == NULL && !warned) {
        warned = true;
        log_line(LOG_WARN, "over %d streams in use at once: further ones are not scheduled",
                 QUEUE_MAX);
    }
    if (queue == NULL)
        return NULL;
    queue->label = *label;
    queue->key_context = key.context;
    queue->key_stream = key.stream;
    queue->stream = stream_of(key);
    queue->context = origin->at.context;
    queue->green = origin->at.green;
    queue->hot->gates_copies = config.gate_copies;
    queue->hot->nameless = origin->nameless;
    queue->device = origin->device;
    queue->hot->ready_top = origin->device->ready.top;
    board_start(queue);
    queue->stream_priority = origin->priority;
    queue->step = -origin->priority; /* CUDA counts downwards: -5 is the most urgent. */
    atomic_store(&queue->id, next_id++);
    /* Only a daemon that can be asked has to be. */
    atomic_store(&queue->hot->permit, !link_is_heard() && !config.fail_closed);
    queue_enlist(queue);
    return queue;
}

/* Threads that come and go would leave a queue each; see queue_is_of_dead_thread. */
static void note_thread_stream(void) {
    enum { SWEEP_EVERY = 64 };
    static _Atomic uint32_t registrations;
    if (atomic_fetch_add(&registrations, 1) % SWEEP_EVERY == SWEEP_EVERY - 1)
        drain_sweep_threads();
}

static struct queue *register_queue(struct key key) {
    struct label label = {.id = 0};
    struct origin origin;
    /* What the driver refuses is no use of CUDA. */
    if (!describe(key, &origin))
        return NULL;
    label_get(label_of_thread(), &label);
    process_start();
    if (key.context != 0 && key.stream != LEGACY_KEY)
        note_thread_stream();
    pthread_mutex_lock(&lock);
    struct queue *queue = table_search(key);
    if (queue == NULL) {
        queue = make_queue(key, &label, &origin);
        /* Last: whoever finds it there launches on it without a look at this lock. */
        if (queue != NULL)
            table_insert(key, queue);
    }
    pthread_mutex_unlock(&lock);
    return queue;
}

/* The stream goes from one label's queue to another's. The registry's lock is held. */
static void hand_over(struct key key, struct queue *from, struct queue *to) {
    atomic_store(&from->behind, true);
    atomic_store(&to->behind, false);
    table_replace(key, to);
    queue_outdate_threads();
}

/*
 * The stream works for another label from now on. What it still has of the one before is known to
 * have drained by an event behind it: to ask the stream would wait for the new work too.
 *
 * The driver may keep who records the event waiting for the GPU, so no lock is held meanwhile. And
 * it is recorded before anybody finds the new queue: what is launched on that one comes behind it.
 */
static struct queue *change_label(struct key key, struct queue *before, uint32_t id) {
    struct label label;
    if (!label_get(id, &label))
        return before; /* It has ended, while the thread is still at it. */
    struct queue *trailed = NULL;
    for (;;) {
        pthread_mutex_lock(&lock);
        struct queue *current = table_search(key);
        struct queue *queue = current;
        if (current != NULL && current->label.id != id) {
            queue = find_labelled(key, id);
            struct origin origin = origin_of(current);
            if (queue == NULL)
                queue = make_queue(key, &label, &origin);
            if (queue == NULL)
                queue = current;
        }
        /* Another thread may have been quicker, and then its queue is the one to put an event on.
         */
        bool settled = queue == current || current == trailed;
        if (settled && queue != current)
            hand_over(key, current, queue);
        if (!settled)
            atomic_fetch_add(&current->holders, 1);
        pthread_mutex_unlock(&lock);
        if (trailed != NULL)
            queue_release(trailed);
        if (settled)
            return queue != NULL ? queue : before;
        queue_retrail(current);
        trailed = current;
    }
}

static struct queue *find(CUstream stream, enum null_stream null_stream, bool make) {
    struct key key;
    if (!make_key(stream, null_stream, &key))
        return NULL;
    if (queue_is_latest(key.context, key.stream))
        return hot_thread.queue;
    uint32_t now = atomic_load_explicit(&hot.queue_epoch, memory_order_acquire);
    uint32_t label = label_of_thread();
    struct queue *queue = table_search(key);
    if (queue == NULL && make)
        queue = register_queue(key);
    /* What is launched outside any execution keeps the stream's last label. */
    if (queue != NULL && make && label != 0 && queue->label.id != label)
        queue = change_label(key, queue, label);
    if (queue != NULL && (label == 0 || queue->label.id == label)) {
        hot_thread.epoch = now;
        hot_thread.context = key.context;
        hot_thread.stream = key.stream;
        hot_thread.queue = queue;
        hot_thread.hot = queue->hot;
        /* Not each time: other threads read that line of the cache. */
        if (atomic_load_explicit(&hot.get_current, memory_order_relaxed) == NULL)
            atomic_store_explicit(&hot.get_current, driver.cuCtxGetCurrent, memory_order_release);
    }
    return queue;
}

struct queue *queue_find(CUstream stream, enum null_stream null_stream) {
    return find(stream, null_stream, true);
}

struct queue *queue_peek(CUstream stream, enum null_stream null_stream) {
    return find(stream, null_stream, false);
}

bool queue_hold(struct queue *queue, uint32_t id) {
    /* Hold first and look then, as take_record looks for holders of what is dead. */
    atomic_fetch_add(&queue->holders, 1);
    if (atomic_load(&queue->alive) && atomic_load(&queue->id) == id)
        return true;
    queue_release(queue);
    return false;
}

void queue_release(struct queue *queue) {
    atomic_fetch_sub(&queue->holders, 1);
}

struct queue *queue_by_id(uint32_t id) {
    uint32_t count = atomic_load_explicit(&queue_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load(&queues[i]->id) == id && queue_hold(queues[i], id))
            return queues[i];
    }
    return NULL;
}

void queue_each(void (*visit)(struct queue *queue, void *data), void *data) {
    uint32_t count = atomic_load_explicit(&queue_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct queue *queue = queues[i];
        if (!atomic_load(&queue->alive) || !queue_hold(queue, atomic_load(&queue->id)))
            continue;
        visit(queue, data);
        queue_release(queue);
    }
}

void queue_drop_spent(struct queue *queue) {
    pthread_mutex_lock(&lock);
    bool spent = atomic_load(&queue->behind);
    /* From here on nobody finds it to hand the stream back to it. */
    if (spent)
        atomic_store(&queue->hot->orphaned, true);
    pthread_mutex_unlock(&lock);
    if (spent)
        queue_drop(queue, false);
}

void queue_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    table_clear();
    /* The records stay allocated and forgotten: a thread of the parent may have been inside. The
     * first lines are used again. */
    memset(queues, 0, sizeof(queues));
    atomic_store(&queue_count, 0);
    queue_outdate_threads();
    own_thread_id = 0;
    device_reset_after_fork();
}
