/* Stream capture: operations become nodes of a graph instead of running. All functions need
 * runtime.lock. */
#ifndef SIM_CAPTURE_H
#define SIM_CAPTURE_H

#include "graph.h"
#include "runtime.h"

struct capture {
    uint64_t id;
    CUstreamCaptureMode mode;
    uint64_t thread;
    struct stream *origin;
    bool invalidated;
    struct graph *graph;
    struct capture *next; /* of the process */
};

/* What an operation on a stream means while something is being captured: *captured where it became
 * a node; an error where capture forbids it. */
CUresult capture_intercept(struct stream *stream, const struct submission *submission,
                           bool *captured);

/* Recording an event in a stream that is being captured; *captured as above. */
CUresult capture_record(struct stream *stream, struct event *event, bool *captured);
/* A stream waiting for an event, where either belongs to a capture. */
CUresult capture_wait(struct stream *stream, struct event *event, bool *captured);

/* A call that would synchronise, on a stream (NULL: on no particular one): 900 where a capture of
 * this thread or a global one forbids it, which also spoils those captures. Takes runtime.lock. */
CUresult capture_check_unsafe(struct stream *stream);
/* Asking for an event that was recorded in a capture: 907, and the capture is spoiled where a call
 * that would synchronise spoils it (seen on an H200). Takes runtime.lock. */
CUresult capture_check_event(uint64_t capture_id);
/* The same for waiting for a whole context, or the green one of it, which no mode allows. Takes
 * runtime.lock. */
CUresult capture_check_context(const struct context *context, const struct green *green);

/* A stream that takes part in a capture goes: the capture is spoiled, or over where that was the
 * stream that began it. Needs runtime.lock. */
void capture_stream_destroyed(struct stream *stream);

/* Beginning and ending one; they take runtime.lock. *graph is NULL where the capture was spoiled.
 */
CUresult capture_begin(struct stream *stream, CUstreamCaptureMode mode);
CUresult capture_end(struct stream *stream, struct graph **graph);
/* Sets the calling thread's mode and returns the one before. */
CUstreamCaptureMode capture_exchange_mode(CUstreamCaptureMode mode);

#endif
