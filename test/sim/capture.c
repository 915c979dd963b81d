#include "capture.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct capture *captures;
static uint64_t capture_counter;
static _Thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

static uint64_t thread_id(void) {
    static _Thread_local uint64_t id;
    if (!id)
        id = (uint64_t)syscall(SYS_gettid);
    return id;
}

CUstreamCaptureMode capture_exchange_mode(CUstreamCaptureMode mode) {
    CUstreamCaptureMode before = thread_mode;
    thread_mode = mode;
    return before;
}

/* Whether a call that might synchronise would spoil a capture, for the calling thread's mode. */
static bool capture_forbids(const struct capture *capture) {
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED ||
        capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED)
        return false;
    if (capture->thread == thread_id())
        return true;
    return capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
           thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
}

/* A capturing stream among those that the legacy stream would wait for. */
static struct capture *blocking_capture(const struct context *context) {
    for (const struct stream *s = context->streams; s; s = s->next)
        if (s->capture && stream_is_blocking(s))
            return s->capture;
    return NULL;
}

CUresult capture_check_unsafe(struct stream *stream) {
    if (!runtime.captures_active)
        return CUDA_SUCCESS;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&runtime.lock);
    if (stream && stream->capture) {
        result = stream->capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
                                              : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        stream->capture->invalidated = true;
    } else if (stream && stream->role == STREAM_LEGACY && blocking_capture(stream->context)) {
        blocking_capture(stream->context)->invalidated = true;
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    } else {
        for (struct capture *c = captures; c; c = c->next)
            if (capture_forbids(c)) {
                c->invalidated = true;
                result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
            }
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

CUresult capture_check_event(uint64_t capture_id) {
    pthread_mutex_lock(&runtime.lock);
    for (struct capture *c = captures; c; c = c->next)
        if (c->id == capture_id && capture_forbids(c))
            c->invalidated = true;
    pthread_mutex_unlock(&runtime.lock);
    return CUDA_ERROR_CAPTURED_EVENT;
}

CUresult capture_check_context(const struct context *context, const struct green *green) {
    if (!runtime.captures_active)
        return CUDA_SUCCESS;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&runtime.lock);
    for (struct capture *c = captures; c; c = c->next)
        if (c->origin->context == context && (!green || c->origin->green == green)) {
            c->invalidated = true;
            result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

static CUgraphNodeType node_type(const struct submission *submission) {
    switch (submission->payload.kind) {
    case SIM_OP_KERNEL:
        return CU_GRAPH_NODE_TYPE_KERNEL;
    case SIM_OP_MEMSET:
        return CU_GRAPH_NODE_TYPE_MEMSET;
    case SIM_OP_HOST:
        return CU_GRAPH_NODE_TYPE_HOST;
    case SIM_OP_EVENT:
        return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    case SIM_OP_WRITE_VALUE:
    case SIM_OP_WAIT_VALUE:
        return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP;
    default:
        return CU_GRAPH_NODE_TYPE_MEMCPY;
    }
}

CUresult capture_intercept(struct stream *stream, const struct submission *submission,
                           bool *captured) {
    *captured = false;
    struct capture *capture = stream->capture;
    if (!capture) {
        capture = stream->role == STREAM_LEGACY ? blocking_capture(stream->context) : NULL;
        if (!capture)
            return CUDA_SUCCESS;
        capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
    if (capture->invalidated)
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *captured = true;
    if (submission->payload.kind == SIM_OP_WAIT)
        return CUDA_SUCCESS;
    struct graph_node *node =
        graph_add(capture->graph, node_type(submission), submission, stream->capture_set);
    if (!node)
        return CUDA_ERROR_OUT_OF_MEMORY;
    free(stream->capture_set);
    stream->capture_set = set_of(node->number);
    return CUDA_SUCCESS;
}

CUresult capture_record(struct stream *stream, struct event *event, bool *captured) {
    *captured = false;
    if (!runtime.captures_active || !stream->capture)
        return CUDA_SUCCESS;
    if (stream->capture->invalidated)
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *captured = true;
    free(event->capture_set);
    event->capture_set = set_copy(stream->capture_set);
    event->capture_id = stream->capture->id;
    return CUDA_SUCCESS;
}

static struct capture *capture_by_id(uint64_t id) {
    for (struct capture *c = captures; c; c = c->next)
        if (c->id == id)
            return c;
    return NULL;
}

CUresult capture_wait(struct stream *stream, struct event *event, bool *captured) {
    *captured = false;
    struct capture *capture = stream->capture;
    if (!capture && !event->capture_id)
        return CUDA_SUCCESS;
    if (capture && capture->invalidated)
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (!event->capture_id) {
        capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    }
    struct capture *other = capture_by_id(event->capture_id);
    if (!other)
        return CUDA_ERROR_CAPTURED_EVENT;
    if (other->invalidated)
        return capture ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_ERROR_INVALID_VALUE;
    if (capture && capture != other) {
        capture->invalidated = other->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_MERGE;
    }
    if (stream->role == STREAM_LEGACY) {
        other->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
    *captured = true;
    stream->capture = other;
    set_unite(&stream->capture_set, event->capture_set);
    return CUDA_SUCCESS;
}

CUresult capture_begin(struct stream *stream, CUstreamCaptureMode mode) {
    if (stream->role == STREAM_LEGACY)
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&runtime.lock);
    if (stream->capture) {
        result = CUDA_ERROR_ILLEGAL_STATE;
    } else {
        struct capture *capture = calloc(1, sizeof *capture);
        struct graph *graph = capture ? graph_make() : NULL;
        if (graph) {
            *capture = (struct capture){.id = ++capture_counter,
                                        .mode = mode,
                                        .thread = thread_id(),
                                        .origin = stream,
                                        .graph = graph,
                                        .next = captures};
            captures = capture;
            stream->capture = capture;
            runtime.captures_active++;
        } else {
            free(capture);
            result = CUDA_ERROR_OUT_OF_MEMORY;
        }
    }
    pthread_mutex_unlock(&runtime.lock);
    return result;
}

/* Whether all that joined the capture leads back to its origin. */
static bool capture_is_joined(const struct capture *capture) {
    const struct graph *graph = capture->graph;
    bool *reached = calloc(graph->count + 1, sizeof *reached);
    if (!reached)
        return false;
    const struct graph_set *last = capture->origin->capture_set;
    for (uint32_t i = 0; last && i < last->count; i++)
        reached[last->nodes[i]] = true;
    for (uint32_t n = graph->count; n-- > 0;) {
        const struct graph_set *set = graph->nodes[n]->dependencies;
        for (uint32_t i = 0; reached[n] && set && i < set->count; i++)
            reached[set->nodes[i]] = true;
    }
    bool joined = true;
    for (const struct stream *s = capture->origin->context->streams; s; s = s->next)
        if (s->capture == capture && s->capture_set)
            for (uint32_t i = 0; i < s->capture_set->count; i++)
                joined &= reached[s->capture_set->nodes[i]];
    free(reached);
    return joined;
}

/* Takes a capture off its streams and the list. Needs runtime.lock. */
static void capture_forget(const struct capture *capture) {
    for (struct stream *s = capture->origin->context->streams; s; s = s->next)
        if (s->capture == capture) {
            s->capture = NULL;
            free(s->capture_set);
            s->capture_set = NULL;
        }
    for (struct capture **link = &captures; *link; link = &(*link)->next)
        if (*link == capture) {
            *link = capture->next;
            break;
        }
    runtime.captures_active--;
}

/* Nobody can end the capture of a stream that is gone. */
void capture_stream_destroyed(struct stream *stream) {
    struct capture *capture = stream->capture;
    if (capture->origin != stream) {
        capture->invalidated = true;
        return;
    }
    capture_forget(capture);
    graph_free(capture->graph);
    free(capture);
}

CUresult capture_end(struct stream *stream, struct graph **graph) {
    *graph = NULL;
    CUresult result = CUDA_SUCCESS;
    pthread_mutex_lock(&runtime.lock);
    struct capture *capture = stream->capture;
    if (!capture)
        result = CUDA_ERROR_ILLEGAL_STATE;
    else if (capture->origin != stream)
        result = CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    else if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != thread_id())
        result = CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    if (result != CUDA_SUCCESS) {
        if (capture)
            capture->invalidated = true;
        pthread_mutex_unlock(&runtime.lock);
        return result;
    }
    if (capture->invalidated)
        result = CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    else if (!capture_is_joined(capture))
        result = CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    capture_forget(capture);
    if (result == CUDA_SUCCESS)
        *graph = capture->graph;
    else
        graph_free(capture->graph);
    free(capture);
    pthread_mutex_unlock(&runtime.lock);
    return result;
}
