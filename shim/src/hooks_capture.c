/* Stream capture, and the graphs that come of it. */
#include "hooks.h"

#include "capture.h"
#include "graphs.h"
#include "life.h"

#define BEGIN_CAPTURE(function, null_stream, parameters, arguments)                                \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        if (process_is_inert())                                                                    \
            return real arguments;                                                                 \
        /* Before the call, so that no launch or question can slip in after it. */                 \
        struct stream_context place = capture_place(stream);                                       \
        struct life_change change = life_begin(life_of_context(place.context));                    \
        capture_began(stream, null_stream, &place);                                                \
        CUresult result = real arguments;                                                          \
        if (result != CUDA_SUCCESS)                                                                \
            capture_ended(stream, null_stream);                                                    \
        life_end(change);                                                                          \
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

BEGIN_CAPTURE(cuStreamBeginCaptureToCig, LEGACY, (CUstream stream, void *params), (stream, params))
BEGIN_CAPTURE(cuStreamBeginCaptureToCig_ptsz, PER_THREAD, (CUstream stream, void *params),
              (stream, params))
BEGIN_CAPTURE(cuStreamBeginRecaptureToGraph, LEGACY,
              (CUstream stream, int mode, CUgraph graph, void *callback, void *data),
              (stream, mode, graph, callback, data))
BEGIN_CAPTURE(cuStreamBeginRecaptureToGraph_ptsz, PER_THREAD,
              (CUstream stream, int mode, CUgraph graph, void *callback, void *data),
              (stream, mode, graph, callback, data))

/* A refused end leaves the capture open; a failed one ends it all the same. */
static bool still_capturing(CUstream stream, enum null_stream null_stream) {
    int status = CU_STREAM_CAPTURE_STATUS_NONE;
    if (stream == NULL && null_stream == PER_THREAD)
        stream = CU_STREAM_PER_THREAD;
    return driver.cuStreamIsCapturing != NULL &&
           driver.cuStreamIsCapturing(stream, &status) == CUDA_SUCCESS &&
           status != CU_STREAM_CAPTURE_STATUS_NONE;
}

#define END_CAPTURE(function, null_stream, parameters, arguments)                                  \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        if (process_is_inert())                                                                    \
            return real arguments;                                                                 \
        CUresult result = real arguments;                                                          \
        if (result == CUDA_SUCCESS || !still_capturing(stream, null_stream))                       \
            capture_ended(stream, null_stream);                                                    \
        return result;                                                                             \
    }
END_CAPTURE(cuStreamEndCapture, LEGACY, (CUstream stream, CUgraph *graph), (stream, graph))
END_CAPTURE(cuStreamEndCapture_ptsz, PER_THREAD, (CUstream stream, CUgraph *graph), (stream, graph))
END_CAPTURE(cuStreamEndCaptureToCig, LEGACY, (CUstream stream), (stream))
END_CAPTURE(cuStreamEndCaptureToCig_ptsz, PER_THREAD, (CUstream stream), (stream))

/* A stream joins another's capture by waiting for an event of it; a question about it that comes in
 * between would end the capture. */
#define WAIT_EVENT(function)                                                                       \
    EXPORT CUresult function(CUstream stream, CUevent event, unsigned flags);                      \
    CUresult function(CUstream stream, CUevent event, unsigned flags) {                            \
        REAL(function, (CUstream, CUevent, unsigned));                                             \
        if (atomic_load(&hot.captures_open) == 0)                                                  \
            return real(stream, event, flags);                                                     \
        CUcontext context = capture_place(stream).context;                                         \
        struct life_change change = life_begin(life_of_context(context));                          \
        CUresult result = real(stream, event, flags);                                              \
        life_end(change);                                                                          \
        return result;                                                                             \
    }
WAIT_EVENT(cuStreamWaitEvent)
WAIT_EVENT(cuStreamWaitEvent_ptsz)

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
