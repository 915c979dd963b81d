/* Functions of a library as it has them itself, whoever stands in front of it. */
#ifndef BENCH_OWN_SYMBOL_H
#define BENCH_OWN_SYMBOL_H

#include <link.h>
#include <stdbool.h>

/* Whether the name of a loaded library's file begins so. */
bool own_symbol_is_of(const struct dl_phdr_info *info, const char *library);

/* Told of a function that a library exports. */
typedef void symbol_visit(const char *name, void *function, void *data);

/*
 * Calls `visit` with each symbol that a loaded library exports: its own symbol table is read, which
 * no preloaded library can change. `library` is how the name of its file begins. Nothing is called
 * where none is loaded.
 */
void own_symbols(const char *library, symbol_visit *visit, void *data);

/*
 * Sets the pointer at `function` to the one that a loaded library exports. Ends the program where
 * there is none.
 */
void own_symbol(const char *library, const char *name, void *function);

#endif
