/*
 * The hardware's help: inside one process the GPU puts the streams of the better CUDA priority
 * first. Where a process does the work of several models, those that are more important than others
 * get streams of a better one than the program asked for, and the program goes on to see what it
 * asked for itself.
 *
 * Only a stream of the default priority is raised, and only if its creating thread works for such a
 * model. What the program set itself stays; but an order among the streams of a model is an order
 * still, as far as the range has room, so where raised ones stand in the way one that the program
 * puts before them moves before them. CUDA counts downwards: of two priorities the lesser number
 * runs first.
 */
#ifndef XSCHED_HARDWARE_H
#define XSCHED_HARDWARE_H

#include "cuda_abi.h"

#include <stdbool.h>
#include <stdint.h>

/* What a stream is, or is to be, created with. */
struct hardware_stream {
    CUcontext
        context;    /* Whose it is; of a green context by the name that cuCtxFromGreenCtx gives. */
    uint32_t label; /* Whom the creating thread worked for, never 0. */
    int asked;      /* By the program, as the driver would have cut it to its range. */
    int given;
};

/*
 * For a stream that the calling thread is about to create in a green context, or (NULL) in the
 * current one; hardware_created has to follow. False, with nothing to follow but
 * hardware_forget, where it is to be created as it is asked for: for a thread that works for no
 * model, with XSCHED_HARDWARE_PRIORITY=0, where no context is current, and where the GPU knows no
 * priorities.
 */
bool hardware_choose(int asked, CUgreenCtx green, struct hardware_stream *chosen);

/* The stream has been created so; NULL if it has not. */
void hardware_created(CUstream stream, const struct hardware_stream *chosen);

/* For a stream that there is, and to which the program has given another priority. */
void hardware_choose_again(CUstream stream, int asked, struct hardware_stream *chosen);

/* It has that now, if anything is known of it. */
void hardware_change(CUstream stream, const struct hardware_stream *now);

/* What is known of the stream. False for one that is what it was asked to be. */
bool hardware_get(CUstream stream, struct hardware_stream *found);

/* The stream's priority as the program set it, of which the driver has told `told`. */
int hardware_asked(CUstream stream, int told);

/* The stream is gone, or about to be, or has a handle that was another's. True with what was known
 * of it, for hardware_restore if the driver keeps it. */
bool hardware_forget(CUstream stream, struct hardware_stream *found);
void hardware_restore(CUstream stream, const struct hardware_stream *found);

/* All streams of the context are gone with it. */
void hardware_forget_context(CUcontext context);

void hardware_reset_after_fork(void);

#endif
