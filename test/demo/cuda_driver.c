#include "cuda_driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* A function pointer cannot be cast from void * in ISO C, hence the copy. */
int cuda_resolve(void *library, const char *name, const char *symbol, void *field, char *error,
                 size_t error_size) {
    void *address = dlsym(library, symbol);
    if (!address) {
        snprintf(error, error_size, "%s has no %s", name, symbol);
        return -1;
    }
    memcpy(field, &address, sizeof(address));
    return 0;
}

int cuda_driver_load(struct cuda_driver *driver, const char *path, char *error, size_t error_size) {
    void *library = dlopen(path ? path : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *reason = dlerror();
        snprintf(error, error_size, "%s", reason ? reason : "cannot load the driver");
        return -1;
    }
#define CUDA_RESOLVE_FIELD(symbol, field, parameters)                                              \
    if (cuda_resolve(library, "the driver", #symbol, &driver->field, error, error_size) != 0)      \
        return -1;
    CUDA_FUNCTIONS(CUDA_RESOLVE_FIELD)
#undef CUDA_RESOLVE_FIELD
    return 0;
}

void cuda_driver_describe(const struct cuda_driver *driver, const char *call, cuda_result result,
                          char *text, size_t text_size) {
    const char *name = NULL;
    const char *meaning = NULL;
    if (driver->get_error_name(result, &name) != CUDA_SUCCESS || !name)
        name = "unknown error";
    if (driver->get_error_string(result, &meaning) != CUDA_SUCCESS || !meaning)
        meaning = "the driver has no text for it";
    snprintf(text, text_size, "%s failed: %s (%d): %s", call, name, result, meaning);
}
