#include "image.h"

#include "resolve.h"

#include <stdint.h>
#include <string.h>

/* Constants of a library that holds kernels can be gigabytes; names come before those. */
static const size_t SEARCHED_BYTES = (size_t)64 << 20;

static int mark_one(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct image_mark *mark = data;
    mark->count++;
    mark->unloads = info->dlpi_subs;
    return 0;
}

struct image_mark image_mark(void) {
    struct image_mark mark = {0, 0, false};
    dl_iterate_phdr(mark_one, &mark);
    return mark;
}

struct search {
    struct image_mark since;
    unsigned seen;
    bool known;
    void (*visit)(const struct image *image, void *data);
    void *data;
};

static int visit_one(struct dl_phdr_info *info, size_t size, void *data) {
    (void)size;
    struct search *search = data;
    search->known = search->since.always || info->dlpi_subs == search->since.unloads;
    if (!search->known)
        return 1;
    if (search->seen++ < search->since.count)
        return 0;
    struct image image = {info->dlpi_name, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum};
    search->visit(&image, search->data);
    return 0;
}

bool image_each(struct image_mark since, void (*visit)(const struct image *image, void *data),
                void *data) {
    struct search search = {since, 0, true, visit, data};
    dl_iterate_phdr(visit_one, &search);
    return search.known;
}

/* The symbols that others are asked for: those that come before the first hashed one. */
struct imports {
    const ElfW(Sym) * symbols;
    const char *names;
    uint32_t count;
};

/* The loader has turned most addresses in there into real ones, but not for every library. */
static const void *address_of(const struct image *image, ElfW(Addr) value) {
    return (const void *)(value < image->base ? image->base + value : value);
}

static struct imports find_imports(const struct image *image) {
    struct imports imports = {NULL, NULL, 0};
    const ElfW(Dyn) *entry = NULL;
    for (size_t i = 0; i < image->header_count; i++) {
        if (image->headers[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(image->base + image->headers[i].p_vaddr);
    }
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        const void *at = address_of(image, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB)
            imports.symbols = at;
        else if (entry->d_tag == DT_STRTAB)
            imports.names = at;
        else if (entry->d_tag == DT_GNU_HASH || (entry->d_tag == DT_HASH && imports.count == 0))
            imports.count = ((const uint32_t *)at)[1];
    }
    if (imports.symbols == NULL || imports.names == NULL)
        imports.count = 0;
    return imports;
}

static bool holds_text(const struct image *image, const char *text) {
    size_t left = SEARCHED_BYTES;
    for (size_t i = 0; i < image->header_count; i++) {
        const ElfW(Phdr) *header = &image->headers[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_R) == 0)
            continue;
        size_t size = header->p_filesz < left ? header->p_filesz : left;
        left -= size;
        const void *from = (const void *)(image->base + header->p_vaddr);
        if (size > 0 && memmem(from, size, text, strlen(text)) != NULL)
            return true;
    }
    return false;
}

bool image_uses_driver(const struct image *image) {
    struct imports imports = find_imports(image);
    bool looks_up = false;
    for (uint32_t i = 0; i < imports.count; i++) {
        const ElfW(Sym) *symbol = &imports.symbols[i];
        if (symbol->st_shndx != SHN_UNDEF)
            continue;
        const char *name = imports.names + symbol->st_name;
        if (resolve_replaces(name))
            return true;
        looks_up = looks_up || strcmp(name, "dlsym") == 0 || strcmp(name, "dlvsym") == 0;
    }
    return looks_up && holds_text(image, "libcuda.so");
}
