/*
 * A preload library with a heap of its own, as jemalloc and tcmalloc are. It is made when the first
 * block is asked for, in the middle of whatever asks, and looks for functions then.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT __attribute__((visibility("default")))

enum { ALIGNMENT = 16, EARLY_BYTES = 65536 };
static const size_t HEAP_BYTES = (size_t)1 << 30;

/* In front of each block. */
struct head {
    size_t size;
    size_t unused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *next, *end;
static bool making;
/* What the look-ups of the making itself ask for. */
static _Alignas(ALIGNMENT) char early[EARLY_BYTES];
static size_t early_used;

static void *place(char *at, size_t size) {
    struct head head = {size, 0};
    memcpy(at - sizeof(head), &head, sizeof(head));
    return at;
}

static void make_heap(void) {
    making = true;
    /* Allocators do this to reach what they replace, or the threads library. */
    if (dlsym(RTLD_NEXT, "malloc") == NULL || dlsym(RTLD_DEFAULT, "no such function") != NULL)
        abort();
    next = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (next == MAP_FAILED)
        abort();
    end = next + HEAP_BYTES;
    making = false;
}

static void *take(size_t size, size_t alignment) {
    if (alignment < ALIGNMENT)
        alignment = ALIGNMENT;
    if (making) {
        char *at = early + early_used + sizeof(struct head);
        early_used += sizeof(struct head) + ((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
        return early_used > EARLY_BYTES ? NULL : place(at, size);
    }
    pthread_mutex_lock(&lock);
    if (next == NULL)
        make_heap();
    uintptr_t at = ((uintptr_t)next + sizeof(struct head) + alignment - 1) & ~(alignment - 1);
    bool fits = size < HEAP_BYTES && at + size <= (uintptr_t)end;
    if (fits)
        next = (char *)(at + size);
    pthread_mutex_unlock(&lock);
    if (!fits) {
        errno = ENOMEM;
        return NULL;
    }
    return place((char *)at, size);
}

EXPORT void *malloc(size_t size) {
    return take(size, 0);
}

EXPORT void free(void *block) {
    (void)block; /* The programs of the tests are short. */
}

EXPORT void *calloc(size_t count, size_t size) {
    /* Fresh from the kernel, hence zeros. */
    return size != 0 && count > SIZE_MAX / size ? NULL : take(count * size, 0);
}

EXPORT void *realloc(void *block, size_t size) {
    void *fresh = take(size, 0);
    if (block == NULL || fresh == NULL)
        return fresh;
    struct head head;
    memcpy(&head, (char *)block - sizeof(head), sizeof(head));
    return memcpy(fresh, block, head.size < size ? head.size : size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    return take(size, alignment);
}

EXPORT void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
    return take(size, alignment);
}

EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = take(size, alignment);
    return *block == NULL ? ENOMEM : 0;
}
