/*
 * A Triton server's core as small as the shim's tests can do with: libcore.so. It loads the backend
 * beside it as the real one does and answers the part of the public C API that the shim asks for.
 */
#ifndef TEST_CORE_H
#define TEST_CORE_H

#include <stdint.h>

typedef struct TRITONSERVER_Error TRITONSERVER_Error;
typedef struct TRITONBACKEND_Model TRITONBACKEND_Model;
typedef struct TRITONBACKEND_ModelInstance TRITONBACKEND_ModelInstance;
typedef struct TRITONBACKEND_Request TRITONBACKEND_Request;

/* What the backend does for a request: it calls `work`, which launches what it likes. */
struct TRITONBACKEND_Request {
    void (*work)(void *data);
    void *data;
};

/* What handles of models and of instances begin with: all that the backend knows of them. */
struct core_handle {
    TRITONBACKEND_Request setup; /* Done by the initialisation, unless `work` is NULL. */
    TRITONSERVER_Error *failure; /* What the initialisation answers. */
};

/* A model with one instance. */
struct core_model {
    const char *name;     /* NULL: the core says that there is none; "?": it answers an error. */
    const char *instance; /* The same. */
    const char *priority; /* PRIORITY_MAX and so on; NULL: its configuration says nothing. */
    uint64_t version;
    TRITONBACKEND_Request setup; /* Of the instance. */
    int fails;                   /* Whether the backend refuses the instance. */
    /* An instance whose memory it gets; that one ends as if its backend had no function for it. */
    TRITONBACKEND_ModelInstance *instead;
};

/* The core's own functions, which a program finds by name. */
#define CORE_CALLS(CALL)                                                                           \
    /* NULL where the backend refuses. */                                                          \
    CALL(core_load, TRITONBACKEND_ModelInstance *, (const struct core_model *model))               \
    CALL(core_execute, void,                                                                       \
         (TRITONBACKEND_ModelInstance * instance, TRITONBACKEND_Request * one))                    \
    /* The handle may still be executed, as no server should, until it is freed. */                \
    CALL(core_unload, void, (TRITONBACKEND_ModelInstance * instance))                              \
    CALL(core_free, void, (TRITONBACKEND_ModelInstance * instance))                                \
    /* Errors and messages that nobody has deleted. */                                             \
    CALL(core_objects, int, (void))

#define CORE_DECLARE(name, type, parameters) type name parameters;
CORE_CALLS(CORE_DECLARE)
#undef CORE_DECLARE

#endif
