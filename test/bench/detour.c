/*
 * Takes the shim out of a running program and puts it back, so that both can be timed in turns in
 * one process: two processes differ from each other by more than the shim costs.
 *
 * The libraries of a program that uses a GPU hold the driver's functions in tables of their own,
 * which they filled by dlsym and cuGetProcAddress. Under the shim these tables hold the shim's
 * functions. Each such word of their data is found once, and written over with the address of the
 * driver's own function or of the shim's, or of one that times the call and leads to either.
 */
#include "detour.h"

#include "check.h"
#include "own_symbol.h"
#include "stamps.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SHIM_FILE "libxsched_shim.so"
#define DRIVER_FILE "libcuda.so"
#define PAGE ((uintptr_t)4096)
/* More functions than the driver exports, and more words than all libraries of PyTorch hold. */
#define MOST_FUNCTIONS 2048
#define MOST_WORDS 65536

struct function {
    const char *name;
    void *shim;
    void *own;
    /* What times it, or NULL. */
    struct stamped *stamped;
};

struct word {
    void **where;
    const struct function *function;
};

static struct function functions[MOST_FUNCTIONS];
static size_t function_count;
static struct word words[MOST_WORDS];
static size_t word_count;

static void note_shim(const char *name, void *address, void *data) {
    (void)data;
    if (strncmp(name, "cu", 2) != 0)
        return;
    CHECK(function_count < MOST_FUNCTIONS, "over %d functions", MOST_FUNCTIONS);
    functions[function_count++] = (struct function){name, address, NULL, stamped_find(name)};
}

static void note_own(const char *name, void *address, void *data) {
    (void)data;
    for (size_t i = 0; i < function_count; i++) {
        if (strcmp(functions[i].name, name) == 0)
            functions[i].own = address;
    }
}

static int by_address(const void *left, const void *right) {
    uintptr_t a = (uintptr_t)((const struct function *)left)->shim;
    uintptr_t b = (uintptr_t)((const struct function *)right)->shim;
    return (a > b) - (a < b);
}

/* The function of the shim that is at an address, or NULL. */
static const struct function *find(void *address) {
    struct function wanted = {.shim = address};
    if ((uintptr_t)address < (uintptr_t)functions[0].shim ||
        (uintptr_t)address > (uintptr_t)functions[function_count - 1].shim)
        return NULL;
    return bsearch(&wanted, functions, function_count, sizeof(functions[0]), by_address);
}

static void scan(void **from, void **to) {
    for (void **where = from; where < to; where++) {
        const struct function *function = find(*where);
        if (function == NULL || function->own == NULL)
            continue;
        CHECK(word_count < MOST_WORDS, "over %d words", MOST_WORDS);
        words[word_count++] = (struct word){where, function};
    }
}

static uintptr_t aligned(uintptr_t address) {
    return (address + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
}

/* Looks through what a library may write. */
static int scan_library(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    (void)data;
    if (own_symbol_is_of(info, SHIM_FILE) || own_symbol_is_of(info, DRIVER_FILE) ||
        own_symbol_is_of(info, "libdetour.so"))
        return 0;
    /* The loader has taken the right to write to this part, which begins a segment: whole pages. */
    uintptr_t sealed = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_GNU_RELRO)
            sealed = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(PAGE - 1);
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) == 0)
            continue;
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        uintptr_t to = from + segment->p_memsz;
        if (sealed > from)
            from = sealed < to ? sealed : to;
        scan((void **)aligned(from), (void **)(to & ~(sizeof(void *) - 1)));
    }
    return 0;
}

int detour_prepare(void) {
    word_count = function_count = 0;
    own_symbols(SHIM_FILE, note_shim, NULL);
    if (function_count == 0)
        return 0;
    own_symbols(DRIVER_FILE, note_own, NULL);
    for (size_t i = 0; i < function_count; i++) {
        if (functions[i].stamped != NULL) {
            functions[i].stamped->shim = functions[i].shim;
            functions[i].stamped->own = functions[i].own;
        }
    }
    qsort(functions, function_count, sizeof(functions[0]), by_address);
    dl_iterate_phdr(scan_library, NULL);
    return (int)word_count;
}

void detour_switch(int way) {
    stamped_lead((enum way)way);
    for (size_t i = 0; i < word_count; i++) {
        const struct function *function = words[i].function;
        void *target = way == PAST || way == AGAIN ? function->own : function->shim;
        if (function->stamped != NULL)
            target = function->stamped->wrapper;
        __atomic_store_n(words[i].where, target, __ATOMIC_RELEASE);
    }
}
