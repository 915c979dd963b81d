/* What the loader has in memory, as far as it tells who uses the driver. */
#ifndef XSCHED_IMAGE_H
#define XSCHED_IMAGE_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A loaded library. */
struct image {
    const char *path;
    ElfW(Addr) base;
    const ElfW(Phdr) * headers;
    size_t header_count;
};

static inline const char *image_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Whether a library of that path is the driver, whatever version its name has. */
static inline bool image_is_driver(const char *path) {
    return strncmp(image_base_name(path), "libcuda.so", 10) == 0;
}

/* A moment in the life of the loader. */
struct image_mark {
    unsigned count;             /* Libraries that were loaded then. */
    unsigned long long unloads; /* And that had been unloaded. */
    bool always;                /* Any moment will do. */
};

struct image_mark image_mark(void);

/*
 * Calls `visit` for all that was loaded since, in the order in which it was. False when libraries
 * have been unloaded in the meantime, and nobody can tell. Waits for no code of the program that
 * the loader runs.
 */
bool image_each(struct image_mark since, void (*visit)(const struct image *image, void *data),
                void *data);

/*
 * Whether the library is made to call the driver: it asks the loader for functions that we replace,
 * or looks them up by itself, which shows by the name of the driver's library in it.
 */
bool image_uses_driver(const struct image *image);

#endif
