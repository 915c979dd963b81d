#include "graphs.h"

#include "gate.h"
#include "resolve.h"

#include <pthread.h>

/* Direct-mapped and lossy: a graph that is not found counts as a whole window, which is safe. */
enum { GRAPH_COUNT = 1024 };

static struct {
    CUgraphExec exec;
    size_t nodes;
} graphs[GRAPH_COUNT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(CUgraphExec exec) {
    return ((uint64_t)(uintptr_t)exec * UINT64_C(0x9E3779B97F4A7C15) >> 40) % GRAPH_COUNT;
}

void graphs_note(CUgraphExec exec, CUgraph graph) {
    size_t nodes = 0;
    if (driver.cuGraphGetNodes == NULL ||
        driver.cuGraphGetNodes(graph, NULL, &nodes) != CUDA_SUCCESS) {
        return;
    }
    size_t slot = slot_of(exec);
    pthread_mutex_lock(&lock);
    graphs[slot].exec = exec;
    graphs[slot].nodes = nodes > 0 ? nodes : 1;
    pthread_mutex_unlock(&lock);
}

void graphs_forget(CUgraphExec exec) {
    size_t slot = slot_of(exec);
    pthread_mutex_lock(&lock);
    if (graphs[slot].exec == exec)
        graphs[slot].exec = NULL;
    pthread_mutex_unlock(&lock);
}

size_t graph_weight(CUgraphExec exec) {
    size_t slot = slot_of(exec);
    pthread_mutex_lock(&lock);
    size_t nodes = graphs[slot].exec == exec ? graphs[slot].nodes : XSP_WINDOW_MAX;
    pthread_mutex_unlock(&lock);
    return nodes;
}

void graphs_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
}
