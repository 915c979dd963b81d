/* Takes the shim out of a running program and puts it back. */
#ifndef BENCH_DETOUR_H
#define BENCH_DETOUR_H

/*
 * Finds all words in the data of the loaded libraries that hold a function of the shim, and returns
 * how many there are: 0 without a shim. To be called when all libraries have found the driver, by
 * one thread.
 */
int detour_prepare(void);

/*
 * Has the libraries call the shim's functions or the driver's own: an enum way of stamps.h. From
 * the first call on launches, copies and memsets are timed, on all ways. With MIXED other calls go
 * through the shim. To be called while nobody captures and no work is in flight.
 */
void detour_switch(int way);

#endif
