/* How heavy an executable graph is: a window counts it by its nodes. */
#ifndef XSCHED_GRAPHS_H
#define XSCHED_GRAPHS_H

#include "cuda_abi.h"

#include <stddef.h>
#include <stdint.h>

/* Remembers the number of nodes of the graph that `exec` was made from. */
void graphs_note(CUgraphExec exec, CUgraph graph);

void graphs_forget(CUgraphExec exec);

/* The nodes of `exec`; a whole window's worth when its making was not seen. */
size_t graph_weight(CUgraphExec exec);

void graphs_reset_after_fork(void);

#endif
