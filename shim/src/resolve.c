#include "resolve.h"

#include "compat.h"
#include "image.h"
#include "process.h"
#include "triton.h"
#include "unknown.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* All hooks have C linkage and their own prototypes; here only their addresses matter. */
#define SUBMIT(function, work, stream, null_stream, parameters, arguments)                         \
    extern CUresult function parameters;
#define CUSTOM(function) extern CUresult function();
/* `CUSTOM` declares without a prototype on purpose: the wrappers' own files hold the real ones. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include "hooks.def"
#pragma GCC diagnostic pop
#undef SUBMIT
#undef CUSTOM

struct hook {
    const char *name;
    void *wrapper;
};

static const struct hook hooks[HOOK_COUNT] = {
#define SUBMIT(function, work, stream, null_stream, parameters, arguments)                         \
    {#function, (void *)function},
#define CUSTOM(function) {#function, (void *)function},
#include "hooks.def"
#undef SUBMIT
#undef CUSTOM
};

/* The driver's functions, by hook; each goes to `hot` when it is called first. */
static _Atomic(void *) reals[HOOK_COUNT];
struct driver_calls driver;

/* The real dlsym; the assembly half jumps through it. */
__attribute__((visibility("hidden"))) void *(*dlsym_real)(void *, const char *);
__attribute__((visibility("hidden"))) void *dlsym_bootstrap(void);
__attribute__((visibility("hidden"))) void *dlsym_cuda(void *handle, const char *name,
                                                       const void *caller);
__attribute__((visibility("hidden"))) void *dlsym_triton(void *handle, const char *name,
                                                         const void *caller);

/* Looked up only to be told from what is unknown. */
static const char *const passed[] = {
#define PASS(function) #function,
#include "passed.def"
#undef PASS
};
enum { PASSED_COUNT = sizeof(passed) / sizeof(passed[0]) };

/* Open addressing, twice as many places as functions and then some; written once under `fill_lock`.
 */
enum { MAP_SIZE = 1024 };
_Static_assert((HOOK_COUNT + PASSED_COUNT) * 2 < MAP_SIZE,
               "the address map is too full to be quick");
static struct {
    void *real;
    void *wrapper;
} map[MAP_SIZE];
static atomic_bool filled;
static pthread_mutex_t fill_lock = PTHREAD_MUTEX_INITIALIZER;

/* A sanitizer's own start asks for symbols, so this runs before it can be reported to. */
__attribute__((no_sanitize_thread, no_sanitize_address, no_sanitize_undefined)) void *
dlsym_bootstrap(void) {
    /* dlsym kept its first version node on each architecture when glibc merged libdl into libc. */
#if defined(__aarch64__)
    dlsym_real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
#else
    dlsym_real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
#endif
    return (void *)dlsym_real;
}

void *resolve_real_dlsym(void *handle, const char *name) {
    if (dlsym_real == NULL && dlsym_bootstrap() == NULL)
        return NULL;
    return dlsym_real(handle, name);
}

static bool is_driver_library(const char *path) {
    const char *name = image_base_name(path);
    return image_is_driver(path) || strncmp(name, "libnvidia-", 10) == 0 ||
           strncmp(name, "libcudadebugger.so", 18) == 0;
}

