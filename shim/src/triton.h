/*
 * Triton understood: stands between the server's core and its backends, and labels what a thread
 * launches with the model that it executes. Knows nothing of CUDA.
 *
 * The core finds a backend's functions by dlsym, so the shim's dlsym hands out stand-ins. They ask
 * the core by its public C API (TRITONBACKEND_*, found by name as well) what the model is called
 * and how important its config.pbtxt says it is. A server that lacks a function works as without.
 */
#ifndef XSCHED_TRITON_H
#define XSCHED_TRITON_H

#include <stdbool.h>

/*
 * What a look-up of `name` that found `found` in a backend is to answer: the stand-in for one of
 * the functions that we follow, else `found`. `caller` is an address within the server's core.
 */
void *triton_replace(const char *name, void *found, const void *caller);

/* In a forked child: the instances are the parent's. */
void triton_reset_after_fork(void);

#endif
