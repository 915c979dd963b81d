/* Stream capture and graphs. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "graph.h"
#include "model.h"

struct graph_exec {
    void *handle;
    struct context *context;
    uint32_t count;
    struct event last; /* where its latest launch ends, which the next one waits for */
    struct node_copy {
        CUgraphNodeType type;
        struct submission submission;
    } *nodes;
};

static CUresult begin(CUstream handle, CUstreamCaptureMode mode, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result == CUDA_SUCCESS && (mode < 0 || mode > CU_STREAM_CAPTURE_MODE_RELAXED))
        result = CUDA_ERROR_INVALID_VALUE;
    return result == CUDA_SUCCESS ? capture_begin(stream, mode) : result;
}

static CUresult end(CUstream handle, CUgraph *graph_handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    struct graph *graph;
    result = capture_end(stream, &graph);
    if (graph_handle)
        *graph_handle = graph ? graph->handle : NULL;
    return result;
}

static CUresult status_of(CUstream handle, CUstreamCaptureStatus *status, uint64_t *id,
                          CUgraph *graph, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    if (!status)
        return CUDA_ERROR_INVALID_VALUE;
    *status = CU_STREAM_CAPTURE_STATUS_NONE;
    if (!runtime.captures_active)
        return CUDA_SUCCESS;
    pthread_mutex_lock(&runtime.lock);
    const struct capture *capture = stream->capture;
    if (capture) {
        *status = capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
        if (id)
            *id = capture->id;
        if (graph)
            *graph = capture->graph->handle;
    } else if (stream->role == STREAM_LEGACY) {
        for (const struct stream *s = stream->context->streams; s; s = s->next)
            if (s->capture && stream_is_blocking(s))
                result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

#define CAPTURE_FORMS(suffix, per_thread)                                                          \
    CU_EXPORT CUresult cuStreamBeginCapture##suffix(CUstream stream) {                             \
        return begin(stream, CU_STREAM_CAPTURE_MODE_GLOBAL, per_thread);                           \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamBeginCapture_v2##suffix(CUstream stream,                            \
                                                       CUstreamCaptureMode mode) {                 \
        return begin(stream, mode, per_thread);                                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamEndCapture##suffix(CUstream stream, CUgraph *graph) {               \
        return end(stream, graph, per_thread);                                                     \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamIsCapturing##suffix(CUstream stream,                                \
                                                   CUstreamCaptureStatus *status) {                \
        return status_of(stream, status, NULL, NULL, per_thread);                                  \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetCaptureInfo##suffix(                                             \
        CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id) {                          \
        return status_of(stream, status, id, NULL, per_thread);                                    \
    }                                                                                              \
    CU_EXPORT CUresult cuStreamGetCaptureInfo_v2##suffix(                                          \
        CUstream stream, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,            \
        const CUgraphNode **dependencies, size_t *count) {                                         \
        if (dependencies || count)                                                                 \
            return CUDA_ERROR_NOT_SUPPORTED;                                                       \
        return status_of(stream, status, id, graph, per_thread);                                   \
    }                                                                                              \
    CU_EXPORT CUresult cuGraphLaunch##suffix(CUgraphExec exec, CUstream stream) {                  \
        return graph_launch(exec, stream, per_thread);                                             \
    }                                                                                              \
    CU_EXPORT CUresult cuGraphUpload##suffix(CUgraphExec exec, CUstream stream) {                  \
        return graph_upload(exec, stream, per_thread);                                             \
    }

