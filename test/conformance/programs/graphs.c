/* Graphs: captured in every mode and by hand, launched often, changed, and what spoils a capture.
 */
#include "program.h"

#include <stdlib.h>

enum { SHORT_NS = 2000, NODES = 64 };

static CUstream a, b;
static CUdeviceptr words;
static uint32_t called;

static void count_call(void *data) {
    (void)data;
    called++;
}

/* The kinds of a graph's nodes and how many there are: nothing may have come in beside them. */
static void say_nodes(CUgraph graph) {
    CUresult (*type_of)(CUgraphNode, CUgraphNodeType *);
    CUgraphNode nodes[NODES];
    size_t count = 0, kinds[NODES] = {0};
    FIND(type_of, "cuGraphNodeGetType");
    NEED(cuGraphGetNodes(graph, NULL, &count));
    MUST(count <= NODES);
    NEED(cuGraphGetNodes(graph, nodes, &count));
    for (size_t i = 0; i < count; i++) {
        CUgraphNodeType type;
        NEED(type_of(nodes[i], &type));
        if (type >= 0 && type < NODES)
            kinds[type]++;
    }
    say("%zu nodes: kernel %zu, memcpy %zu, memset %zu, host %zu, values %zu", count, kinds[0],
        kinds[1], kinds[2], kinds[3], kinds[12]);
}

/* A bit of everything, `value` told apart; 7 nodes. */
static CUgraph capture_much(CUstreamCaptureMode mode, uint32_t value) {
    CUgraph graph = NULL;
    NEED(cuStreamBeginCapture(a, mode));
    for (uint32_t i = 0; i < 3; i++)
        NEED(mix(a, SHORT_NS, words, value + i));
    NEED(cuMemcpyDtoDAsync(words + 4, words, 4, a));
    NEED(cuMemsetD32Async(words + 8, value, 2, a));
    NEED(mix(a, SHORT_NS, words + 4, value));
    NEED(cuLaunchHostFunc(a, count_call, NULL));
    SHOW(cuStreamEndCapture(a, &graph));
    return graph;
}

static void modes(void) {
    static const char *const names[] = {"global", "thread local", "relaxed"};
    for (CUstreamCaptureMode mode = 0; mode <= CU_STREAM_CAPTURE_MODE_RELAXED; mode++) {
        CUstreamCaptureStatus status = 7;
        program_section(names[mode]);
        /* Work before it, whose fence is open when the capture begins. */
        for (uint32_t i = 0; i < 20; i++)
            NEED(mix(a, SHORT_NS, words + 12, i));
        CUgraph graph = capture_much(mode, 10 * (uint32_t)mode);
        CUgraphExec exec;
        SHOW(cuStreamIsCapturing(a, &status));
        say("status %d", status);
        say_nodes(graph);
        say_memory("nothing ran", words, 16);
        SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
        SHOW(cuGraphDestroy(graph));
        called = 0;
        for (int i = 0; i < 30; i++)
            NEED(cuGraphLaunch(exec, i % 3 ? CU_STREAM_PER_THREAD : a));
        SHOW(cuCtxSynchronize());
        say("%" PRIu32 " calls", called);
        say_memory("words", words, 16);
        SHOW(cuGraphExecDestroy(exec));
    }
}

/* Launches of one graph never overlap: two streams may take turns with it. */
static void launched_often(void) {
    CUgraphExec exec;
    CUresult (*upload)(CUgraphExec, CUstream);
    program_section("launched often");
    words_set(words, 4, 0);
    CUgraph graph = capture_much(CU_STREAM_CAPTURE_MODE_RELAXED, 3);
    SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
    if (FIND(upload, "cuGraphUpload"))
        SHOW(upload(exec, a));
    else
        SKIP("no cuGraphUpload");
    for (uint32_t i = 0; i < 100; i++) {
        NEED(cuGraphLaunch(exec, a));
        NEED(mix(a, SHORT_NS, words, i));
    }
    SHOW(cuStreamSynchronize(a));
    say_memory("words", words, 16);
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphDestroy(graph));
}

static void joined(void) {
    CUevent fork_event = event_make(), join_event = event_make();
    CUgraph graph;
    CUgraphExec exec;
    CUstreamCaptureStatus status = 7;
    program_section("joined");
    words_set(words, 4, 0);
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(mix(a, SHORT_NS, words, 1));
    SHOW(cuEventRecord(fork_event, a));
    SHOW(cuStreamWaitEvent(b, fork_event, 0));
    SHOW(cuStreamIsCapturing(b, &status));
    say("status %d", status);
    for (uint32_t i = 0; i < 4; i++) {
        SHOW(mix(b, SHORT_NS, words, i));
        SHOW(mix(a, SHORT_NS, words + 4, i));
    }
    SHOW(cuEventRecord(join_event, b));
    SHOW(cuStreamWaitEvent(a, join_event, 0));
    SHOW(mix(a, SHORT_NS, words, 9));
    SHOW(cuStreamEndCapture(a, &graph));
    say_nodes(graph);
    SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
    /* The second stream is an ordinary one again. */
    SHOW(mix(b, SHORT_NS, words + 8, 1));
    for (int i = 0; i < 10; i++)
        NEED(cuGraphLaunch(exec, b));
    SHOW(cuStreamSynchronize(b));
    say_memory("words", words, 16);
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphDestroy(graph));
    NEED(cuEventDestroy(fork_event));
    NEED(cuEventDestroy(join_event));
}

