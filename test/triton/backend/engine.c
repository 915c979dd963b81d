#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

char *engine_read_file(const char *path, char *error, size_t error_size) {
    enum { FILE_MAX = 1 << 20 };
    FILE *file = fopen(path, "re");
    char *text = file == NULL ? NULL : calloc(1, FILE_MAX);
    size_t length = text == NULL ? 0 : fread(text, 1, FILE_MAX - 1, file);
    if (file != NULL)
        fclose(file);
    if (length > 0)
        return text;
    free(text);
    snprintf(error, error_size, "cannot read the kernels in %s", path);
    return NULL;
}
