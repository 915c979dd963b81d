/* Green contexts, for the scripted client: they are called by a digit. */
#ifndef TEST_GREEN_H
#define TEST_GREEN_H

#include "driver.h"

#include <stdbool.h>

/* Makes one, and a stream of its own. */
CUresult green_make(size_t number, CUstream *stream);

/* Records an event on the stream, then the same one in the green context, and waits for that. */
CUresult green_move_event(size_t number, CUstream stream);

/* Obeys one of the other orders of scripted.c about it. False when it is none of them. */
bool green_obey(const char *name, size_t number, CUresult *status);

#endif
