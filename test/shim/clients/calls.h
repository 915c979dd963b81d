/* Calls of the driver beside the launch of a kernel, for the scripted client. */
#ifndef TEST_CALLS_H
#define TEST_CALLS_H

#include "driver.h"

#include <stdbool.h>

/*
 * Obeys one of the orders of scripted.c that name a call and how often to make it. `word` is on the
 * GPU and the stream's own. False when it is none of them.
 */
bool calls_obey(const char *name, uint64_t count, CUstream stream, CUdeviceptr word,
                CUresult *status);

#endif
