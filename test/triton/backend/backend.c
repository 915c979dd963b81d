/* The entry points of the backend `bert`, which the server finds by name. */
#include "instance.h"

#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT TRITONSERVER_Error *
TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance *handle);
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance *handle) {
    TRITONBACKEND_Model *model = NULL;
    struct options options;
    int32_t device = 0;
    TRITONSERVER_Error *error = TRITONBACKEND_ModelInstanceModel(handle, &model);
    if (error == NULL)
        error = TRITONBACKEND_ModelInstanceDeviceId(handle, &device);
    if (error == NULL)
        error = options_read(model, &options);
    if (error != NULL)
        return error;
    struct instance *instance = malloc(sizeof(*instance));
    if (instance == NULL)
        return TRITONSERVER_ErrorNew(TRITONSERVER_ERROR_INTERNAL, "out of memory");
    /* A server without a GPU calls the place of its instances the host, device 0 all the same. */
    error = instance_open(instance, handle, &options, device);
    if (error == NULL)
        error = TRITONBACKEND_ModelInstanceSetState(handle, instance);
    if (error != NULL) {
        instance_close(instance);
        free(instance);
    }
    return error;
}

EXPORT TRITONSERVER_Error *TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance *handle);
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance *handle) {
    void *state = NULL;
    TRITONSERVER_Error *error = TRITONBACKEND_ModelInstanceState(handle, &state);
    if (error != NULL || state == NULL)
        return error;
    instance_close(state);
    free(state);
    return NULL;
}

EXPORT TRITONSERVER_Error *TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance *handle,
                                                              TRITONBACKEND_Request **requests,
                                                              uint32_t count);
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance *handle,
                                                       TRITONBACKEND_Request **requests,
                                                       uint32_t count) {
    void *state = NULL;
    TRITONSERVER_Error *error = TRITONBACKEND_ModelInstanceState(handle, &state);
    for (uint32_t i = 0; i < count && error == NULL; i++)
        instance_execute(state, requests[i]);
    return error;
}