static void updated(void) {
    CUresult (*update)(CUgraphExec, CUgraph, CUgraphExecUpdateResultInfo *);
    CUgraphExecUpdateResultInfo info = {0};
    CUgraphExec exec;
    CUgraph other;
    program_section("updated");
    if (!FIND(update, "cuGraphExecUpdate_v2")) {
        SKIP("no cuGraphExecUpdate_v2");
        return;
    }
    words_set(words, 4, 0);
    CUgraph graph = capture_much(CU_STREAM_CAPTURE_MODE_GLOBAL, 1);
    SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
    for (uint32_t value = 2; value < 12; value++) {
        NEED(cuGraphLaunch(exec, a));
        CUgraph changed = capture_much(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, value);
        NEED(update(exec, changed, &info));
        NEED(cuGraphDestroy(changed));
        NEED(cuGraphLaunch(exec, a));
    }
    SHOW(cuStreamSynchronize(a));
    say_memory("words", words, 16);
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_RELAXED));
    SHOW(mix(a, SHORT_NS, words, 1));
    SHOW(cuStreamEndCapture(a, &other));
    say_nodes(other);
    SHOW(update(exec, other, &info));
    SHOW(cuGraphLaunch(exec, a));
    say_memory("as before", words, 16);
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphDestroy(graph));
    SHOW(cuGraphDestroy(other));
}

static void by_hand(void) {
    CUresult (*create)(CUgraph *, unsigned);
    CUresult (*add_kernel)(CUgraphNode *, CUgraph, const CUgraphNode *, size_t,
                           const CUDA_KERNEL_NODE_PARAMS_v2 *);
    CUgraph graph;
    CUgraphExec exec;
    CUgraphNode nodes[4];
    program_section("by hand");
    FIND(create, "cuGraphCreate");
    if (!FIND(add_kernel, "cuGraphAddKernelNode_v2")) {
        SKIP("no cuGraphAddKernelNode_v2");
        return;
    }
    words_set(words, 4, 0);
    SHOW(create(&graph, 0));
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t ns = SHORT_NS;
        uint32_t value = i + 1;
        void *params[] = {&ns, &words, &value};
        CUDA_KERNEL_NODE_PARAMS_v2 node = {.func = program.kernels.mix,
                                           .gridDimX = 1,
                                           .gridDimY = 1,
                                           .gridDimZ = 1,
                                           .blockDimX = 1,
                                           .blockDimY = 1,
                                           .blockDimZ = 1,
                                           .kernelParams = params};
        SHOW(add_kernel(&nodes[i], graph, i ? &nodes[i - 1] : NULL, i ? 1 : 0, &node));
    }
    say_nodes(graph);
    SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
    for (int i = 0; i < 10; i++)
        NEED(cuGraphLaunch(exec, a));
    say_memory("words", words, 16);
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphDestroy(graph));
}

static void end_spoiled(void) {
    CUgraph graph = (CUgraph)&graph;
    SHOW(cuStreamEndCapture(a, &graph));
    say("no graph: %d", graph == NULL);
}

static void spoiled(void) {
    CUevent event = event_make();
    CUgraph graph;
    program_section("spoiled");
    SHOW(cuStreamEndCapture(a, &graph));
    SHOW(cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_RELAXED));
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(cuStreamSynchronize(a));
    SHOW(mix(a, SHORT_NS, words, 1));
    end_spoiled();
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    SHOW(cuStreamQuery(b));
    end_spoiled();
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_RELAXED));
    SHOW(cuStreamQuery(b));
    SHOW(cuCtxSynchronize());
    end_spoiled();
    SHOW(cuStreamBeginCapture(a, CU_STREAM_CAPTURE_MODE_RELAXED));
    SHOW(cuEventRecord(event, a));
    SHOW(cuEventQuery(event));
    SHOW(cuStreamWaitEvent(b, event, 0));
    SHOW(mix(b, SHORT_NS, words, 1));
    end_spoiled();
    /* None of it left anything behind. */
    SHOW(mix(a, SHORT_NS, words, 1));
    SHOW(mix(b, SHORT_NS, words + 4, 1));
    SHOW(cuStreamSynchronize(a));
    SHOW(cuStreamSynchronize(b));
    NEED(cuEventDestroy(event));
}

int main(void) {
    program_start("graphs");
    words = words_make(4, 0);
    a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    b = stream_make(CU_STREAM_NON_BLOCKING, -1);
    modes();
    launched_often();
    joined();
    updated();
    by_hand();
    spoiled();
    return 0;
}