/* The nodes run one after another in the launching stream, in an order that keeps their edges. */
static CUresult graph_launch(CUgraphExec handle, CUstream stream_handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(stream_handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    struct graph_exec *exec = handle_find(HANDLE_GRAPH_EXEC, handle);
    if (!exec)
        return CUDA_ERROR_INVALID_HANDLE;
    uint64_t since = runtime_now();
    if (stream->capture) { /* a child graph: its nodes become the capture's */
        for (uint32_t i = 0; i < exec->count && result == CUDA_SUCCESS; i++)
            result = queue_submit(stream, &exec->nodes[i].submission, NULL);
        return result;
    }
    /* Launches of one graph never overlap, on whatever streams they are. */
    if (exec->last.stream && exec->last.stream != stream)
        result = queue_submit_wait(stream, &exec->last);
    uint64_t number = 0;
    for (uint32_t i = 0; i < exec->count && result == CUDA_SUCCESS; i++) {
        struct submission submission = exec->nodes[i].submission;
        /* The launch as a whole is checked against captures and the queue's limit. */
        submission.in_graph = i > 0;
        submission.launch = i == 0;
        submission.latency = SIM_GRAPH_LATENCY_NS;
        result = queue_submit(stream, &submission, &number);
    }
    if (result == CUDA_SUCCESS && exec->count > 0)
        exec->last = (struct event){.stream = stream,
                                    .index = stream->index,
                                    .generation = stream->generation,
                                    .number = number};
    if (result == CUDA_SUCCESS)
        host_delay(since, SIM_HOST_GRAPH_NS);
    return result;
}

static CUresult graph_upload(CUgraphExec handle, CUstream stream_handle, bool per_thread) {
    struct stream *stream;
    CUresult result = stream_resolve(stream_handle, per_thread, &stream);
    if (result != CUDA_SUCCESS)
        return result;
    return handle_find(HANDLE_GRAPH_EXEC, handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CAPTURE_FORMS(, false)
CAPTURE_FORMS(_ptsz, true)

CU_EXPORT CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!mode || *mode < 0 || *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
        return CUDA_ERROR_INVALID_VALUE;
    *mode = capture_exchange_mode(*mode);
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphCreate(CUgraph *handle, unsigned flags) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle || flags)
        return CUDA_ERROR_INVALID_VALUE;
    struct graph *graph = graph_make();
    if (!graph)
        return CUDA_ERROR_OUT_OF_MEMORY;
    *handle = graph->handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphDestroy(CUgraph handle) {
    CUresult result = runtime_check();
    struct graph *graph = handle_find(HANDLE_GRAPH, handle);
    if (result == CUDA_SUCCESS && !graph)
        return CUDA_ERROR_INVALID_HANDLE;
    if (result == CUDA_SUCCESS)
        graph_free(graph);
    return result;
}

CU_EXPORT CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
    struct graph *graph = handle_find(HANDLE_GRAPH, handle);
    if (!graph)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!count)
        return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; nodes && i < *count; i++)
        nodes[i] = i < graph->count ? graph->nodes[i]->handle : NULL;
    if (!nodes || *count > graph->count)
        *count = graph->count;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
    const struct graph_node *node = handle_find(HANDLE_GRAPH_NODE, handle);
    if (!node)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!type)
        return CUDA_ERROR_INVALID_VALUE;
    *type = node->type;
    return CUDA_SUCCESS;
}

static CUresult add_kernel_node(CUgraphNode *result_node, CUgraph handle,
                                const CUgraphNode *dependencies, size_t count,
                                const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    CUresult result = runtime_check();
    if (result != CUDA_SUCCESS)
        return result;
    struct graph *graph = handle_find(HANDLE_GRAPH, handle);
    if (!graph)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!result_node || !params || (count && !dependencies))
        return CUDA_ERROR_INVALID_VALUE;
    struct graph_set *set = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct graph_node *node = handle_find(HANDLE_GRAPH_NODE, dependencies[i]);
        if (!node || node->graph != graph) {
            free(set);
            return CUDA_ERROR_INVALID_VALUE;
        }
        struct graph_set *one = set_of(node->number);
        set_unite(&set, one);
        free(one);
    }
    struct submission submission;
    struct context *context;
    const unsigned grid[3] = {params->gridDimX, params->gridDimY, params->gridDimZ};
    const unsigned block[3] = {params->blockDimX, params->blockDimY, params->blockDimZ};
    result = launch_prepare(params->func, grid, block, params->kernelParams, params->extra,
                            &submission, &context);
    struct graph_node *node = result == CUDA_SUCCESS
                                  ? graph_add(graph, CU_GRAPH_NODE_TYPE_KERNEL, &submission, set)
                                  : NULL;
    free(set);
    if (result == CUDA_SUCCESS && !node)
        return CUDA_ERROR_OUT_OF_MEMORY;
    if (node)
        *result_node = node->handle;
    return result;
}

CU_EXPORT CUresult cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph,
                                        const CUgraphNode *dependencies, size_t count,
                                        const CUDA_KERNEL_NODE_PARAMS_v1 *params) {
    return add_kernel_node(node, graph, dependencies, count, params);
}

