/* Handles that are none, or no more: the simulated GPU tells them by an error (a real driver may
 * crash). Prints "ok". */
#include "client.h"

int main(void) {
    struct client c;
    CUstream stream;
    CUevent event;
    CUgraph graph;
    CUgraphExec exec;
    client_start(&c);
    EXPECT(client_spin(&c, (CUstream)0xdead, 1), CUDA_ERROR_INVALID_HANDLE);
    EXPECT(client_spin(&c, (CUstream)&c, 1), CUDA_ERROR_INVALID_HANDLE);
    EXPECT(cuLaunchKernel((CUfunction)0xdead, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL),
           CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuEventCreate(&event, 0));
    CHECK(client_spin(&c, stream, 100000));
    CHECK(cuEventRecord(event, stream));
    CHECK(cuStreamDestroy(stream));
    EXPECT(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT(cuStreamDestroy(stream), CUDA_ERROR_INVALID_HANDLE);
    /* What the stream held goes on. */
    CHECK(cuEventSynchronize(event));
    CHECK(cuEventDestroy(event));
    EXPECT(cuEventQuery(event), CUDA_ERROR_INVALID_HANDLE);
    EXPECT(cuEventRecord(event, NULL), CUDA_ERROR_INVALID_HANDLE);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED));
    CHECK(client_spin(&c, stream, 1000));
    CHECK(cuStreamEndCapture(stream, &graph));
    CHECK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK(cuGraphDestroy(graph));
    CHECK(cuGraphExecDestroy(exec));
    EXPECT(cuGraphLaunch(exec, stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT(cuCtxSetCurrent((CUcontext)stream), CUDA_ERROR_INVALID_CONTEXT);
    EXPECT(cuLaunchKernel(c.spin, 0, 1, 1, 1, 1, 1, 0, stream, NULL, NULL),
           CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuLaunchKernel(c.spin, 1, 1, 1, 2048, 1, 1, 0, stream, NULL, NULL),
           CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuStreamCreate(&stream, 77), CUDA_ERROR_INVALID_VALUE);
    EXPECT(cuModuleLoadData(&c.module, "no ptx"), CUDA_ERROR_INVALID_PTX);
    printf("ok\n");
    return 0;
}
