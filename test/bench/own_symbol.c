#include "own_symbol.h"

#include "check.h"

#include <elf.h>
#include <string.h>

struct walk {
    const char *library;
    symbol_visit *visit;
    void *data;
};

struct search {
    const char *name;
    void *found;
};

/* Most addresses in there are real ones by now, but not for every library. */
static const void *address_of(const struct dl_phdr_info *info, ElfW(Addr) value) {
    return (const void *)(value < info->dlpi_addr ? info->dlpi_addr + value : value);
}

bool own_symbol_is_of(const struct dl_phdr_info *info, const char *library) {
    const char *file = strrchr(info->dlpi_name, '/');
    file = file != NULL ? file + 1 : info->dlpi_name;
    return strncmp(file, library, strlen(library)) == 0;
}

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    const struct walk *walk = data;
    if (!own_symbol_is_of(info, walk->library))
        return 0;
    const ElfW(Dyn) *entry = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    }
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_SYMTAB)
            symbols = address_of(info, entry->d_un.d_ptr);
        else if (entry->d_tag == DT_STRTAB)
            names = address_of(info, entry->d_un.d_ptr);
    }
    /* Linkers put the names behind the symbols, whose number is nowhere said. */
    for (; symbols != NULL && (const char *)symbols < names; symbols++) {
        if (symbols->st_shndx != SHN_UNDEF) {
            void *address = (void *)(info->dlpi_addr + symbols->st_value);
            walk->visit(names + symbols->st_name, address, walk->data);
        }
    }
    return 1;
}

void own_symbols(const char *library, symbol_visit *visit, void *data) {
    struct walk walk = {library, visit, data};
    dl_iterate_phdr(look, &walk);
}

static void compare(const char *name, void *function, void *data) {
    struct search *search = data;
    if (strcmp(name, search->name) == 0)
        search->found = function;
}

void own_symbol(const char *library, const char *name, void *function) {
    struct search search = {name, NULL};
    own_symbols(library, compare, &search);
    CHECK(search.found != NULL, "%s has no %s", library, name);
    memcpy(function, &search.found, sizeof(search.found));
}
