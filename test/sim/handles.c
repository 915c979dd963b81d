/* Handles: not addresses but numbers with a generation, so that garbage and stale handles are told
 * from live ones without touching memory that may be gone. Looking one up takes no lock. */
#include <stdlib.h>

#include "runtime.h"

#define CHUNK 4096u
#define CHUNKS 256u
#define HANDLE_BASE 0x5100000000000000ull

struct slot {
    atomic_uintptr_t object;
    atomic_uint_fast32_t tag; /* generation << 4 | kind; kind 0 is free */
    uint32_t next_free;
};

static _Atomic(struct slot *) chunks[CHUNKS];
static uint32_t used_slots = 1, free_list;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static struct slot *slot_at(uint32_t index) {
    struct slot *chunk = index / CHUNK < CHUNKS ? chunks[index / CHUNK] : NULL;
    return chunk ? &chunk[index % CHUNK] : NULL;
}

void *handle_make(enum handle_kind kind, void *object) {
    pthread_mutex_lock(&table_lock);
    uint32_t index = free_list;
    struct slot *slot = NULL;
    if (index) {
        slot = slot_at(index);
        free_list = slot->next_free;
    } else if (used_slots < CHUNK * CHUNKS) {
        index = used_slots;
        if (!chunks[index / CHUNK])
            chunks[index / CHUNK] = calloc(CHUNK, sizeof(struct slot));
        slot = slot_at(index);
        if (slot)
            used_slots++;
    }
    void *handle = NULL;
    if (slot) {
        uint64_t generation = ((slot->tag >> 4) + 1) & 0xffffff;
        slot->object = (uintptr_t)object;
        slot->tag = (uint32_t)(generation << 4 | kind);
        handle = (void *)(uintptr_t)(HANDLE_BASE | generation << 28 | (uint64_t)index << 4 | kind);
    }
    pthread_mutex_unlock(&table_lock);
    return handle;
}

void *handle_find(enum handle_kind kind, const void *handle) {
    uint64_t bits = (uint64_t)(uintptr_t)handle;
    if ((bits & 0xff00000000000000ull) != HANDLE_BASE || (bits & 0xf) != kind)
        return NULL;
    struct slot *slot = slot_at((uint32_t)(bits >> 4) & 0xffffff);
    uint64_t generation = (bits >> 28) & 0xffffff;
    if (!slot || slot->tag != (generation << 4 | kind))
        return NULL;
    return (void *)slot->object;
}

void handle_drop(void *handle) {
    uint32_t index = (uint32_t)((uint64_t)(uintptr_t)handle >> 4) & 0xffffff;
    struct slot *slot = slot_at(index);
    if (!slot)
        return;
    pthread_mutex_lock(&table_lock);
    slot->tag &= ~(uint32_t)0xf;
    slot->next_free = free_list;
    free_list = index;
    pthread_mutex_unlock(&table_lock);
}
