#include "ptx.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "runtime.h"

struct parser {
    const char *at;
    int line;
    int depth;
    struct ptx *ptx;
    struct ptx_kernel *kernel; /* from .entry to its closing brace */
    char *message;
    size_t size;
};

static bool fail(struct parser *p, const char *what) {
    snprintf(p->message, p->size, "PTX line %d: %s", p->line, what);
    return false;
}

/* A parameter's number in a directive: "name=K"; -1 where it is missing. */
static int number_after(const char *text, const char *name) {
    const char *found = strstr(text, name);
    return found && isdigit((unsigned char)found[strlen(name)]) ? atoi(found + strlen(name)) : -1;
}

static bool effect_parse(struct parser *p, const char *text) {
    struct ptx_kernel *kernel = p->kernel;
    if (kernel->effect_count == PTX_MAX_EFFECTS)
        return fail(p, "a kernel has two effects at most");
    struct ptx_effect effect = {.target = number_after(text, "dst="),
                                .value = number_after(text, "value=")};
    const char *constant = strstr(text, "value=#");
    if (constant)
        effect.number = (uint32_t)strtoul(constant + 7, NULL, 0);
    text += strspn(text, " \t");
    if (strncmp(text, "mix", 3) == 0)
        effect.kind = EFFECT_MIX;
    else if (strncmp(text, "add", 3) == 0)
        effect.kind = EFFECT_ADD;
    else if (strncmp(text, "store", 5) == 0)
        effect.kind = EFFECT_STORE;
    else if (strncmp(text, "trap", 4) == 0)
        effect.kind = EFFECT_TRAP;
    if (effect.kind == EFFECT_NONE)
        return fail(p, "sim.effect must be mix, add, store or trap");
    if (effect.kind != EFFECT_TRAP &&
        (effect.target < 0 || effect.target >= kernel->param_count ||
         effect.value >= kernel->param_count || (effect.value < 0 && !constant)))
        return fail(p, "sim.effect needs dst=K and value=K, parameters of the kernel, or value=#N");
    kernel->effects[kernel->effect_count++] = effect;
    return true;
}

static bool directive_parse(struct parser *p, const char *text) {
    if (!p->kernel)
        return fail(p, "a sim. comment stands outside a kernel");
    if (strncmp(text, "sim.duration_ns", 15) == 0) {
        int param = number_after(text, "param=");
        const char *value = text + 15 + strspn(text + 15, " \t");
        if (param >= 0 && param < p->kernel->param_count)
            p->kernel->duration_param = param;
        else if (isdigit((unsigned char)*value))
            p->kernel->duration_ns = strtoull(value, NULL, 10);
        else
            return fail(p, "sim.duration_ns needs a number or param=K, a parameter of the kernel");
        return true;
    }
    if (strncmp(text, "sim.effect", 10) == 0)
        return effect_parse(p, text + 10);
    return fail(p, "unknown sim. comment");
}

/* At a line comment: reads it to the end of the line. */
static bool comment_parse(struct parser *p) {
    char text[256];
    const char *end = strchr(p->at, '\n');
    size_t length = end ? (size_t)(end - p->at) : strlen(p->at);
    size_t kept = length < sizeof text ? length : sizeof text - 1;
    memcpy(text, p->at, kept);
    text[kept] = 0;
    p->at += length;
    const char *content = text + 2;
    content += strspn(content, " \t");
    return strncmp(content, "sim.", 4) == 0 ? directive_parse(p, content) : true;
}

/* Skips blanks and comments; false where a comment is wrong. */
static bool skip_blanks(struct parser *p) {
    for (;;) {
        if (*p->at == '\n') {
            p->line++;
            p->at++;
        } else if (isspace((unsigned char)*p->at)) {
            p->at++;
        } else if (p->at[0] == '/' && p->at[1] == '/') {
            if (!comment_parse(p))
                return false;
        } else if (p->at[0] == '/' && p->at[1] == '*') {
            const char *end = strstr(p->at + 2, "*/");
            if (!end)
                return fail(p, "a comment does not end");
            for (; p->at < end; p->at++)
                p->line += *p->at == '\n';
            p->at += 2;
        } else {
            return true;
        }
    }
}

static bool is_name(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.' || c == '%';
}

/* The next word (names and directives are words, everything else single characters). */
static bool word_next(struct parser *p, char word[PTX_NAME]) {
    memset(word, 0, PTX_NAME);
    if (!skip_blanks(p))
        return false;
    size_t length = 0;
    while (is_name(*p->at)) {
        if (length + 1 < PTX_NAME)
            word[length++] = *p->at;
        p->at++;
    }
    if (length == 0 && *p->at)
        word[length++] = *p->at++;
    return true;
}

static uint32_t type_size(const char *word) {
    size_t length = strlen(word);
    if (length < 3 || word[0] != '.' || !strchr("usbf", word[1]) ||
        !isdigit((unsigned char)word[2]))
        return strcmp(word, ".pred") == 0 ? 1 : 0;
    return (uint32_t)atoi(word + 2) / 8;
}

