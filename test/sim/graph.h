/* Graphs: nodes in the order in which they were added, which is a topological one. */
#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include "runtime.h"

struct graph_node {
    void *handle;
    struct graph *graph;
    CUgraphNodeType type;
    uint32_t number; /* place in its graph */
    struct submission submission;
    struct graph_set *dependencies;
};

/* An unordered set of nodes' numbers. Never changed once it is shared; NULL is the empty one. */
struct graph_set {
    uint32_t count;
    uint32_t nodes[];
};

struct graph {
    void *handle;
    uint32_t count, room;
    struct graph_node **nodes;
};

/* A new graph without nodes, NULL where memory is short. */
struct graph *graph_make(void);
void graph_free(struct graph *graph);
/* Adds a node; takes over the submission's staged memory. */
struct graph_node *graph_add(struct graph *graph, CUgraphNodeType type,
                             const struct submission *submission,
                             const struct graph_set *dependencies);

struct graph_set *set_copy(const struct graph_set *set);
struct graph_set *set_of(uint32_t node);
/* Adds what is in `more` to *set. */
void set_unite(struct graph_set **set, const struct graph_set *more);

#endif
