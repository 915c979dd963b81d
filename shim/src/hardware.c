#include "hardware.h"

#include "config.h"
#include "label.h"
#include "process.h"
#include "queue.h"
#include "resolve.h"

#include <pthread.h>
#include <stdatomic.h>

/* More streams at once are created as they are asked for. */
enum { STREAM_MAX = 4096 };

struct record {
    CUstream stream;
    struct hardware_stream is;
};

/*
 * The streams of models, in no order: they are looked at when one is created, never when one is
 * launched on. Those of a primary context that was reset stay until their handles come back,
 * for nobody tells which they were.
 */
static struct record records[STREAM_MAX];
static _Atomic uint32_t record_count;
static uint32_t reserved; /* For streams that are being created. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The lock is held. */
static struct record *find(CUstream stream) {
    uint32_t count = atomic_load(&record_count);
    for (uint32_t i = 0; i < count; i++) {
        if (records[i].stream == stream)
            return &records[i];
    }
    return NULL;
}

/* The lock is held. */
static void drop(struct record *record) {
    uint32_t last = atomic_load(&record_count) - 1;
    *record = records[last];
    atomic_store(&record_count, last);
}

static int cut(int priority, int least, int greatest) {
    if (priority > least)
        return least;
    return priority < greatest ? greatest : priority;
}

/*
 * What streams of the default priority are raised to: the middle of the range. One step is all that
 * it takes to go first; what is below stays free for what others put there themselves, and what is
 * above for streams that the program puts before these.
 */
static int middle(int least, int greatest) {
    return least - (least - greatest + 1) / 2;
}

/*
 * None may come to stand before or beside one that the program puts before it, whenever either was
 * made: the nearest to `given` that sees to that. Where the range has no room between two they
 * stand beside each other, and never the other way round. The lock is held.
 */
static int keep_order(const struct hardware_stream *chosen, CUstream self, int least,
                      int greatest) {
    int before = greatest - 1, behind = least + 1; /* Nobody stands there. */
    uint32_t count = atomic_load(&record_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hardware_stream *other = &records[i].is;
        if (records[i].stream == self || other->label != chosen->label ||
            other->context != chosen->context)
            continue;
        if (other->asked < chosen->asked && other->given > before)
            before = other->given;
        if (other->asked > chosen->asked && other->given < behind)
            behind = other->given;
    }
    int given = chosen->given;
    if (given >= behind)
        given = behind - 1;
    if (given <= before)
        given = before + 1;
    if (given > behind)
        given = behind;
    return cut(given, least, greatest);
}

static void choose(int asked, CUstream self, int least, int greatest,
                   struct hardware_stream *chosen) {
    chosen->asked = chosen->given = cut(asked, least, greatest);
    /* What the program set itself it set for a reason. */
    if (chosen->asked == least && queue_is_above_others(chosen->label))
        chosen->given = middle(least, greatest);
    pthread_mutex_lock(&lock);
    chosen->given = keep_order(chosen, self, least, greatest);
    pthread_mutex_unlock(&lock);
}

/* Of the current context; false where there is none, or one without priorities. */
static bool ask_range(int *least, int *greatest) {
    return driver.cuCtxGetStreamPriorityRange != NULL &&
           driver.cuCtxGetStreamPriorityRange(least, greatest) == CUDA_SUCCESS &&
           *least > *greatest;
}

static bool ask_context(CUgreenCtx green, CUcontext *context) {
    *context = NULL;
    CUresult result = CUDA_ERROR_NOT_READY;
    if (green != NULL && driver.cuCtxFromGreenCtx != NULL)
        result = driver.cuCtxFromGreenCtx(context, green);
    else if (green == NULL && driver.cuCtxGetCurrent != NULL)
        result = driver.cuCtxGetCurrent(context);
    return result == CUDA_SUCCESS && *context != NULL;
}

/* Keeps room for a record: a stream must not be raised and then be unknown. */
static bool reserve(void) {
    pthread_mutex_lock(&lock);
    bool room = atomic_load(&record_count) + reserved < STREAM_MAX;
    reserved += room;
    pthread_mutex_unlock(&lock);
    return room;
}

bool hardware_choose(int asked, CUgreenCtx green, struct hardware_stream *chosen) {
    int least, greatest;
    *chosen = (struct hardware_stream){NULL, label_of_thread(), asked, asked};
    /* What the driver refuses is no use of CUDA: nothing begins with it. */
    if (chosen->label == 0 || !ask_range(&least, &greatest))
        return false;
    process_start();
    if (!config.hardware_priority || !ask_context(green, &chosen->context) || !reserve())
        return false;
    choose(asked, NULL, least, greatest, chosen);
    return true;
}

void hardware_choose_again(CUstream stream, int asked, struct hardware_stream *chosen) {
    int least, greatest;
    chosen->asked = chosen->given = asked;
    if (ask_range(&least, &greatest))
        choose(asked, stream, least, greatest, chosen);
}

/* Adds the stream or changes what is known of it. The lock is held. */
static void put(CUstream stream, const struct hardware_stream *now) {
    struct record *record = find(stream);
    uint32_t count = atomic_load(&record_count);
    if (record != NULL) {
        record->is = *now;
    } else if (count < STREAM_MAX) {
        records[count] = (struct record){stream, *now};
        atomic_store(&record_count, count + 1);
    }
}

void hardware_created(CUstream stream, const struct hardware_stream *chosen) {
    pthread_mutex_lock(&lock);
    reserved--;
    if (stream != NULL)
        put(stream, chosen);
    pthread_mutex_unlock(&lock);
}

void hardware_change(CUstream stream, const struct hardware_stream *now) {
    pthread_mutex_lock(&lock);
    struct record *record = find(stream);
    if (record != NULL)
        record->is = *now;
    pthread_mutex_unlock(&lock);
}

bool hardware_get(CUstream stream, struct hardware_stream *found) {
    if (atomic_load(&record_count) == 0)
        return false;
    pthread_mutex_lock(&lock);
    const struct record *record = find(stream);
    if (record != NULL)
        *found = record->is;
    pthread_mutex_unlock(&lock);
    return record != NULL;
}

bool hardware_forget(CUstream stream, struct hardware_stream *found) {
    if (atomic_load(&record_count) == 0)
        return false;
    pthread_mutex_lock(&lock);
    struct record *record = find(stream);
    if (record != NULL) {
        *found = record->is;
        drop(record);
    }
    pthread_mutex_unlock(&lock);
    return record != NULL;
}

void hardware_restore(CUstream stream, const struct hardware_stream *found) {
    pthread_mutex_lock(&lock);
    put(stream, found);
    pthread_mutex_unlock(&lock);
}

int hardware_asked(CUstream stream, int told) {
    struct hardware_stream found;
    return hardware_get(stream, &found) ? found.asked : told;
}

void hardware_forget_context(CUcontext context) {
    pthread_mutex_lock(&lock);
    for (uint32_t i = atomic_load(&record_count); i > 0; i--) {
        if (records[i - 1].is.context == context)
            drop(&records[i - 1]);
    }
    pthread_mutex_unlock(&lock);
}

void hardware_reset_after_fork(void) {
    /* The driver is of no use to a child: it has no streams. */
    pthread_mutex_init(&lock, NULL);
    atomic_store(&record_count, 0);
    reserved = 0;
}
