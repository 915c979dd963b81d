/*
 * Stream capture. While any capture is open a launch first asks whether its stream records, and
 * the worker asks no stream at all: a question on the wrong one would kill the capture.
 */
#include "hooks.h"

#include "graphs.h"

/* The streams on which captures began. What does not fit is counted for the process's life. */
enum { CAPTURE_MAX = 64 };
static uintptr_t origins[CAPTURE_MAX];

static uintptr_t origin_of(CUstream stream, enum null_stream null_stream) {
    bool own = stream == CU_STREAM_PER_THREAD || (stream == NULL && null_stream == PER_THREAD);
    static _Thread_local char thread_mark;
    if (own)
        return (uintptr_t)&thread_mark;
    /* Never 0, which marks a free entry of `origins`. */
    return (uintptr_t)(stream == NULL ? CU_STREAM_LEGACY : stream);
}

/* driver_life_lock is held by the callers of both. */
static void capture_began(uintptr_t origin) {
    for (int i = 0; i < CAPTURE_MAX; i++) {
        if (origins[i] != 0)
            continue;
        origins[i] = origin;
        break;
    }
    atomic_fetch_add(&gate_captures, 1);
}

static void capture_ended(uintptr_t origin) {
    for (int i = 0; i < CAPTURE_MAX; i++) {
        if (origins[i] != origin)
            continue;
        origins[i] = 0;
        atomic_fetch_sub(&gate_captures, 1);
        return;
    }
}

void capture_stream_destroyed(CUstream stream) {
    capture_ended((uintptr_t)stream);
}

#define BEGIN_CAPTURE(function, null_stream, parameters, arguments)                                \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        if (process_is_inert())                                                                    \
            return real arguments;                                                                 \
        /* Before the call, so that no launch or question can slip in after it. */                 \
        pthread_mutex_lock(&driver_life_lock);                                                     \
        capture_began(origin_of(stream, null_stream));                                             \
        CUresult result = real arguments;                                                          \
        if (result != CUDA_SUCCESS)                                                                \
            capture_ended(origin_of(stream, null_stream));                                         \
        pthread_mutex_unlock(&driver_life_lock);                                                   \
        return result;                                                                             \
    }
BEGIN_CAPTURE(cuStreamBeginCapture, LEGACY, (CUstream stream), (stream))
BEGIN_CAPTURE(cuStreamBeginCapture_ptsz, PER_THREAD, (CUstream stream), (stream))
BEGIN_CAPTURE(cuStreamBeginCapture_v2, LEGACY, (CUstream stream, int mode), (stream, mode))
BEGIN_CAPTURE(cuStreamBeginCapture_v2_ptsz, PER_THREAD, (CUstream stream, int mode), (stream, mode))
BEGIN_CAPTURE(cuStreamBeginCaptureToGraph, LEGACY,
              (CUstream stream, CUgraph graph, const CUgraphNode *nodes, const void *edges,
               size_t count, int mode),
              (stream, graph, nodes, edges, count, mode))
BEGIN_CAPTURE(cuStreamBeginCaptureToGraph_ptsz, PER_THREAD,
              (CUstream stream, CUgraph graph, const CUgraphNode *nodes, const void *edges,
               size_t count, int mode),
              (stream, graph, nodes, edges, count, mode))

/* A refused end leaves the capture open; a failed one ends it all the same. */
static bool still_capturing(CUstream stream, enum null_stream null_stream) {
    int status = CU_STREAM_CAPTURE_STATUS_NONE;
    if (stream == NULL && null_stream == PER_THREAD)
        stream = CU_STREAM_PER_THREAD;
    return driver.cuStreamIsCapturing != NULL &&
           driver.cuStreamIsCapturing(stream, &status) == CUDA_SUCCESS &&
           status != CU_STREAM_CAPTURE_STATUS_NONE;
}

#define END_CAPTURE(function, null_stream)                                                         \
    EXPORT CUresult function(CUstream stream, CUgraph *graph);                                     \
    CUresult function(CUstream stream, CUgraph *graph) {                                           \
        REAL(function, (CUstream, CUgraph *));                                                     \
        if (process_is_inert())                                                                    \
            return real(stream, graph);                                                            \
        CUresult result = real(stream, graph);                                                     \
        if (result == CUDA_SUCCESS || !still_capturing(stream, null_stream)) {                     \
            pthread_mutex_lock(&driver_life_lock);                                                 \
            capture_ended(origin_of(stream, null_stream));                                         \
            pthread_mutex_unlock(&driver_life_lock);                                               \
        }                                                                                          \
        return result;                                                                             \
    }
END_CAPTURE(cuStreamEndCapture, LEGACY)
END_CAPTURE(cuStreamEndCapture_ptsz, PER_THREAD)

#define INSTANTIATE(function, parameters, arguments)                                               \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        CUresult result = real arguments;                                                          \
        if (result == CUDA_SUCCESS && exec != NULL && !process_is_inert()) {                       \
            graphs_note(*exec, graph);                                                             \
        }                                                                                          \
        return result;                                                                             \
    }
INSTANTIATE(cuGraphInstantiate,
            (CUgraphExec * exec, CUgraph graph, CUgraphNode *node, char *log, size_t size),
            (exec, graph, node, log, size))
INSTANTIATE(cuGraphInstantiate_v2,
            (CUgraphExec * exec, CUgraph graph, CUgraphNode *node, char *log, size_t size),
            (exec, graph, node, log, size))
INSTANTIATE(cuGraphInstantiateWithFlags,
            (CUgraphExec * exec, CUgraph graph, unsigned long long flags), (exec, graph, flags))
INSTANTIATE(cuGraphInstantiateWithParams, (CUgraphExec * exec, CUgraph graph, void *params),
            (exec, graph, params))
INSTANTIATE(cuGraphInstantiateWithParams_ptsz, (CUgraphExec * exec, CUgraph graph, void *params),
            (exec, graph, params))

EXPORT CUresult cuGraphExecDestroy(CUgraphExec exec);
CUresult cuGraphExecDestroy(CUgraphExec exec) {
    REAL(cuGraphExecDestroy, (CUgraphExec));
    if (!process_is_inert())
        graphs_forget(exec);
    return real(exec);
}
