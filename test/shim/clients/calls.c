#include "calls.h"

#include "check.h"

#include <dlfcn.h>
#include <string.h>

static void do_nothing(void *data) {
    (void)data;
}

static CUresult allocate(CUstream stream) {
    CUdeviceptr memory;
    CUresult status = cuda.cuMemAllocAsync(&memory, 4096, stream);
    return status == CUDA_SUCCESS ? cuda.cuMemFreeAsync(memory, stream) : status;
}

static CUresult copy(CUstream stream, CUdeviceptr word) {
    static const uint32_t zero;
    return cuda.cuMemcpyHtoDAsync_v2(word, &zero, sizeof(zero), stream);
}

/* The stream waits for what it has written itself. */
static CUresult await(CUstream stream, CUdeviceptr word) {
    CUresult status = cuda.cuStreamWriteValue32_v2(stream, word, 1, 0);
    return status == CUDA_SUCCESS ? cuda.cuStreamWaitValue32_v2(stream, word, 1, 0) : status;
}

/* So many megabytes go to the device and come back. */
static CUresult upload(CUstream stream, uint64_t megabytes) {
    size_t words = megabytes << 18;
    uint32_t *sent = malloc(words * sizeof(*sent));
    uint32_t *received = calloc(words, sizeof(*received));
    CUdeviceptr memory;
    CHECK(sent != NULL && received != NULL, "no memory");
    for (size_t i = 0; i < words; i++)
        sent[i] = (uint32_t)i * 2654435761U;
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&memory, words * sizeof(*sent)));
    CUresult status = cuda.cuMemcpyHtoDAsync_v2(memory, sent, words * sizeof(*sent), stream);
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(received, memory, words * sizeof(*sent)));
    CHECK(memcmp(sent, received, words * sizeof(*sent)) == 0, "the copy differs");
    DRIVER_CHECK(cuda.cuMemFree_v2(memory));
    free(sent);
    free(received);
    return status;
}

/* A launch that the driver does not take: no block of it fits. */
static CUresult refuse(CUstream stream) {
    return cuda.cuLaunchKernel(cuda.mix, 1, 1, 1, 1 << 20, 1, 1, 0, stream, NULL, NULL);
}

typedef CUresult (*launch_ahead)(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                 CUstream stream, void **params, double weight, float bias,
                                 int64_t offset, double *sum);

/* Both ways of asking have to give the same, and it has to do what the driver does. */
static CUresult ahead(CUstream stream, CUdeviceptr word) {
    void *asked = NULL;
    int found;
    DRIVER_CHECK(cuda.cuGetProcAddress_v2("cuLaunchAhead", &asked, 13000, 0, &found));
    void *looked_up = dlsym(dlopen("libcuda.so.1", RTLD_NOW), "cuLaunchAhead_v2");
    CHECK(asked != NULL && asked == looked_up, "%p and %p", asked, looked_up);
    uint64_t ns = 1000;
    uint32_t value = 1;
    void *params[] = {&ns, &word, &value};
    double sum = 0;
    CUresult status =
        ((launch_ahead)asked)(cuda.mix, 2, 3, 5, stream, params, 0.5, 0.25F, -7, &sum);
    CHECK(sum == 15.0 + 0.25 - 7, "the sum is %f", sum);
    return status;
}

/* Nothing is launched by this one, so the program gets the driver's own. */
static CUresult question(void) {
    void *asked = dlsym(dlopen("libcuda.so.1", RTLD_NOW), "cuDeviceGetAhead");
    int value = 0;
    Dl_info info;
    CHECK(asked != NULL && dladdr(asked, &info) != 0 && info.dli_saddr == asked,
          "%p is not the driver's", asked);
    CUresult status = ((CUresult (*)(int *))asked)(&value);
    CHECK(value == 42, "the answer is %d", value);
    return status;
}

/* The stream's priority as a program is told of it, or as the simulated GPU has it. */
static CUresult priority_of(CUstream stream, const char *question) {
    CUresult (*ask)(CUstream, int *);
    int priority;
    *(void **)&ask = dlsym(dlopen("libcuda.so.1", RTLD_NOW), question);
    CHECK(ask != NULL, "the driver has no %s", question);
    DRIVER_CHECK(ask(stream, &priority));
    return priority;
}

bool calls_obey(const char *name, uint64_t count, CUstream stream, CUdeviceptr word,
                CUresult *status) {
    if (strcmp(name, "upload") == 0) {
        *status = upload(stream, count);
        return true;
    }
    enum { HOST, ALLOCATE, COPY, AWAIT, REFUSE, AHEAD, ASKED, GIVEN, QUESTION, NONE };
    static const char *const names[] = {"host",  "allocate", "copy",  "await",   "rejected",
                                        "ahead", "asked",    "given", "question"};
    int call = 0;
    while (call < NONE && strcmp(name, names[call]) != 0)
        call++;
    for (uint64_t i = 0; call != NONE && i < count; i++) {
        *status = call == HOST       ? cuda.cuLaunchHostFunc(stream, do_nothing, NULL)
                  : call == ALLOCATE ? allocate(stream)
                  : call == COPY     ? copy(stream, word)
                  : call == AWAIT    ? await(stream, word)
                  : call == REFUSE   ? refuse(stream)
                  : call == AHEAD    ? ahead(stream, word)
                  : call == ASKED    ? priority_of(stream, "cuStreamGetPriority")
                  : call == GIVEN    ? priority_of(stream, "sim_stream_priority")
                                     : question();
    }
    return call != NONE;
}
