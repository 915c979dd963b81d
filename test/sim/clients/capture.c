/* Stream capture, its modes and its errors, and graphs. Prints "ok". */
#include <pthread.h>

#include "client.h"

static struct client client;
static CUdeviceptr word;
static CUstream a, b;
static CUevent event;

static void begin(CUstreamCaptureMode mode) {
    CHECK(cuStreamBeginCapture(a, mode));
}

/* Ends a capture that something spoiled. */
static void end_spoiled(CUresult wanted) {
    CUgraph graph = (CUgraph)1;
    EXPECT(cuStreamEndCapture(a, &graph), wanted);
    EXPECT(graph == NULL, 1);
}

static void graph_runs(void) {
    CUgraph graph;
    CUgraphExec exec;
    size_t count = 0;
    CUstreamCaptureStatus status;
    CHECK(cuMemsetD32(word, 0, 1));
    CHECK(cuCtxSynchronize());
    begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    CHECK(cuStreamIsCapturing(a, &status));
    EXPECT(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    CHECK(client_mix(&client, a, 1000, word, 1));
    CHECK(cuEventRecord(event, a));
    CHECK(cuStreamWaitEvent(b, event, 0));
    CHECK(client_mix(&client, b, 1000, word, 2));
    CHECK(cuEventRecord(event, b));
    CHECK(cuStreamWaitEvent(a, event, 0));
    CHECK(client_mix(&client, a, 1000, word, 3));
    CHECK(cuStreamEndCapture(a, &graph));
    EXPECT(client_read(word), 0); /* nothing ran yet */
    CHECK(cuGraphGetNodes(graph, NULL, &count));
    EXPECT(count, 3);
    CHECK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    CHECK(cuGraphDestroy(graph));
    CHECK(cuGraphLaunch(exec, a));
    CHECK(cuGraphLaunch(exec, a));
    CHECK(cuStreamSynchronize(a));
    uint32_t once = (1 * 31 + 2) * 31 + 3;
    EXPECT(client_read(word), ((once * 31 + 1) * 31 + 2) * 31 + 3);
    CHECK(cuGraphExecDestroy(exec));
    CHECK(cuEventRecord(event, a));
    CHECK(cuEventSynchronize(event));
}

static void *query_from_thread(void *mode) {
    CUstreamCaptureMode own = *(CUstreamCaptureMode *)mode;
    static CUresult result;
    CHECK(cuCtxSetCurrent(client.context));
    CHECK(cuThreadExchangeStreamCaptureMode(&own));
    result = cuStreamQuery(b);
    return &result;
}

static CUresult other_thread(CUstreamCaptureMode mode) {
    pthread_t thread;
    void *result;
    EXPECT(pthread_create(&thread, NULL, query_from_thread, &mode), 0);
    EXPECT(pthread_join(thread, &result), 0);
    return *(CUresult *)result;
}

static void unsafe_calls(void) {
    begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    EXPECT(cuStreamSynchronize(a), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    EXPECT(client_mix(&client, a, 1000, word, 1), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    CHECK(cuEventRecord(event, a));
    EXPECT(cuEventQuery(event), CUDA_ERROR_CAPTURED_EVENT);
    EXPECT(cuStreamWaitEvent(b, event, 0), CUDA_ERROR_INVALID_VALUE);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    EXPECT(other_thread(CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
    EXPECT(other_thread(CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    begin(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    EXPECT(other_thread(CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    EXPECT(cuStreamQuery(b), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK(cuStreamQuery(b));
    EXPECT(cuCtxSynchronize(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

static void forbidden_edges(void) {
    CUgraph graph;
    CUstream blocking;
    /* An event from outside the capture. */
    CHECK(cuEventRecord(event, b));
    CHECK(cuEventSynchronize(event));
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    EXPECT(cuStreamWaitEvent(a, event, 0), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* A stream that joined and did not come back. */
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK(client_mix(&client, a, 1000, word, 1));
    CHECK(cuEventRecord(event, a));
    CHECK(cuStreamWaitEvent(b, event, 0));
    CHECK(client_mix(&client, b, 1000, word, 1));
    EXPECT(cuStreamEndCapture(b, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK(client_mix(&client, a, 1000, word, 1));
    CHECK(cuEventRecord(event, a));
    CHECK(cuStreamWaitEvent(b, event, 0));
    CHECK(client_mix(&client, b, 1000, word, 1));
    end_spoiled(CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    /* The legacy stream beside a capturing blocking one, and as the origin of a capture. */
    CHECK(cuStreamCreate(&blocking, CU_STREAM_DEFAULT));
    CHECK(cuStreamBeginCapture(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
    EXPECT(client_mix(&client, NULL, 1000, word, 1), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    EXPECT(cuStreamEndCapture(blocking, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    CHECK(cuStreamDestroy(blocking));
    EXPECT(cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_RELAXED),
           CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    begin(CU_STREAM_CAPTURE_MODE_RELAXED);
    CHECK(client_mix(&client, NULL, 1000, word, 1)); /* a is non-blocking: nothing is implied */
    EXPECT(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_ERROR_ILLEGAL_STATE);
    CHECK(cuStreamEndCapture(a, &graph));
    CHECK(cuGraphDestroy(graph));
    EXPECT(cuStreamEndCapture(a, &graph), CUDA_ERROR_ILLEGAL_STATE);
}

/* A capture goes with its stream: it forbids nothing any more. */
static void destroyed_stream(void) {
    CUstream gone;
    CHECK(cuStreamCreate(&gone, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamBeginCapture(gone, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CHECK(client_mix(&client, gone, 1000, word, 1));
    CHECK(cuStreamDestroy(gone));
    CHECK(cuStreamQuery(b));
    CHECK(cuCtxSynchronize());
}

/* Launches of one graph never overlap, whatever their streams. */
static void two_streams(void) {
    CUgraph graph;
    CUgraphExec exec;
    uint32_t expected = 0;
    CHECK(cuMemsetD32(word, 0, 1));
    CHECK(cuCtxSynchronize());
    begin(CU_STREAM_CAPTURE_MODE_GLOBAL);
    CHECK(client_mix(&client, a, 20000, word, 1));
    CHECK(client_mix(&client, a, 20000, word, 2));
    CHECK(cuStreamEndCapture(a, &graph));
    CHECK(cuGraphInstantiateWithFlags(&exec, graph, 0));
    for (int i = 0; i < 20; i++) {
        CHECK(cuGraphLaunch(exec, i % 2 ? a : b));
        expected = (expected * 31 + 1) * 31 + 2;
    }
    EXPECT(client_read(word), expected);
    CHECK(cuGraphExecDestroy(exec));
    CHECK(cuGraphDestroy(graph));
}

int main(void) {
    client_start(&client);
    CHECK(cuMemAlloc(&word, 4096));
    CHECK(cuStreamCreate(&a, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamCreate(&b, CU_STREAM_NON_BLOCKING));
    CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    graph_runs();
    unsafe_calls();
    forbidden_edges();
    destroyed_stream();
    two_streams();
    CHECK(cuCtxSynchronize());
    printf("ok\n");
    return 0;
}
