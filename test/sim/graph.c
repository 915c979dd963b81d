#include "graph.h"

#include <stdlib.h>
#include <string.h>

struct graph_set *set_copy(const struct graph_set *set) {
    if (!set)
        return NULL;
    size_t size = sizeof *set + set->count * sizeof set->nodes[0];
    struct graph_set *copy = malloc(size);
    if (copy)
        memcpy(copy, set, size);
    return copy;
}

struct graph_set *set_of(uint32_t node) {
    struct graph_set *set = malloc(sizeof *set + sizeof set->nodes[0]);
    if (set) {
        set->count = 1;
        set->nodes[0] = node;
    }
    return set;
}

void set_unite(struct graph_set **set, const struct graph_set *more) {
    if (!more)
        return;
    uint32_t had = *set ? (*set)->count : 0;
    struct graph_set *grown =
        realloc(*set, sizeof *grown + (had + more->count) * sizeof grown->nodes[0]);
    if (!grown)
        return;
    grown->count = had;
    for (uint32_t i = 0; i < more->count; i++) {
        bool known = false;
        for (uint32_t j = 0; j < had; j++)
            known |= grown->nodes[j] == more->nodes[i];
        if (!known)
            grown->nodes[grown->count++] = more->nodes[i];
    }
    *set = grown;
}

struct graph *graph_make(void) {
    struct graph *graph = calloc(1, sizeof *graph);
    if (graph)
        graph->handle = handle_make(HANDLE_GRAPH, graph);
    if (graph && !graph->handle) {
        free(graph);
        return NULL;
    }
    return graph;
}

void graph_free(struct graph *graph) {
    for (uint32_t i = 0; i < graph->count; i++) {
        struct graph_node *node = graph->nodes[i];
        handle_drop(node->handle);
        if (node->submission.payload.staged)
            free((void *)node->submission.payload.source);
        free(node->dependencies);
        free(node);
    }
    handle_drop(graph->handle);
    free(graph->nodes);
    free(graph);
}

struct graph_node *graph_add(struct graph *graph, CUgraphNodeType type,
                             const struct submission *submission,
                             const struct graph_set *dependencies) {
    if (graph->count == graph->room) {
        uint32_t room = graph->room ? graph->room * 2 : 16;
        struct graph_node **grown = realloc(graph->nodes, room * sizeof *grown);
        if (!grown)
            return NULL;
        graph->nodes = grown;
        graph->room = room;
    }
    struct graph_node *node = calloc(1, sizeof *node);
    void *handle = node ? handle_make(HANDLE_GRAPH_NODE, node) : NULL;
    if (!handle) {
        free(node);
        return NULL;
    }
    node->handle = handle;
    node->graph = graph;
    node->type = type;
    node->number = graph->count;
    if (submission)
        node->submission = *submission;
    node->dependencies = set_copy(dependencies);
    graph->nodes[graph->count++] = node;
    return node;
}