/* The second form's parameters begin as the first's. */
CU_EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode *node, CUgraph graph,
                                           const CUgraphNode *dependencies, size_t count,
                                           const CUDA_KERNEL_NODE_PARAMS_v2 *params) {
    return add_kernel_node(node, graph, dependencies, count,
                           (const CUDA_KERNEL_NODE_PARAMS_v1 *)params);
}

static CUresult nodes_copy(struct graph_exec *exec, const struct graph *graph) {
    struct node_copy *nodes = calloc(graph->count + 1, sizeof *nodes);
    if (!nodes)
        return CUDA_ERROR_OUT_OF_MEMORY;
    for (uint32_t i = 0; i < graph->count; i++) {
        nodes[i].type = graph->nodes[i]->type;
        nodes[i].submission = graph->nodes[i]->submission;
    }
    free(exec->nodes);
    exec->nodes = nodes;
    exec->count = graph->count;
    return CUDA_SUCCESS;
}

static CUresult instantiate(CUgraphExec *handle, CUgraph graph_handle) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    const struct graph *graph = handle_find(HANDLE_GRAPH, graph_handle);
    if (!handle || !graph)
        return CUDA_ERROR_INVALID_VALUE;
    struct graph_exec *exec = calloc(1, sizeof *exec);
    if (!exec)
        return CUDA_ERROR_OUT_OF_MEMORY;
    exec->context = context;
    result = nodes_copy(exec, graph);
    exec->handle = result == CUDA_SUCCESS ? handle_make(HANDLE_GRAPH_EXEC, exec) : NULL;
    if (!exec->handle) {
        free(exec->nodes);
        free(exec);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *handle = exec->handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph, CUgraphNode *error_node,
                                      char *log, size_t size) {
    if (error_node)
        *error_node = NULL;
    if (log && size)
        *log = 0;
    return instantiate(exec, graph);
}
SIM_ALIAS(cuGraphInstantiate_v2, cuGraphInstantiate);

CU_EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph,
                                               unsigned long long flags) {
    return flags > 15 ? CUDA_ERROR_INVALID_VALUE : instantiate(exec, graph);
}

CU_EXPORT CUresult cuGraphExecDestroy(CUgraphExec handle) {
    CUresult result = runtime_check();
    struct graph_exec *exec = handle_find(HANDLE_GRAPH_EXEC, handle);
    if (result != CUDA_SUCCESS || !exec)
        return result != CUDA_SUCCESS ? result : CUDA_ERROR_INVALID_HANDLE;
    handle_drop(handle);
    free(exec->nodes);
    free(exec);
    return CUDA_SUCCESS;
}

static CUresult update(CUgraphExec exec_handle, CUgraph graph_handle,
                       CUgraphExecUpdateResult *outcome) {
    CUresult result = runtime_check();
    struct graph_exec *exec = handle_find(HANDLE_GRAPH_EXEC, exec_handle);
    const struct graph *graph = handle_find(HANDLE_GRAPH, graph_handle);
    if (result != CUDA_SUCCESS)
        return result;
    if (!exec || !graph)
        return CUDA_ERROR_INVALID_HANDLE;
    *outcome = CU_GRAPH_EXEC_UPDATE_SUCCESS;
    if (exec->count != graph->count)
        *outcome = CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    for (uint32_t i = 0; *outcome == CU_GRAPH_EXEC_UPDATE_SUCCESS && i < exec->count; i++)
        if (exec->nodes[i].type != graph->nodes[i]->type)
            *outcome = CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    if (*outcome != CU_GRAPH_EXEC_UPDATE_SUCCESS)
        return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    return nodes_copy(exec, graph);
}

CU_EXPORT CUresult cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode *error_node,
                                     CUgraphExecUpdateResult *outcome) {
    if (!outcome)
        return CUDA_ERROR_INVALID_VALUE;
    if (error_node)
        *error_node = NULL;
    return update(exec, graph, outcome);
}

CU_EXPORT CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph,
                                        CUgraphExecUpdateResultInfo *info) {
    if (!info)
        return CUDA_ERROR_INVALID_VALUE;
    memset(info, 0, sizeof *info);
    return update(exec, graph, &info->result);
}
