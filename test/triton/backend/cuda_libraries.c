#include "cuda_libraries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define RTC_FUNCTIONS(X)                                                                           \
    X(nvrtcCreateProgram, create,                                                                  \
      (rtc_program *, const char *, const char *, int, const char *const *, const char *const *))  \
    X(nvrtcDestroyProgram, destroy, (rtc_program *))                                               \
    X(nvrtcCompileProgram, compile, (rtc_program, int, const char *const *))                       \
    X(nvrtcGetProgramLogSize, log_size, (rtc_program, size_t *))                                   \
    X(nvrtcGetProgramLog, log, (rtc_program, char *))                                              \
    X(nvrtcGetCUBINSize, binary_size, (rtc_program, size_t *))                                     \
    X(nvrtcGetCUBIN, binary, (rtc_program, char *))

struct rtc {
#define DECLARE(symbol, field, parameters) int(*field) parameters;
    RTC_FUNCTIONS(DECLARE)
#undef DECLARE
};

/* The library at `path`, or the first of `names` that the loader finds. */
static void *open_library(const char *path, const char *const *names, char *error,
                          size_t error_size) {
    void *library = path[0] == '\0' ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; path[0] == '\0' && library == NULL && names[i] != NULL; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        snprintf(error, error_size, "%s", reason != NULL ? reason : names[0]);
    }
    return library;
}

bool blas_load(struct blas *blas, const char *path, char *error, size_t error_size) {
    static const char *const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so", NULL};
    void *library = open_library(path, names, error, error_size);
    bool found = library != NULL;
#define FIND(symbol, field, parameters)                                                            \
    found = found && cuda_resolve(library, "cuBLAS", #symbol, &blas->field, error, error_size) == 0;
    BLAS_FUNCTIONS(FIND)
#undef FIND
    return found;
}

static char *compile(const struct rtc *rtc, rtc_program program, int capability, char *error,
                     size_t error_size) {
    char architecture[64];
    size_t size = 0;
    snprintf(architecture, sizeof(architecture), "--gpu-architecture=sm_%d", capability);
    const char *const options[] = {architecture};
    bool compiled = rtc->compile(program, 1, options) == 0;
    int failed = compiled ? rtc->binary_size(program, &size) : rtc->log_size(program, &size);
    char *text = failed != 0 || size == 0 ? NULL : malloc(size);
    if (text != NULL)
        failed = compiled ? rtc->binary(program, text) : rtc->log(program, text);
    if (compiled && failed == 0 && text != NULL)
        return text;
    snprintf(error, error_size, "NVRTC: %s", text != NULL && failed == 0 ? text : "no result");
    free(text);
    return NULL;
}

char *rtc_compile(const char *path, const char *source, int capability, char *error,
                  size_t error_size) {
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", NULL};
    struct rtc rtc;
    void *library = open_library(path, names, error, error_size);
    bool found = library != NULL;
#define FIND(symbol, field, parameters)                                                            \
    found = found && cuda_resolve(library, "NVRTC", #symbol, &rtc.field, error, error_size) == 0;
    RTC_FUNCTIONS(FIND)
#undef FIND
    if (!found)
        return NULL;
    rtc_program program = NULL;
    if (rtc.create(&program, source, "kernels.cu", 0, NULL, NULL) != 0) {
        snprintf(error, error_size, "NVRTC makes no program");
        return NULL;
    }
    char *binary = compile(&rtc, program, capability, error, error_size);
    rtc.destroy(&program);
    return binary;
}
