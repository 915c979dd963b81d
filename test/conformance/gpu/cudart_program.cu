/*
 * The CUDA runtime, linked statically or as a library: kernels, streams, events, copies, a graph and
 * memory in stream order. Prints a digest of what it computed.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cuda_runtime.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        cudaError_t error = (call);                                                                \
        if (error != cudaSuccess) {                                                                \
            fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

__global__ void mix(uint32_t *values, int count, uint32_t factor) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        values[i] = values[i] * factor + i;
}

int main() {
    const int count = 1 << 20, blocks = count / 256;
    std::vector<uint32_t> host(count, 7);
    uint32_t *device, *scratch;
    cudaStream_t streams[2];
    cudaEvent_t event;
    CHECK(cudaMalloc(&device, count * sizeof(uint32_t)));
    CHECK(cudaStreamCreate(&streams[0]));
    CHECK(cudaStreamCreateWithPriority(&streams[1], cudaStreamNonBlocking, -1));
    CHECK(cudaEventCreate(&event));
    CHECK(cudaMemcpy(device, host.data(), count * sizeof(uint32_t), cudaMemcpyHostToDevice));
    for (int i = 0; i < 200; i++)
        mix<<<blocks, 256>>>(device, count, 3);
    for (int i = 0; i < 200; i++) {
        mix<<<blocks, 256, 0, streams[i % 2]>>>(device, count, 5);
        CHECK(cudaEventRecord(event, streams[i % 2]));
        CHECK(cudaStreamWaitEvent(streams[1 - i % 2], event, 0));
    }
    CHECK(cudaMallocAsync(&scratch, count * sizeof(uint32_t), streams[0]));
    CHECK(cudaMemcpyAsync(scratch, device, count * sizeof(uint32_t), cudaMemcpyDeviceToDevice,
                          streams[0]));
    mix<<<blocks, 256, 0, streams[0]>>>(scratch, count, 9);
    CHECK(cudaMemcpyAsync(device, scratch, count * sizeof(uint32_t), cudaMemcpyDeviceToDevice,
                          streams[0]));
    CHECK(cudaFreeAsync(scratch, streams[0]));
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CHECK(cudaStreamBeginCapture(streams[0], cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < 10; i++)
        mix<<<blocks, 256, 0, streams[0]>>>(device, count, 11);
    CHECK(cudaStreamEndCapture(streams[0], &graph));
    CHECK(cudaGraphInstantiate(&exec, graph, 0));
    for (int i = 0; i < 20; i++)
        CHECK(cudaGraphLaunch(exec, streams[0]));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaMemcpy(host.data(), device, count * sizeof(uint32_t), cudaMemcpyDeviceToHost));
    uint64_t digest = 14695981039346656037ULL;
    for (uint32_t value : host)
        digest = (digest ^ value) * 1099511628211ULL;
    printf("cudart %016llx\n", (unsigned long long)digest);
    return 0;
}
