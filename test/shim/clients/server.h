/* A program as a server of models: the tests' own core (triton/core.h), found by dlopen and dlsym.
 */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include "core.h"
#include "driver.h"

#include <stdbool.h>

#define DECLARE(name, type, parameters) type(*name) parameters;
struct server {
    CORE_CALLS(DECLARE)
};
#undef DECLARE

extern struct server server;

/* Loads the core, a library in the program's own folder; ends the program where that fails. */
void server_open(const char *core);

/* Launches a kernel of `value` nanoseconds on the stream with that number, or creates the stream
 * with that priority. */
typedef CUresult (*server_launch)(size_t stream, uint64_t value);

/*
 * Obeys one of the orders of scripted.c that concern models; `words` are what follows its name.
 * False when it is none of them.
 */
bool server_obey(const char *name, char **words, char *result, size_t capacity,
                 server_launch launch, server_launch create);

#endif
