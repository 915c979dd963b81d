#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model.h"

#define PAGE 4096u

struct allocation {
    uint64_t address, size;
    enum memory_kind kind;
    int device;
};

/* Sorted by address. Guarded by a lock of its own, the innermost one but for the device file's. */
static struct allocation *table;
static uint32_t count, room;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

/* Index of the first allocation that starts after an address. */
static uint32_t place_after(uint64_t address) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (table[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct allocation *find(uint64_t address, uint64_t size) {
    uint32_t place = place_after(address);
    if (place == 0)
        return NULL;
    const struct allocation *found = &table[place - 1];
    uint64_t offset = address - found->address;
    return offset < found->size && size <= found->size - offset ? found : NULL;
}

static bool account(int device, int64_t bytes) {
    device_file_lock(runtime.file);
    struct sim_device *dev = &runtime.file->devices[device];
    uint64_t used = 0;
    for (int p = 0; p < SIM_MAX_PROCESSES; p++)
        used += dev->clients[p].memory_used;
    bool fits = bytes <= 0 || used + (uint64_t)bytes <= SIM_DEVICE_MEMORY;
    if (fits && !runtime.ended)
        dev->clients[runtime.process].memory_used += (uint64_t)bytes;
    device_file_unlock(runtime.file);
    return fits;
}

uint64_t memory_in_use(int device) {
    uint64_t used = 0;
    device_file_lock(runtime.file);
    for (int p = 0; p < SIM_MAX_PROCESSES; p++)
        used += runtime.file->devices[device].clients[p].memory_used;
    device_file_unlock(runtime.file);
    return used;
}

CUresult memory_allocate(struct context *context, enum memory_kind kind, uint64_t size,
                         uint64_t *address) {
    if (size == 0 || size > SIM_DEVICE_MEMORY)
        return size ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_INVALID_VALUE;
    uint64_t rounded = (size + PAGE - 1) / PAGE * PAGE;
    if (kind != MEMORY_PINNED && !account(context->device, (int64_t)rounded))
        return CUDA_ERROR_OUT_OF_MEMORY;
    void *memory = mmap(NULL, rounded, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pthread_mutex_lock(&table_lock);
    if (count == room && memory != MAP_FAILED) {
        uint32_t larger = room ? room * 2 : 64;
        struct allocation *grown = realloc(table, larger * sizeof *grown);
        if (grown) {
            table = grown;
            room = larger;
        }
    }
    if (memory == MAP_FAILED || count == room) {
        pthread_mutex_unlock(&table_lock);
        if (memory != MAP_FAILED)
            munmap(memory, rounded);
        if (kind != MEMORY_PINNED)
            account(context->device, -(int64_t)rounded);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    uint32_t place = place_after((uint64_t)memory);
    memmove(&table[place + 1], &table[place], (count - place) * sizeof *table);
    table[place] = (struct allocation){(uint64_t)memory, size, kind, context->device};
    count++;
    pthread_mutex_unlock(&table_lock);
    *address = (uint64_t)memory;
    return CUDA_SUCCESS;
}

bool memory_contains(uint64_t address, uint64_t size) {
    pthread_mutex_lock(&table_lock);
    bool found = find(address, size) != NULL;
    pthread_mutex_unlock(&table_lock);
    return found;
}

bool memory_is_pinned_host(uint64_t address, uint64_t size) {
    pthread_mutex_lock(&table_lock);
    const struct allocation *found = find(address, size);
    bool pinned = found && found->kind != MEMORY_DEVICE;
    pthread_mutex_unlock(&table_lock);
    return pinned;
}

bool memory_is_private(uint64_t address) {
    pthread_mutex_lock(&table_lock);
    const struct allocation *found = find(address, 1);
    bool private = found && found->kind == MEMORY_DEVICE;
    pthread_mutex_unlock(&table_lock);
    return private;
}

bool memory_starts_at(enum memory_kind kind, uint64_t address) {
    pthread_mutex_lock(&table_lock);
    const struct allocation *found = find(address, 1);
    bool starts = found && found->address == address &&
                  (found->kind == kind || (kind == MEMORY_DEVICE && found->kind == MEMORY_MANAGED));
    pthread_mutex_unlock(&table_lock);
    return starts;
}

void memory_free_now(uint64_t address) {
    pthread_mutex_lock(&table_lock);
    const struct allocation *found = find(address, 1);
    if (!found || found->address != address) {
        pthread_mutex_unlock(&table_lock);
        return;
    }
    struct allocation gone = *found;
    uint32_t place = (uint32_t)(found - table);
    memmove(&table[place], &table[place + 1], (count - place - 1) * sizeof *table);
    count--;
    pthread_mutex_unlock(&table_lock);
    uint64_t rounded = (gone.size + PAGE - 1) / PAGE * PAGE;
    munmap((void *)gone.address, rounded);
    if (gone.kind != MEMORY_PINNED)
        account(gone.device, -(int64_t)rounded);
}
