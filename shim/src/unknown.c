#include "unknown.h"

#include "compat.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { NAME_BYTES = UNKNOWN_NAME_BYTES, STUB_BYTES = 32 };

/* The assembly half's: stubs of STUB_BYTES each, where they jump to, and their counters. */
extern __attribute__((visibility("hidden"))) char unknown_stubs[UNKNOWN_MAX * STUB_BYTES];
__attribute__((visibility("hidden"))) void *unknown_real[UNKNOWN_MAX];
__attribute__((visibility("hidden"))) _Atomic uint64_t unknown_calls[UNKNOWN_MAX];

static char names[UNKNOWN_MAX][NAME_BYTES];
static _Atomic uint32_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool may_submit(const char *name) {
#define SIGN(text) text,
    static const char *const signs[] = {
#include "signs.def"
    };
#undef SIGN
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (strstr(name, signs[i]) != NULL)
            return true;
    }
    return false;
}

static void set_name(uint32_t index, const char *name) {
    size_t length = strnlen(name, NAME_BYTES - 1);
    memcpy(names[index], name, length);
    names[index][length] = '\0';
}

void *unknown_replace(const char *name, void *found) {
    /* The name that was asked for has no version; the one of the export has. */
    Dl_info info;
    if (dladdr(found, &info) != 0 && info.dli_saddr == found && info.dli_sname != NULL)
        name = info.dli_sname;
    if (!may_submit(name))
        return found;
    pthread_mutex_lock(&lock);
    uint32_t count = atomic_load(&used);
    uint32_t index = 0;
    while (index < count && unknown_real[index] != found)
        index++;
    if (index == count && count < UNKNOWN_MAX) {
        set_name(index, name);
        unknown_real[index] = found;
        atomic_store(&used, count + 1);
    }
    pthread_mutex_unlock(&lock);
    return index == UNKNOWN_MAX ? found : unknown_stubs + (size_t)index * STUB_BYTES;
}

bool unknown_add(const char *name) {
    pthread_mutex_lock(&lock);
    uint32_t count = atomic_load(&used);
    bool fresh = count < UNKNOWN_MAX;
    for (uint32_t i = 0; i < count; i++)
        fresh = fresh && strcmp(names[i], name) != 0;
    if (fresh) {
        set_name(count, name);
        atomic_store(&unknown_calls[count], 1);
        atomic_store(&used, count + 1);
    }
    pthread_mutex_unlock(&lock);
    return fresh;
}

bool unknown_is_function(uint32_t index) {
    return unknown_real[index] != NULL;
}

uint32_t unknown_count(void) {
    return atomic_load(&used);
}

const char *unknown_name(uint32_t index) {
    return names[index];
}

uint64_t unknown_calls_of(uint32_t index) {
    return atomic_load_explicit(&unknown_calls[index], memory_order_relaxed);
}

void unknown_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    for (uint32_t i = 0; i < UNKNOWN_MAX; i++) {
        /* What is loaded in the parent is loaded here too. */
        if (unknown_is_function(i))
            atomic_store(&unknown_calls[i], 0);
    }
}
