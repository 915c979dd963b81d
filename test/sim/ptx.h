/* Reading PTX text: kernels with their parameters, global variables, and the comments that tell the
 * simulated GPU what a kernel does (README.md). */
#ifndef SIM_PTX_H
#define SIM_PTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PTX_MAX_PARAMS 64
#define PTX_NAME 128
#define PTX_MAX_EFFECTS 2

struct ptx_effect {
    int kind;        /* enum effect_kind */
    int target;      /* parameter: address */
    int value;       /* parameter, -1 where the value is a constant */
    uint32_t number; /* the constant */
};

struct ptx_kernel {
    char name[PTX_NAME];
    int param_count;
    uint32_t param_size[PTX_MAX_PARAMS];
    uint32_t param_offset[PTX_MAX_PARAMS];
    int duration_param; /* -1: duration_ns it is */
    uint64_t duration_ns;
    int effect_count;
    struct ptx_effect effects[PTX_MAX_EFFECTS];
};

struct ptx_global {
    char name[PTX_NAME];
    uint64_t size;
    uint64_t address; /* for the module that loads it */
};

struct ptx {
    int kernel_count, global_count;
    struct ptx_kernel *kernels;
    struct ptx_global *globals;
};

/* Parses a module. False, with a message, where the text is no PTX that the simulated GPU can run;
 * the message names the line of a comment that it does not understand. */
bool ptx_parse(const char *text, struct ptx *ptx, char *message, size_t size);
void ptx_free(struct ptx *ptx);

#endif
