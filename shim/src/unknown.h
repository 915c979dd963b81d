/*
 * Functions of a newer driver that may put work on a stream and that the shim does not know. A
 * program that looks one up gets a stub, which counts the call and jumps on to the driver with
 * everything as it was, whatever the function's parameters are.
 */
#ifndef XSCHED_UNKNOWN_H
#define XSCHED_UNKNOWN_H

#include <stdbool.h>
#include <stdint.h>

/* More are let through uncounted. As many stubs are in stubs.S. */
enum { UNKNOWN_MAX = 128, UNKNOWN_NAME_BYTES = 96 };

/*
 * What a program gets that asked for `name` and that the driver answered with `found`, a function
 * which no table of ours knows: a stub if its name says that it may submit work, else `found`.
 */
void *unknown_replace(const char *name, void *found);

/*
 * Counts something else than a function that may submit work past us, once; false when it is there
 * already, or nothing more can be counted.
 */
bool unknown_add(const char *name);
bool unknown_is_function(uint32_t index);

/* The functions that have stubs so far, their exact names and how often each was called. */
uint32_t unknown_count(void);
const char *unknown_name(uint32_t index);
uint64_t unknown_calls_of(uint32_t index);

/* In a forked child: nothing was called yet. */
void unknown_reset_after_fork(void);

#endif
