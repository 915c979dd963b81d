/* Which context a stream belongs to. */
#ifndef XSCHED_CONTEXT_H
#define XSCHED_CONTEXT_H

#include "cuda_abi.h"

#include <stdbool.h>

struct stream_context {
    CUcontext
        context;     /* Any thread may make it current: of a green context it is the primary one. */
    CUcontext green; /* The green context as cuCtxFromGreenCtx names it, or NULL. */
};

/*
 * Fills in the contexts of a stream object, or with CU_STREAM_LEGACY those that are current in the
 * calling thread. False where there is no such stream, and where none is current.
 */
bool context_of_stream(CUstream stream, struct stream_context *found);

/* The program has made a green context. */
void context_note_green(void);

#endif
