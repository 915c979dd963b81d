#include "program.h"

#include "kernels_ptx.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct program program;

static const char *section = "start";
static const char *title = "";

void program_need(int code, const char *text, const char *file, int line) {
    if (code == 0)
        return;
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: %s is %d\n", file, line, section, text, code);
    exit(1);
}

void say(const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%s %s: %s\n", title, section, text);
    /* What is printed before it hangs tells where. */
    fflush(stdout);
}

void program_section(const char *name) {
    section = name;
}

void *program_find(const char *symbol) {
    static void *library;
    if (library == NULL)
        library = dlopen("libcuda.so.1", RTLD_NOW);
    MUST(library != NULL);
    return dlsym(library, symbol);
}

bool program_look_up(void *pointer, const char *symbol) {
    void *found = program_find(symbol);
    memcpy(pointer, &found, sizeof found);
    return found != NULL;
}

struct kernels program_load(void) {
    struct kernels loaded;
    CUdeviceptr word;
    NEED(cuModuleLoadData(&loaded.module, kernels_ptx));
    NEED(cuModuleGetFunction(&loaded.spin, loaded.module, "spin"));
    NEED(cuModuleGetFunction(&loaded.mix, loaded.module, "mix"));
    NEED(cuModuleGetFunction(&loaded.add, loaded.module, "add"));
    NEED(cuModuleGetFunction(&loaded.store, loaded.module, "store"));
    NEED(cuMemAlloc(&word, sizeof(uint32_t)));
    /* A real driver may load a kernel with its first launch, which no capture would survive. */
    NEED(launch(loaded.spin, NULL, 0, word, 0));
    NEED(launch(loaded.mix, NULL, 0, word, 0));
    NEED(launch(loaded.add, NULL, 0, word, 0));
    NEED(launch(loaded.store, NULL, 0, word, 0));
    NEED(cuCtxSynchronize());
    NEED(cuMemFree(word));
    return loaded;
}

void program_start(const char *name) {
    title = name;
    /* Streams that share a connection to the device wait for each other where they need not. */
    setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    NEED(cuInit(0));
    NEED(cuDeviceGet(&program.device, 0));
    NEED(cuDevicePrimaryCtxRetain(&program.context, program.device));
    program_join();
    program.kernels = program_load();
}

void program_join(void) {
    NEED(cuCtxSetCurrent(program.context));
}

uint32_t digest(const void *bytes, size_t size) {
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ ((const unsigned char *)bytes)[i]) * 16777619U;
    return sum;
}

void say_memory(const char *what, CUdeviceptr address, size_t size) {
    void *copy = malloc(size);
    MUST(copy != NULL);
    NEED(cuCtxSynchronize());
    NEED(cuMemcpyDtoH(copy, address, size));
    say("%s %08" PRIx32, what, digest(copy, size));
    free(copy);
}

CUdeviceptr words_make(size_t count, uint32_t value) {
    CUdeviceptr words;
    NEED(cuMemAlloc(&words, count * sizeof(uint32_t)));
    words_set(words, count, value);
    return words;
}

void words_set(CUdeviceptr words, size_t count, uint32_t value) {
    NEED(cuMemsetD32(words, value, count));
    NEED(cuCtxSynchronize());
}

void *pinned_make(size_t size) {
    void *memory;
    NEED(cuMemAllocHost(&memory, size));
    memset(memory, 0, size);
    return memory;
}

CUresult launch(CUfunction kernel, CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value) {
    /* More than `spin` reads; a driver takes as many as the kernel has. */
    void *params[] = {&ns, &word, &value};
    return cuLaunchKernel(kernel, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

CUresult mix(CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value) {
    return launch(program.kernels.mix, stream, ns, word, value);
}

CUresult mix_own(CUstream stream, uint64_t ns, CUdeviceptr word, uint32_t value) {
    void *params[] = {&ns, &word, &value};
    return cuLaunchKernel_ptsz(program.kernels.mix, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

CUstream stream_make(unsigned flags, int priority) {
    CUstream stream;
    NEED(cuStreamCreateWithPriority(&stream, flags, priority));
    return stream;
}

CUevent event_make(void) {
    CUevent event;
    NEED(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    return event;
}

struct hold hold_make(void) {
    return (struct hold){pinned_make(sizeof(uint32_t))};
}

void hold_stream(struct hold hold, CUstream stream) {
    *hold.word = 0;
    NEED(
        cuStreamWaitValue32(stream, (CUdeviceptr)(uintptr_t)hold.word, 1, CU_STREAM_WAIT_VALUE_EQ));
}

void hold_release(struct hold hold) {
    *hold.word = 1;
}

bool program_is_serial(void) {
    return getenv("CONFORMANCE_SERIAL") != NULL;
}
