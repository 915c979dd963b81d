/* What copies and memsets of every shape have in common. */
#ifndef SIM_COPY_H
#define SIM_COPY_H

#include "runtime.h"

enum copy_manner { COPY_SYNC, COPY_ASYNC };

/* Which of the SIM_OP_COPY_ operations a copy between two addresses is. */
int copy_kind(uint64_t target, uint64_t source);
/* Puts a copy of `size` bytes in all on a stream; `shape` says how they lie. */
CUresult copy_submit(int kind, uint64_t target, uint64_t source, size_t size,
                     const struct shape *shape, CUstream handle, bool per_thread,
                     enum copy_manner manner);
/* Puts a memset of `count` elements in all on a stream, each of `width` bytes. */
CUresult fill_submit(uint64_t target, uint64_t value, uint32_t width, size_t count,
                     const struct shape *shape, CUstream handle, bool per_thread,
                     enum copy_manner manner);

#endif
