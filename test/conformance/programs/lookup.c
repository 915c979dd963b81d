/* Every way in which a program finds the driver's functions: what it gets, and whether that works.
 */
#include "program.h"

#include <dlfcn.h>
#include <string.h>

/* A sanitizer ends the program that asks for this. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEEPBIND 0
#else
#define DEEPBIND RTLD_DEEPBIND
#endif

enum { SHORT_NS = 2000 };

typedef CUresult (*get_v1)(const char *name, void **function, int version, cuuint64_t flags);
typedef CUresult (*get_v2)(const char *name, void **function, int version, cuuint64_t flags,
                           CUdriverProcAddressQueryResult *status);
typedef CUresult (*launch_call)(CUfunction function, unsigned gx, unsigned gy, unsigned gz,
                                unsigned bx, unsigned by, unsigned bz, unsigned shared,
                                CUstream stream, void **params, void **extra);

static CUdeviceptr word;

/* Launches by a pointer that was found. */
static void try_launch(const char *how, void *found, CUstream stream) {
    launch_call call;
    uint64_t ns = SHORT_NS;
    uint32_t value = 3;
    void *params[] = {&ns, &word, &value};
    if (found == NULL) {
        SKIP("no cuLaunchKernel by %s", how);
        return;
    }
    *(void **)&call = found;
    SHOW(call(program.kernels.mix, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL));
    SHOW(call(program.kernels.mix, 0, 1, 1, 1, 1, 1, 0, stream, params, NULL));
    say_memory(how, word, 4);
}

static void by_symbol(void) {
    static const char *const symbols[] = {
        "cuLaunchKernel",          "cuLaunchKernel_ptsz",    "cuMemcpyHtoD_v2",
        "cuMemcpyHtoD_v2_ptds",    "cuStreamQuery",          "cuStreamBeginCapture",
        "cuStreamBeginCapture_v2", "cuEventRecord_ptsz",     "cuInit",
        "cuCtxCreate_v2",          "cuMemAlloc_v2",          "cuGetErrorName",
        "cuNoSuchThing",           "cuLaunchKernel_nothing",
    };
    void *plain = dlopen("libcuda.so.1", RTLD_NOW);
    void *deep = dlopen("libcuda.so.1", RTLD_LAZY | DEEPBIND);
    program_section("by symbol");
    say("opened: %d %d", plain != NULL, deep != NULL);
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *found = dlsym(plain, symbols[i]);
        say("%s: found %d, the same: %d %d", symbols[i], found != NULL,
            found == dlsym(deep, symbols[i]), found == dlsym(RTLD_DEFAULT, symbols[i]));
    }
    say("what the linker found is the same: %d %d",
        (void *)cuLaunchKernel == dlsym(plain, "cuLaunchKernel"),
        (void *)cuStreamSynchronize == dlsym(plain, "cuStreamSynchronize"));
    try_launch("the linker", (void *)cuLaunchKernel, NULL);
    try_launch("dlsym", dlsym(plain, "cuLaunchKernel"), NULL);
    try_launch("dlsym of a deep handle", dlsym(deep, "cuLaunchKernel"), NULL);
    try_launch("dlsym of the default", dlsym(RTLD_DEFAULT, "cuLaunchKernel"), NULL);
    try_launch("dlsym of what is next", dlsym(RTLD_NEXT, "cuLaunchKernel"), NULL);
    try_launch("dlsym with a suffix", dlsym(plain, "cuLaunchKernel_ptsz"), NULL);
}