/* ".param .u64 name", ".global .align 4 .b8 name[16]": type, name and size, up to one of `ends`. */
static bool variable_parse(struct parser *p, const char *ends, char name[PTX_NAME], uint64_t *size,
                           uint32_t *align, char *end) {
    char word[PTX_NAME];
    uint32_t element = 0;
    bool asks_align = false, counts = false;
    uint64_t number = 1;
    name[0] = 0;
    *align = 0;
    for (;;) {
        if (!word_next(p, word))
            return false;
        if (!word[0])
            return fail(p, "the text ends in a declaration");
        if (!word[1] && strchr(ends, word[0]))
            break;
        if (word[0] == '=') { /* an initialiser; braces may hold commas */
            while (*p->at && *p->at != ';')
                p->line += *p->at++ == '\n';
        } else if (strcmp(word, ".align") == 0) {
            asks_align = true;
        } else if (isdigit((unsigned char)word[0])) {
            if (asks_align)
                *align = (uint32_t)atoi(word);
            else if (counts)
                number *= strtoull(word, NULL, 10);
            asks_align = false;
        } else if (word[0] == '[') {
            counts = true;
        } else if (type_size(word)) {
            element = type_size(word);
        } else if (word[0] != '.' && word[0] != ']') {
            memcpy(name, word, PTX_NAME);
        }
    }
    *end = word[0];
    *size = element * number;
    if (*align == 0)
        *align = element ? element : 1;
    return true;
}

static bool params_parse(struct parser *p) {
    struct ptx_kernel *kernel = p->kernel;
    char name[PTX_NAME], end = ',';
    uint32_t offset = 0;
    while (end == ',') {
        uint64_t size;
        uint32_t align;
        if (!variable_parse(p, ",)", name, &size, &align, &end))
            return false;
        if (!name[0])
            break;
        if (kernel->param_count == PTX_MAX_PARAMS || size == 0 || size > 4096)
            return fail(p,
                        "a kernel's parameter is none that can be read (64 of 4096 bytes at most)");
        offset = (offset + align - 1) / align * align;
        kernel->param_offset[kernel->param_count] = offset;
        kernel->param_size[kernel->param_count++] = (uint32_t)size;
        offset += (uint32_t)size;
    }
    return true;
}

static bool entry_parse(struct parser *p) {
    char word[PTX_NAME];
    struct ptx_kernel *grown =
        realloc(p->ptx->kernels, (size_t)(p->ptx->kernel_count + 1) * sizeof *grown);
    if (!grown)
        return fail(p, "no memory");
    p->ptx->kernels = grown;
    p->kernel = &grown[p->ptx->kernel_count++];
    memset(p->kernel, 0, sizeof *p->kernel);
    p->kernel->duration_param = -1;
    p->kernel->duration_ns = SIM_DEFAULT_KERNEL_NS;
    if (!word_next(p, p->kernel->name))
        return false;
    if (!skip_blanks(p))
        return false;
    if (*p->at != '(')
        return true;
    return word_next(p, word) && params_parse(p);
}

static bool global_parse(struct parser *p) {
    struct ptx_global *grown =
        realloc(p->ptx->globals, (size_t)(p->ptx->global_count + 1) * sizeof *grown);
    if (!grown)
        return fail(p, "no memory");
    p->ptx->globals = grown;
    struct ptx_global *global = &grown[p->ptx->global_count++];
    memset(global, 0, sizeof *global);
    uint32_t align;
    char end;
    return variable_parse(p, ";", global->name, &global->size, &align, &end);
}

bool ptx_parse(const char *text, struct ptx *ptx, char *message, size_t size) {
    struct parser p = {.at = text, .line = 1, .ptx = ptx, .message = message, .size = size};
    char word[PTX_NAME];
    memset(ptx, 0, sizeof *ptx);
    message[0] = 0;
    bool version = false;
    do {
        bool fine = word_next(&p, word);
        if (fine && strcmp(word, ".version") == 0)
            version = true;
        else if (fine && strcmp(word, ".entry") == 0)
            fine = entry_parse(&p);
        else if (fine && strcmp(word, ".global") == 0 && p.depth == 0)
            fine = global_parse(&p);
        else if (word[0] == '{')
            p.depth++;
        else if (word[0] == '}' && --p.depth == 0)
            p.kernel = NULL;
        if (!fine) {
            ptx_free(ptx);
            return false;
        }
    } while (word[0]);
    if (version && p.depth == 0)
        return true;
    fail(&p, version ? "a brace is missing" : "there is no .version");
    ptx_free(ptx);
    return false;
}

void ptx_free(struct ptx *ptx) {
    free(ptx->kernels);
    free(ptx->globals);
    memset(ptx, 0, sizeof *ptx);
}
