/* A preload library that replaces dlsym too, as some profilers do, and leaves all as it is. */
#include <dlfcn.h>
#include <stddef.h>

#if defined(__aarch64__)
#define NODE "GLIBC_2.17"
#else
#define NODE "GLIBC_2.2.5"
#endif

__attribute__((visibility("default"))) void *dlsym(void *handle, const char *name) {
    static void *(*real)(void *, const char *);
    if (real == NULL)
        *(void **)&real = dlvsym(RTLD_NEXT, "dlsym", NODE);
    return real(handle, name);
}
