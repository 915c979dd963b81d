#ifndef SIM_RESOLVE_H
#define SIM_RESOLVE_H

typedef void (*sim_function)(void);

/* The newest form of a function that a CUDA version knows, NULL with the reason in *status. */
sim_function export_find(const char *name, int version, int per_thread, int *status);

#endif
