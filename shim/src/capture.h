/*
 * Stream capture: which captures are open in the process, and how the shim's own driver calls keep
 * out of their way. While any is open a launch first asks whether its stream records: whoever sees
 * 0 in hot.captures_open need not think of them.
 */
#ifndef XSCHED_CAPTURE_H
#define XSCHED_CAPTURE_H

#include "context.h"
#include "hot.h"
#include "queue.h"

#include <stdbool.h>

/* The contexts of a stream as the calling thread means it; none where there is no such stream. */
struct stream_context capture_place(CUstream stream);

/*
 * A capture begins or has ended on a stream of these contexts, as the calling thread means it. The
 * drain thread is kept away from the contexts until the driver knows of it too (life.h): a question
 * to a capturing stream ends its capture.
 */
void capture_began(CUstream stream, enum null_stream null_stream, const struct stream_context *at);
void capture_ended(CUstream stream, enum null_stream null_stream);

/* The number of the capture that began last. */
uint64_t capture_latest(void);

/* Captures that nobody will end: their stream, or their context (a green one too), is gone. Those
 * up to `latest`, read before the driver was called: by now the handle may be another's. */
void capture_stream_destroyed(CUstream stream, uint64_t latest);
void capture_context_destroyed(CUcontext context, uint64_t latest);

/* Whether launches on this queue are being recorded instead of run, or cannot be made at all. */
bool capture_includes(const struct queue *queue);

/* Whether the driver refused a call because of a capture: it then says nothing of the stream. */
bool capture_is_error(CUresult result);

/*
 * Lets the shim's own driver calls pass while some thread of the process captures in a stricter
 * mode; capture_restore takes what capture_relax returned. Launches, event records and the question
 * whether a stream captures need none of it. Nobody cancels the thread in between.
 */
int capture_relax(void);
void capture_restore(int before);

void capture_reset_after_fork(void);

#endif
