#include "deepbind.h"

#include "compat.h"
#include "config.h"
#include "image.h"
#include "log.h"
#include "process.h"
#include "resolve.h"
#include "thread.h"
#include "unknown.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A program has few of these; what does not fit is not told. */
enum { LIBRARY_MAX = 16, PATH_BYTES = 512 };
/* A library that brings others along may be seen before they are there. */
enum { LOOKS = 8 };

enum state { WAITING, HARMLESS, SUSPECT, TOLD };

/* A call of dlopen. Its file is never looked up again: that would wait for the loader. */
static struct call {
    enum state state;
    struct image_mark before; /* What was loaded before it. */
    unsigned looks, seen;
    char suspect[PATH_BYTES]; /* What may use the driver, once there is one. */
} calls[LIBRARY_MAX];
static _Atomic int call_count;
/* Neither is held while the loader runs code of the program. */
static pthread_mutex_t add_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t look_lock = PTHREAD_MUTEX_INITIALIZER;
static bool at_exit;

__attribute__((visibility("hidden"))) atomic_bool deepbind_pending;
/* The real dlopen, and what the assembly half calls before it jumps there. */
__attribute__((visibility("hidden"))) void *(*dlopen_real)(const char *, int);
__attribute__((visibility("hidden"))) void *dlopen_note(const char *file, int mode);

/* What comes next in the order of preloading: a sanitizer, or another preload library, has its own.
 */
__attribute__((no_sanitize_thread, no_sanitize_address, no_sanitize_undefined)) static void *
find_real(void) {
    if (dlopen_real == NULL)
        dlopen_real = (void *(*)(const char *, int))resolve_real_dlsym(RTLD_NEXT, "dlopen");
    return (void *)dlopen_real;
}

static void note(void) {
    struct image_mark before = image_mark();
    pthread_mutex_lock(&add_lock);
    int index = atomic_load(&call_count);
    if (index < LIBRARY_MAX) {
        calls[index] = (struct call){.state = WAITING, .before = before};
        atomic_store(&call_count, index + 1);
        atomic_store(&deepbind_pending, true);
    }
    pthread_mutex_unlock(&add_lock);
}

__attribute__((no_sanitize_thread, no_sanitize_address, no_sanitize_undefined)) void *
dlopen_note(const char *file, int mode) {
    /* The first call of all may be a sanitizer's own, which is not ready for any code of ours. */
    if (atomic_load_explicit(&deepbind_pending, memory_order_relaxed))
        deepbind_check();
    if ((mode & RTLD_DEEPBIND) != 0 && file != NULL && !process_is_inert())
        note();
    return find_real();
}

static void raise_alarm(const char *path) {
    char name[UNKNOWN_NAME_BYTES];
    snprintf(name, sizeof(name), "dlopen RTLD_DEEPBIND: %.64s", image_base_name(path));
    if (!unknown_add(name))
        return;
    config_load_log();
    log_line(LOG_WARN,
             "%s is loaded with RTLD_DEEPBIND and finds the driver past this library: what it "
             "launches is not scheduled",
             path);
}

static void suspect_user(const struct image *image, void *data) {
    struct call *call = data;
    if (call->state != WAITING || !image_uses_driver(image))
        return;
    call->state = SUSPECT;
    snprintf(call->suspect, sizeof(call->suspect), "%s", image->path);
}

static void find_driver(const struct image *image, void *found) {
    *(bool *)found = *(bool *)found || image_is_driver(image->path);
}

/* `look_lock` is held. */
static void look(struct call *call) {
    if (call->state == WAITING) {
        unsigned seen = image_mark().count;
        /* Nothing that it loaded can be told any more once something was unloaded. */
        if (seen != call->seen && !image_each(call->before, suspect_user, call))
            call->state = HARMLESS;
        call->seen = seen;
        if (call->state == WAITING && ++call->looks == LOOKS)
            call->state = HARMLESS;
        if (call->state == SUSPECT && !at_exit)
            at_exit = atexit(deepbind_check) == 0;
    }
    if (call->state == SUSPECT) {
        bool found = false;
        image_each((struct image_mark){0, 0, true}, find_driver, &found);
        if (found) {
            call->state = TOLD;
            raise_alarm(call->suspect);
        }
    }
}

void deepbind_check(void) {
    if (!atomic_load_explicit(&deepbind_pending, memory_order_acquire) || process_is_inert())
        return;
    int cancel = thread_hold_cancel();
    /* Whoever is at it already may be this very thread, in a function that we call. */
    if (pthread_mutex_trylock(&look_lock) == 0) {
        bool left = false;
        atomic_store(&deepbind_pending, false);
        for (int i = 0; i < atomic_load(&call_count); i++) {
            look(&calls[i]);
            left = left || calls[i].state == WAITING || calls[i].state == SUSPECT;
        }
        if (left)
            atomic_store(&deepbind_pending, true);
        pthread_mutex_unlock(&look_lock);
    }
    thread_allow_cancel(cancel);
}

void deepbind_reset_after_fork(void) {
    pthread_mutex_init(&add_lock, NULL);
    pthread_mutex_init(&look_lock, NULL);
}
