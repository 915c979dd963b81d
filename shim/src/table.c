#include "table.h"

#include <string.h>

/* Open addressing with tombstones; readers take no lock. Four times as many places as queues. */
enum { TABLE_SIZE = 4096 };
_Static_assert(TABLE_SIZE >= 4 * QUEUE_MAX, "the table of queues is too full to be quick");

struct place {
    _Atomic uintptr_t context;     /* 0 for a stream object: its handle alone is unique. */
    _Atomic uintptr_t stream;      /* 0: never used, so a search may stop here. */
    _Atomic(struct queue *) queue; /* NULL: its queue is gone. */
};

static struct place table[TABLE_SIZE];

static size_t slot_of(struct key key) {
    uint64_t mixed =
        ((uint64_t)key.stream >> 1 ^ (uint64_t)key.context << 7) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 52) % TABLE_SIZE;
}

struct queue *table_search(struct key key) {
    size_t slot = slot_of(key);
    for (size_t i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        uintptr_t stream = atomic_load_explicit(&table[slot].stream, memory_order_acquire);
        if (stream == 0)
            return NULL;
        if (stream != key.stream || atomic_load(&table[slot].context) != key.context)
            continue;
        struct queue *queue = atomic_load_explicit(&table[slot].queue, memory_order_acquire);
        if (queue == NULL)
            continue;
        /* The place may have been free a moment ago and be another stream's now. */
        if (atomic_load(&table[slot].stream) == key.stream &&
            atomic_load(&table[slot].context) == key.context) {
            return queue;
        }
    }
    return NULL;
}

void table_insert(struct key key, struct queue *queue) {
    size_t slot = slot_of(key);
    for (size_t i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        if (atomic_load(&table[slot].queue) != NULL)
            continue;
        atomic_store(&table[slot].context, key.context);
        atomic_store_explicit(&table[slot].stream, key.stream, memory_order_release);
        atomic_store_explicit(&table[slot].queue, queue, memory_order_release);
        return;
    }
}

void table_replace(struct key key, struct queue *queue) {
    size_t slot = slot_of(key);
    for (size_t i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        if (atomic_load(&table[slot].stream) == key.stream &&
            atomic_load(&table[slot].context) == key.context &&
            atomic_load(&table[slot].queue) != NULL) {
            atomic_store_explicit(&table[slot].queue, queue, memory_order_release);
            return;
        }
    }
}

void table_erase(struct key key, const struct queue *queue) {
    size_t slot = slot_of(key);
    for (size_t i = 0; i < TABLE_SIZE; i++, slot = (slot + 1) % TABLE_SIZE) {
        uintptr_t stream = atomic_load(&table[slot].stream);
        if (stream == 0)
            return;
        if (stream == key.stream && atomic_load(&table[slot].context) == key.context &&
            atomic_load(&table[slot].queue) == queue) {
            atomic_store(&table[slot].queue, NULL);
            return;
        }
    }
}

void table_clear(void) {
    memset(table, 0, sizeof(table));
}