static void by_address(void) {
    static const char *const names[] = {
        "cuInit",
        "cuLaunchKernel",
        "cuLaunchKernelEx",
        "cuLaunchHostFunc",
        "cuMemcpyHtoD",
        "cuMemcpyHtoDAsync",
        "cuMemAlloc",
        "cuMemAllocAsync",
        "cuStreamQuery",
        "cuStreamCreate",
        "cuStreamDestroy",
        "cuStreamBeginCapture",
        "cuEventRecord",
        "cuEventElapsedTime",
        "cuCtxCreate",
        "cuCtxSynchronize",
        "cuGraphLaunch",
        "cuGraphInstantiate",
        "cuGetProcAddress",
        "cuMemcpyBatchAsync",
        "cuMemPrefetchAsync",
        "cuLaunchKernel_ptsz",
        "cuMemcpyHtoD_v2",
        "cuNoSuchThing",
        "cudaMalloc",
        "dlsym",
        "",
    };
    static const int versions[] = {0,     2000,  3020,  4000,  7000,  9000,  10000,
                                   11000, 11030, 11070, 12000, 12050, 12080, 13000};
    get_v1 first;
    FIND(first, "cuGetProcAddress");
    program_section("by cuGetProcAddress");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
            char line[256] = "";
            for (cuuint64_t flags = 0; flags < 4; flags++) {
                void *found = NULL, *again = NULL;
                CUdriverProcAddressQueryResult status = -1;
                size_t length = strlen(line);
                CUresult result =
                    cuGetProcAddress_v2(names[i], &found, versions[v], flags, &status);
                CUresult older =
                    first ? first(names[i], &again, versions[v], flags) : CUDA_ERROR_NOT_FOUND;
                snprintf(line + length, sizeof line - length, " %d/%d/%d%s", result, found != NULL,
                         status, result == older && found == again ? "" : " other by the first");
            }
            say("%s %d:%s", names[i], versions[v], line);
        }
}

/* A name and the symbol that stands for it in a version, with the flags that ask for that. */
static void leads_to(const char *name, int version, cuuint64_t flags, const char *symbol) {
    void *found = NULL;
    CUresult result = cuGetProcAddress_v2(name, &found, version, flags, NULL);
    say("%s %d %d is %s: %d %d", name, version, (int)flags, symbol, result,
        found == program_find(symbol));
}

static void same_symbols(void) {
    program_section("same symbols");
    leads_to("cuLaunchKernel", 12000, 0, "cuLaunchKernel");
    leads_to("cuLaunchKernel", 12000, 1, "cuLaunchKernel");
    leads_to("cuLaunchKernel", 12000, 2, "cuLaunchKernel_ptsz");
    leads_to("cuMemcpyHtoD", 12000, 2, "cuMemcpyHtoD_v2_ptds");
    leads_to("cuMemcpyHtoD", 12000, 0, "cuMemcpyHtoD_v2");
    leads_to("cuStreamBeginCapture", 10000, 0, "cuStreamBeginCapture");
    leads_to("cuStreamBeginCapture", 12000, 0, "cuStreamBeginCapture_v2");
    leads_to("cuStreamBeginCapture", 12000, 2, "cuStreamBeginCapture_v2_ptsz");
    leads_to("cuGetProcAddress", 11040, 0, "cuGetProcAddress");
    leads_to("cuGetProcAddress", 12000, 0, "cuGetProcAddress_v2");
    leads_to("cuEventRecord", 12000, 2, "cuEventRecord_ptsz");
    leads_to("cuCtxSynchronize", 12000, 0, "cuCtxSynchronize");
}

static void calls(void) {
    get_v1 first;
    get_v2 second = NULL;
    void *found = NULL;
    CUdriverProcAddressQueryResult status = -1;
    program_section("calls");
    NEED(cuGetProcAddress_v2("cuLaunchKernel", &found, 12000, 0, &status));
    try_launch("the second form", found, NULL);
    NEED(cuGetProcAddress_v2("cuLaunchKernel", &found, 12000, 2, &status));
    try_launch("the second form, own stream", found, NULL);
    NEED(cuGetProcAddress_v2("cuLaunchKernel", &found, 4000, 0, NULL));
    try_launch("the second form, an old version", found, NULL);
    /* As the runtime does: the function is asked for itself. */
    NEED(cuGetProcAddress_v2("cuGetProcAddress", (void **)&second, 12000, 0, &status));
    found = NULL;
    SHOW(second("cuLaunchKernel", &found, 12000, 0, &status));
    try_launch("what it gave of itself", found, CU_STREAM_LEGACY);
    if (!FIND(first, "cuGetProcAddress")) {
        SKIP("no first form of cuGetProcAddress");
        return;
    }
    SHOW(first("cuLaunchKernel", &found, 11040, 0));
    try_launch("the first form", found, NULL);
    SHOW(first("cuLaunchKernel", &found, 11040, 2));
    try_launch("the first form, own stream", found, NULL);
}

int main(void) {
    program_start("lookup");
    word = words_make(1, 1);
    by_symbol();
    by_address();
    same_symbols();
    calls();
    return 0;
}
