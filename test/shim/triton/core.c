#include "core.h"

#include "check.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

typedef struct TRITONSERVER_Message TRITONSERVER_Message;
typedef TRITONSERVER_Error *(*model_call)(TRITONBACKEND_Model *model);
typedef TRITONSERVER_Error *(*instance_call)(TRITONBACKEND_ModelInstance *instance);
typedef TRITONSERVER_Error *(*execute_call)(TRITONBACKEND_ModelInstance *instance,
                                            TRITONBACKEND_Request **requests, uint32_t count);

enum { NAME_BYTES = 1024 };

struct TRITONBACKEND_Model {
    struct core_handle handle;
    char name[NAME_BYTES];
    uint64_t version;
    char priority[32];
    model_call begin, end;
};

struct TRITONBACKEND_ModelInstance {
    struct core_handle handle;
    TRITONBACKEND_Model model;
    char name[NAME_BYTES];
    instance_call begin, end;
    execute_call execute;
};

struct TRITONSERVER_Error {
    char unused;
};

struct TRITONSERVER_Message {
    char text[NAME_BYTES + 256];
};

static atomic_int objects;

/* The text of a name that there is none of. */
static const char missing[] = "-";

static TRITONSERVER_Error *make_error(void) {
    TRITONSERVER_Error *error = malloc(sizeof(*error));
    CHECK(error != NULL, "out of memory");
    atomic_fetch_add(&objects, 1);
    return error;
}

static TRITONSERVER_Error *answer_name(const char *own, const char **name) {
    if (strcmp(own, "?") == 0)
        return make_error();
    *name = strcmp(own, missing) == 0 ? NULL : own;
    return NULL;
}

void TRITONSERVER_ErrorDelete(TRITONSERVER_Error *error);
void TRITONSERVER_ErrorDelete(TRITONSERVER_Error *error) {
    atomic_fetch_sub(&objects, 1);
    free(error);
}

TRITONSERVER_Error *TRITONSERVER_MessageDelete(TRITONSERVER_Message *message);
TRITONSERVER_Error *TRITONSERVER_MessageDelete(TRITONSERVER_Message *message) {
    atomic_fetch_sub(&objects, 1);
    free(message);
    return NULL;
}

TRITONSERVER_Error *TRITONSERVER_MessageSerializeToJson(TRITONSERVER_Message *message,
                                                        const char **text, size_t *size);
TRITONSERVER_Error *TRITONSERVER_MessageSerializeToJson(TRITONSERVER_Message *message,
                                                        const char **text, size_t *size) {
    *text = message->text;
    *size = strlen(message->text);
    return NULL;
}

TRITONSERVER_Error *TRITONBACKEND_ModelInstanceModel(TRITONBACKEND_ModelInstance *instance,
                                                     TRITONBACKEND_Model **model);
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceModel(TRITONBACKEND_ModelInstance *instance,
                                                     TRITONBACKEND_Model **model) {
    *model = &instance->model;
    return NULL;
}

TRITONSERVER_Error *TRITONBACKEND_ModelInstanceName(TRITONBACKEND_ModelInstance *instance,
                                                    const char **name);
TRITONSERVER_Error *TRITONBACKEND_ModelInstanceName(TRITONBACKEND_ModelInstance *instance,
                                                    const char **name) {
    return answer_name(instance->name, name);
}

TRITONSERVER_Error *TRITONBACKEND_ModelName(TRITONBACKEND_Model *model, const char **name);
TRITONSERVER_Error *TRITONBACKEND_ModelName(TRITONBACKEND_Model *model, const char **name) {
    return answer_name(model->name, name);
}

/* The core of an older server: libcore-old.so has no such function. */
#ifndef CORE_OLD
TRITONSERVER_Error *TRITONBACKEND_ModelVersion(TRITONBACKEND_Model *model, uint64_t *version);
TRITONSERVER_Error *TRITONBACKEND_ModelVersion(TRITONBACKEND_Model *model, uint64_t *version) {
    *version = model->version;
    return NULL;
}
#endif

TRITONSERVER_Error *TRITONBACKEND_ModelConfig(TRITONBACKEND_Model *model, uint32_t version,
                                              TRITONSERVER_Message **message);
TRITONSERVER_Error *TRITONBACKEND_ModelConfig(TRITONBACKEND_Model *model, uint32_t version,
                                              TRITONSERVER_Message **message) {
    if (version != 1)
        return make_error();
    TRITONSERVER_Message *made = malloc(sizeof(*made));
    CHECK(made != NULL, "out of memory");
    atomic_fetch_add(&objects, 1);
    snprintf(made->text, sizeof(made->text),
             "{\"name\":\"%s\",\"optimization\":{\"priority\":\"%s\",\"input_pinned_memory\":{}}}",
             model->name, model->priority);
    *message = made;
    return NULL;
}

static void copy_name(char *to, const char *name) {
    snprintf(to, NAME_BYTES, "%s", name != NULL ? name : missing);
}

/* The backend's function, by dlsym from within this library as the real core does it. */
static void *find_call(void *library, const char *name) {
    void *found = dlsym(library, name);
    CHECK(found != NULL, "%s", dlerror());
    return found;
}

TRITONBACKEND_ModelInstance *core_load(const struct core_model *what) {
    void *library = dlopen("libbackend.so", RTLD_NOW);
    CHECK(library != NULL, "%s", dlerror());
    TRITONBACKEND_ModelInstance *instance = what->instead;
    if (instance == NULL)
        instance = malloc(sizeof(*instance));
    CHECK(instance != NULL, "out of memory");
    memset(instance, 0, sizeof(*instance));
    TRITONBACKEND_Model *model = &instance->model;
    copy_name(instance->name, what->instance);
    copy_name(model->name, what->name);
    model->version = what->version;
    snprintf(model->priority, sizeof(model->priority), "%s",
             what->priority != NULL ? what->priority : "PRIORITY_DEFAULT");
    instance->handle.setup = what->setup;
    model->begin = (model_call)find_call(library, "TRITONBACKEND_ModelInitialize");
    model->end = (model_call)find_call(library, "TRITONBACKEND_ModelFinalize");
    instance->begin = (instance_call)find_call(library, "TRITONBACKEND_ModelInstanceInitialize");
    instance->end = (instance_call)find_call(library, "TRITONBACKEND_ModelInstanceFinalize");
    instance->execute = (execute_call)find_call(library, "TRITONBACKEND_ModelInstanceExecute");
    CHECK(model->begin(model) == NULL, "model '%s' is refused", model->name);
    if (what->fails)
        instance->handle.failure = make_error();
    TRITONSERVER_Error *error = instance->begin(instance);
    if (error == NULL)
        return instance;
    CHECK(error == instance->handle.failure, "another error than the backend's");
    TRITONSERVER_ErrorDelete(error);
    CHECK(model->end(model) == NULL, "model '%s' does not end", model->name);
    free(instance);
    return NULL;
}

void core_execute(TRITONBACKEND_ModelInstance *instance, TRITONBACKEND_Request *one) {
    CHECK(instance->execute(instance, &one, 1) == NULL, "'%s' does not execute", instance->name);
}

void core_unload(TRITONBACKEND_ModelInstance *instance) {
    CHECK(instance->end(instance) == NULL, "'%s' does not end", instance->name);
    CHECK(instance->model.end(&instance->model) == NULL, "'%s' does not end", instance->model.name);
}

void core_free(TRITONBACKEND_ModelInstance *instance) {
    free(instance);
}

int core_objects(void) {
    return atomic_load(&objects);
}
