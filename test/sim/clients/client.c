#include "client.h"

#include <stdlib.h>
#include <time.h>

#include "kernels_ptx.h"

void client_expect(long got, long wanted, const char *text, const char *file, int line) {
    if (got == wanted)
        return;
    fprintf(stderr, "%s:%d: %s is %ld, not %ld\n", file, line, text, got, wanted);
    if (!getenv("CLIENT_KEEP_GOING"))
        exit(1);
}

void client_start(struct client *client) {
    CUdevice device;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&client->context, device));
    CHECK(cuCtxSetCurrent(client->context));
    CHECK(cuModuleLoadData(&client->module, kernels_ptx));
    CHECK(cuModuleGetFunction(&client->spin, client->module, "spin"));
    CHECK(cuModuleGetFunction(&client->mix, client->module, "mix"));
    CHECK(cuModuleGetFunction(&client->add, client->module, "add"));
    CHECK(cuModuleGetFunction(&client->store, client->module, "store"));
    CHECK(cuModuleGetFunction(&client->fail, client->module, "fail"));
}

CUresult client_spin(const struct client *client, CUstream stream, uint64_t ns) {
    void *params[] = {&ns};
    return cuLaunchKernel(client->spin, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

CUresult client_mix(const struct client *client, CUstream stream, uint64_t ns, CUdeviceptr word,
                    uint32_t value) {
    void *params[] = {&ns, &word, &value};
    return cuLaunchKernel(client->mix, 1, 1, 1, 1, 1, 1, 0, stream, params, NULL);
}

uint32_t client_read(CUdeviceptr word) {
    uint32_t value = 0;
    CHECK(cuCtxSynchronize());
    CHECK(cuMemcpyDtoH(&value, word, sizeof value));
    return value;
}

uint64_t client_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
