/* The ways to a function of the driver lead to one address: linking, dlsym, cuGetProcAddress in
 * both forms. Prints "ok". */
#include <dlfcn.h>
#include <string.h>

#include "client.h"

typedef CUresult (*get_v1)(const char *name, void **function, int version, cuuint64_t flags);

static void *library;

static void same(const char *name, int version, cuuint64_t flags, const char *symbol) {
    void *function = NULL;
    CUdriverProcAddressQueryResult status = -1;
    CHECK(cuGetProcAddress_v2(name, &function, version, flags, &status));
    EXPECT(status, CU_GET_PROC_ADDRESS_SUCCESS);
    if (!function || function != dlsym(library, symbol)) {
        fprintf(stderr, "%s for %d is not %s\n", name, version, symbol);
        client_expect(0, 1, name, __FILE__, __LINE__);
    }
}

int main(void) {
    void *function = NULL;
    CUdriverProcAddressQueryResult status;
    library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_DEEPBIND);
    EXPECT(library != NULL, 1);
    same("cuLaunchKernel", 12000, 0, "cuLaunchKernel");
    same("cuLaunchKernel", 12000, CU_GET_PROC_ADDRESS_LEGACY_STREAM, "cuLaunchKernel");
    same("cuLaunchKernel", 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM,
         "cuLaunchKernel_ptsz");
    same("cuMemcpyHtoD", 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM,
         "cuMemcpyHtoD_v2_ptds");
    same("cuMemAlloc", 11000, 0, "cuMemAlloc_v2");
    same("cuStreamBeginCapture", 10000, 0, "cuStreamBeginCapture");
    same("cuStreamBeginCapture", 12080, 0, "cuStreamBeginCapture_v2");
    same("cuGraphInstantiate", 11000, 0, "cuGraphInstantiate_v2");
    same("cuGraphInstantiate", 13000, 0, "cuGraphInstantiateWithFlags");
    same("cuGetProcAddress", 11040, 0, "cuGetProcAddress");
    same("cuGetProcAddress", 12000, 0, "cuGetProcAddress_v2");
    EXPECT(cuGetProcAddress_v2("cuLaunchKernelEx", &function, 11000, 0, &status),
           CUDA_ERROR_NOT_FOUND);
    EXPECT(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
    EXPECT(cuGetProcAddress_v2("", &function, 12000, 0, &status), CUDA_ERROR_NOT_FOUND);
    EXPECT(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
    EXPECT(function == NULL, 1);
    get_v1 v1;
    *(void **)&v1 = dlsym(library, "cuGetProcAddress");
    CHECK(v1("cuStreamSynchronize", &function, 11030, 2));
    EXPECT(function == dlsym(library, "cuStreamSynchronize_ptsz"), 1);
    EXPECT((void *)cuLaunchKernel == dlsym(library, "cuLaunchKernel"), 1);
    printf("ok\n");
    return 0;
}
