/* Functions of a library as it has them itself, whoever stands in front of it. */
#ifndef BENCH_OWN_SYMBOL_H
#define BENCH_OWN_SYMBOL_H

/*
 * Sets the pointer at `function` to the one that a loaded library exports: its own symbol table is
 * read, which no preloaded library can change. `library` is how the name of its file begins. Ends
 * the program where there is none.
 */
void own_symbol(const char *library, const char *name, void *function);

#endif
