/* What the files of wrappers share. */
#ifndef XSCHED_HOOKS_H
#define XSCHED_HOOKS_H

#include "gate.h"
#include "pieces.h"
#include "process.h"
#include "resolve.h"

#define EXPORT __attribute__((visibility("default")))

/* `real`: the driver's function behind this wrapper, typed by the parameters; NULL is answered. */
#define REAL(function, parameters)                                                                 \
    CUresult(*real) parameters = (CUresult(*) parameters)hook_get(HOOK_##function);                \
    if (real == NULL)                                                                              \
    return hook_missing()

#endif
