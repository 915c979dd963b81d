/* The table of exports. In a file of its own, because it declares every function without arguments:
 * only the addresses are wanted here. */
#include "exports.h"

#include <stddef.h>
#include <string.h>

#include "cuda_abi.h"
#include "resolve.h"

/* Repeated declarations of one symbol are harmless. */
#define SIM_EXPORT(name, version, symbol, twin)                                                    \
    extern CU_EXPORT void symbol(void);                                                            \
    extern CU_EXPORT void twin(void);
SIM_EXPORTS
#undef SIM_EXPORT

#define SIM_EXPORT(name, version, symbol, twin) {#name, version, symbol, twin},
static const struct {
    const char *name;
    int version;
    void (*symbol)(void);
    void (*twin)(void);
} table[] = {SIM_EXPORTS};
#undef SIM_EXPORT

sim_function export_find(const char *name, int version, int per_thread, int *status) {
    sim_function found = NULL;
    int best = 0;
    *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (table[i].version > version) {
            if (!found)
                *status = CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT;
        } else if (table[i].version > best) {
            best = table[i].version;
            found = per_thread ? table[i].twin : table[i].symbol;
            *status = CU_GET_PROC_ADDRESS_SUCCESS;
        }
    }
    return found;
}
