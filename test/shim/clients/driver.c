#include "driver.h"

#include "check.h"

#include <dlfcn.h>

enum { PTX_BYTES = 65536 };

struct driver cuda;

void driver_check(CUresult result, const char *text, const char *file, int line) {
    if (result == CUDA_SUCCESS)
        return;
    fprintf(stderr, "%s:%d: %s is %d\n", file, line, text, result);
    exit(1);
}

static void load_calls(void) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    CHECK(library != NULL, "%s", dlerror());
#define FIND(name, parameters)                                                                     \
    *(void **)&cuda.name = dlsym(library, #name);                                                  \
    CHECK(cuda.name != NULL, "the driver has no " #name);
    DRIVER_CALLS(FIND)
#undef FIND
}

CUfunction driver_load_mix(void) {
    static char text[PTX_BYTES];
    const char *path = getenv("CLIENT_PTX");
    CHECK(path != NULL, "CLIENT_PTX names no file");
    FILE *file = fopen(path, "re");
    CHECK(file != NULL, "cannot read %s", path);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    CHECK(length > 0 && length < sizeof(text) - 1, "%s has %zu bytes", path, length);
    fclose(file);
    CUmodule module;
    CUfunction mix;
    DRIVER_CHECK(cuda.cuModuleLoadData(&module, text));
    DRIVER_CHECK(cuda.cuModuleGetFunction(&mix, module, "mix"));
    return mix;
}

void driver_start(void) {
    CUdevice device;
    load_calls();
    DRIVER_CHECK(cuda.cuInit(0));
    DRIVER_CHECK(cuda.cuDeviceGet(&device, 0));
    DRIVER_CHECK(cuda.cuDevicePrimaryCtxRetain(&cuda.context, device));
    driver_join_thread();
    cuda.mix = driver_load_mix();
}

void driver_join_thread(void) {
    DRIVER_CHECK(cuda.cuCtxSetCurrent(cuda.context));
}

CUresult driver_mix(CUstream stream, int per_thread, uint64_t ns, CUdeviceptr word,
                    uint32_t value) {
    void *parameters[] = {&ns, &word, &value};
    if (per_thread)
        return cuda.cuLaunchKernel_ptsz(cuda.mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL);
    return cuda.cuLaunchKernel(cuda.mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL);
}