static size_t map_slot(const void *address) {
    /* Functions are 16-byte aligned; Fibonacci hashing spreads the rest. */
    return (size_t)(((uintptr_t)address >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 54);
}

static void map_insert(void *real, void *wrapper) {
    size_t slot = map_slot(real);
    while (map[slot].real != NULL && map[slot].real != real)
        slot = (slot + 1) % MAP_SIZE;
    map[slot].real = real;
    map[slot].wrapper = wrapper;
}

/* What stands for a function of the driver, or NULL when no table knows it. */
static void *map_find(const void *real) {
    for (size_t slot = map_slot(real); map[slot].real != NULL; slot = (slot + 1) % MAP_SIZE) {
        if (map[slot].real == real)
            return map[slot].wrapper;
    }
    return NULL;
}

static void fill_calls(void *handle) {
#define CALL(function) *(void **)&driver.function = resolve_real_dlsym(handle, #function)
    CALL(cuCtxGetCurrent);
    CALL(cuCtxPushCurrent_v2);
    CALL(cuCtxPopCurrent_v2);
    CALL(cuCtxGetDevice);
    CALL(cuDeviceGetAttribute);
    CALL(cuDeviceGetUuid);
    CALL(cuDeviceGetUuid_v2);
    CALL(cuDevicePrimaryCtxGetState);
    CALL(cuStreamGetCtx);
    CALL(cuStreamGetCtx_v2);
    CALL(cuCtxFromGreenCtx);
    CALL(cuCtxGetStreamPriorityRange);
    CALL(cuStreamGetPriority);
    CALL(cuStreamIsCapturing);
    CALL(cuStreamQuery);
    CALL(cuThreadExchangeStreamCaptureMode);
    CALL(cuEventCreate);
    CALL(cuEventRecord);
    CALL(cuEventRecord_ptsz);
    CALL(cuEventQuery);
    CALL(cuEventSynchronize);
    CALL(cuEventDestroy_v2);
    CALL(cuGraphGetNodes);
#undef CALL
}

/* Takes every hooked function's address from the driver behind `handle`, once. */
static void fill(void *handle) {
    pthread_mutex_lock(&fill_lock);
    if (!atomic_load_explicit(&filled, memory_order_relaxed)) {
        fill_calls(handle);
        for (size_t id = 0; id < HOOK_COUNT; id++) {
            void *real = resolve_real_dlsym(handle, hooks[id].name);
            /* A look-up that lands on the hook itself would make it call itself for ever. */
            if (real == NULL || real == hooks[id].wrapper)
                continue;
            map_insert(real, hooks[id].wrapper);
            atomic_store_explicit(&reals[id], real, memory_order_release);
        }
        for (size_t i = 0; i < PASSED_COUNT; i++) {
            void *real = resolve_real_dlsym(handle, passed[i]);
            /* An old form that a driver keeps as an alias of a hooked one stays hooked. */
            if (real != NULL && map_find(real) == NULL)
                map_insert(real, real);
        }
        atomic_store_explicit(&filled, true, memory_order_release);
    }
    pthread_mutex_unlock(&fill_lock);
}

/* What brings no work to a GPU by itself. Everybody who asks whether there is one calls cuInit, and
 * some make a context to ask more. */
static bool is_look(size_t id) {
    return id == HOOK_cuInit || (id >= HOOK_cuCtxCreate && id <= HOOK_cuDevicePrimaryCtxRetain);
}

bool resolve_replaces(const char *name) {
    if (name[0] != 'c' || name[1] != 'u')
        return false;
    for (size_t id = 0; id < HOOK_COUNT; id++) {
        if (!is_look(id) && strcmp(hooks[id].name, name) == 0)
            return true;
    }
    return false;
}

const char *hook_name(enum hook_id id) {
    return hooks[id].name;
}

void *resolve_replace(const char *name, void *found) {
    if (found == NULL || process_is_inert())
        return found;
    if (!atomic_load_explicit(&filled, memory_order_acquire)) {
        Dl_info info;
        if (dladdr(found, &info) == 0 || info.dli_fname == NULL)
            return found;
        if (!image_is_driver(info.dli_fname))
            return found;
        void *handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
        if (handle == NULL)
            return found;
        fill(handle);
    }
    void *wrapper = map_find(found);
    return wrapper != NULL ? wrapper : unknown_replace(name, found);
}

void *dlsym_cuda(void *handle, const char *name, const void *caller) {
    void *found = resolve_real_dlsym(handle, name);
    if (found == NULL)
        return NULL;
    /* The driver's libraries must see each other as they are. */
    Dl_info info;
    if (dladdr(caller, &info) != 0 && info.dli_fname != NULL && is_driver_library(info.dli_fname)) {
        return found;
    }
    return resolve_replace(name, found);
}

void *dlsym_triton(void *handle, const char *name, const void *caller) {
    void *found = resolve_real_dlsym(handle, name);
    return found == NULL ? NULL : triton_replace(name, found, caller);
}

void resolve_reset_after_fork(void) {
    /* What the parent found holds here too, and a map that is half full is filled anew. */
    pthread_mutex_init(&fill_lock, NULL);
}

void *hook_resolve_late(enum hook_id id) {
    /* A child looks whether it is one before it takes a lock. */
    (void)process_is_inert();
    if (!atomic_load_explicit(&filled, memory_order_acquire)) {
        void *handle = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
        if (handle == NULL)
            handle = dlopen("libcuda.so.1", RTLD_LAZY);
        if (handle == NULL)
            return NULL;
        fill(handle);
    }
    void *real = atomic_load_explicit(&reals[id], memory_order_acquire);
    atomic_store_explicit(&hot.hooks[id].real, real, memory_order_release);
    return real;
}

CUresult hook_missing(void) {
    enum { CUDA_ERROR_NOT_FOUND = 500 };
    return atomic_load_explicit(&filled, memory_order_acquire) ? CUDA_ERROR_NOT_FOUND
                                                               : CUDA_ERROR_NO_DEVICE;
}
