#include "triton.h"

#include "clock.h"
#include "compat.h"
#include "json.h"
#include "label.h"
#include "log.h"
#include "process.h"
#include "reports.h"
#include "resolve.h"
#include "worker.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Own declarations of the public C API (tritonbackend.h, tritonserver.h): handles are opaque, and
 * an error is a handle too, NULL for success. */
typedef struct TRITONBACKEND_Model model_t;
typedef struct TRITONBACKEND_ModelInstance instance_t;
typedef struct TRITONBACKEND_Request request_t;
typedef struct TRITONSERVER_Error error_t;
typedef struct TRITONSERVER_Message message_t;

static struct {
    error_t *(*instance_model)(instance_t *instance, model_t **model);
    error_t *(*instance_name)(instance_t *instance, const char **name);
    error_t *(*model_name)(model_t *model, const char **name);
    error_t *(*model_version)(model_t *model, uint64_t *version);
    error_t *(*model_config)(model_t *model, uint32_t version, message_t **message);
    error_t *(*message_json)(message_t *message, const char **text, size_t *size);
    error_t *(*message_delete)(message_t *message);
    void (*error_delete)(error_t *error);
} api;
static atomic_bool api_known;

/* The functions of a backend that we follow. */
enum call { MODEL_BEGIN, MODEL_END, INSTANCE_BEGIN, INSTANCE_END, EXECUTE, CALLS };
static const char *const call_names[CALLS] = {
    [MODEL_BEGIN] = "TRITONBACKEND_ModelInitialize",
    [MODEL_END] = "TRITONBACKEND_ModelFinalize",
    [INSTANCE_BEGIN] = "TRITONBACKEND_ModelInstanceInitialize",
    [INSTANCE_END] = "TRITONBACKEND_ModelInstanceFinalize",
    [EXECUTE] = "TRITONBACKEND_ModelInstanceExecute",
};

/*
 * A stand-in is told nothing of the backend that it stands for, so each backend has stand-ins of
 * its own. Backends beyond these are left alone.
 */
enum { BACKENDS = 64 };
static _Atomic(void *) real_calls[CALLS][BACKENDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Models and instances that are being served, with their labels. Guarded by `lock`. */
enum { SERVED_MAX = 2 * XSP_LABELS };
static struct served {
    const void *handle; /* NULL for a free entry. */
    uint32_t label;
} served[SERVED_MAX];

static uint32_t label_of(const void *handle) {
    uint32_t label = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SERVED_MAX; i++) {
        if (served[i].handle == handle) {
            label = served[i].label;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return label;
}

static void remember(const void *handle, uint32_t label) {
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SERVED_MAX; i++) {
        if (served[i].handle == NULL) {
            served[i] = (struct served){handle, label};
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

static uint32_t forget(const void *handle) {
    uint32_t label = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < SERVED_MAX; i++) {
        if (served[i].handle == handle) {
            label = served[i].label;
            served[i].handle = NULL;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return label;
}

/* Whether a call of the API went well; an error is ours to delete. */
static bool went_well(error_t *error) {
    if (error != NULL)
        api.error_delete(error);
    return error == NULL;
}

static enum label_level read_level(model_t *model) {
    static const char *const path[] = {"optimization", "priority", NULL};
    enum { CONFIG_VERSION = 1 };
    message_t *message = NULL;
    const char *text = NULL;
    size_t size = 0;
    char priority[32] = "";
    if (!went_well(api.model_config(model, CONFIG_VERSION, &message)))
        return LABEL_LEVEL_NONE;
    if (went_well(api.message_json(message, &text, &size)) && text != NULL)
        json_find_string(text, size, path, priority, sizeof(priority));
    went_well(api.message_delete(message));
    if (strcmp(priority, "PRIORITY_MAX") == 0)
        return LABEL_LEVEL_MAX;
    if (strcmp(priority, "PRIORITY_MIN") == 0)
        return LABEL_LEVEL_MIN;
    return LABEL_LEVEL_DEFAULT;
}

static void copy_text(char *to, size_t capacity, const char *text) {
    snprintf(to, capacity, "%s", text);
}

/* Asks the core about a model; false when it does not say who it is. */
static bool describe_model(model_t *model, struct label *label) {
    const char *name = NULL;
    uint64_t version = 0;
    if (!went_well(api.model_name(model, &name)) || name == NULL)
        return false;
    copy_text(label->model, sizeof(label->model), name);
    if (went_well(api.model_version(model, &version)))
        snprintf(label->version, sizeof(label->version), "%" PRIu64, version);
    label->level = read_level(model);
    return true;
}

static bool describe_instance(instance_t *instance, struct label *label) {
    model_t *model = NULL;
    const char *name = NULL;
    if (!went_well(api.instance_model(instance, &model)) || !describe_model(model, label))
        return false;
    if (went_well(api.instance_name(instance, &name)) && name != NULL)
        copy_text(label->instance, sizeof(label->instance), name);
    return true;
}

static void end(const void *handle, bool told) {
    uint32_t label = forget(handle);
    if (label == 0)
        return;
    label_end(label);
    if (told)
        report_served_no_more(label);
}

static uint32_t begin(const void *handle, struct label *label, bool described) {
    /* A backend need not have a function for the end of what was at that address before. */
    end(handle, true);
    uint32_t id = described ? label_begin(label) : 0;
    if (id == 0)
        return 0;
    remember(handle, id);
    log_line(LOG_INFO, "model '%s' version %s instance '%s'", label->model, label->version,
             label->instance);
    return id;
}

typedef error_t *(*handle_call)(void *handle);

/* What initialises loads weights and records graphs, and is work of the model already. */
static error_t *call_labelled(int backend, enum call call, void *handle, uint32_t label) {
    handle_call real = (handle_call)atomic_load(&real_calls[call][backend]);
    uint32_t before = label_enter(label);
    error_t *error = real(handle);
    label_leave(before);
    return error;
}

static error_t *model_begin(int backend, void *model) {
    struct label label = {.id = 0};
    uint32_t id = begin(model, &label, describe_model(model, &label));
    error_t *error = call_labelled(backend, MODEL_BEGIN, model, id);
    if (error != NULL)
        end(model, false);
    return error;
}

static error_t *model_end(int backend, void *model) {
    error_t *error = call_labelled(backend, MODEL_END, model, label_of(model));
    end(model, false);
    return error;
}

static error_t *instance_begin(int backend, void *instance) {
    struct label label = {.id = 0};
    process_start();
    uint32_t id = begin(instance, &label, describe_instance(instance, &label));
    if (id != 0) {
        /* Told before the backend starts a process for it, which the daemon has to place. */
        report_served(&label);
        worker_wake_by(clock_now() + XSP_READY_REPEAT_MS * NS_PER_MS);
    }
    error_t *error = call_labelled(backend, INSTANCE_BEGIN, instance, id);
    if (error != NULL)
        end(instance, true);
    return error;
}

static error_t *instance_end(int backend, void *instance) {
    error_t *error = call_labelled(backend, INSTANCE_END, instance, label_of(instance));
    end(instance, true);
    return error;
}

static error_t *execute(int backend, void *instance, request_t **requests, uint32_t count) {
    typedef error_t *(*execute_call)(void *instance, request_t **requests, uint32_t count);
    execute_call real = (execute_call)atomic_load(&real_calls[EXECUTE][backend]);
    uint32_t before = label_enter(label_of(instance));
    error_t *error = real(instance, requests, count);
    label_leave(before);
    return error;
}

#define FOR_EIGHT(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7)
/* Numbers in octal: eight times eight backends. */
#define FOR_EACH_BACKEND(X)                                                                        \
    FOR_EIGHT(X, 00)                                                                               \
    FOR_EIGHT(X, 01)                                                                               \
    FOR_EIGHT(X, 02)                                                                               \
    FOR_EIGHT(X, 03) FOR_EIGHT(X, 04) FOR_EIGHT(X, 05) FOR_EIGHT(X, 06) FOR_EIGHT(X, 07)

#define STAND_INS(n)                                                                               \
    static error_t *model_begin_##n(void *model) {                                                 \
        return model_begin(n, model);                                                              \
    }                                                                                              \
    static error_t *model_end_##n(void *model) {                                                   \
        return model_end(n, model);                                                                \
    }                                                                                              \
    static error_t *instance_begin_##n(void *instance) {                                           \
        return instance_begin(n, instance);                                                        \
    }                                                                                              \
    static error_t *instance_end_##n(void *instance) {                                             \
        return instance_end(n, instance);                                                          \
    }                                                                                              \
    static error_t *execute_##n(void *instance, request_t **requests, uint32_t count) {            \
        return execute(n, instance, requests, count);                                              \
    }
FOR_EACH_BACKEND(STAND_INS)

#define MODEL_BEGIN_OF(n) (void *)model_begin_##n,
#define MODEL_END_OF(n) (void *)model_end_##n,
#define INSTANCE_BEGIN_OF(n) (void *)instance_begin_##n,
#define INSTANCE_END_OF(n) (void *)instance_end_##n,
#define EXECUTE_OF(n) (void *)execute_##n,
static void *const stand_ins[CALLS][BACKENDS] = {
    [MODEL_BEGIN] = {FOR_EACH_BACKEND(MODEL_BEGIN_OF)},
    [MODEL_END] = {FOR_EACH_BACKEND(MODEL_END_OF)},
    [INSTANCE_BEGIN] = {FOR_EACH_BACKEND(INSTANCE_BEGIN_OF)},
    [INSTANCE_END] = {FOR_EACH_BACKEND(INSTANCE_END_OF)},
    [EXECUTE] = {FOR_EACH_BACKEND(EXECUTE_OF)},
};

/* Finds the API in the library that asked, else among the program's own. `lock` is held. */
static bool find_api(const void *caller) {
    Dl_info info;
    void *handle = NULL;
    if (dladdr(caller, &info) != 0 && info.dli_fname != NULL)
        handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    bool all = true;
#define FIND(member, name)                                                                         \
    do {                                                                                           \
        void *found = handle != NULL ? resolve_real_dlsym(handle, name) : NULL;                    \
        if (found == NULL)                                                                         \
            found = resolve_real_dlsym(RTLD_DEFAULT, name);                                        \
        *(void **)&api.member = found;                                                             \
        all = all && found != NULL;                                                                \
    } while (0)
    FIND(instance_model, "TRITONBACKEND_ModelInstanceModel");
    FIND(instance_name, "TRITONBACKEND_ModelInstanceName");
    FIND(model_name, "TRITONBACKEND_ModelName");
    FIND(model_version, "TRITONBACKEND_ModelVersion");
    FIND(model_config, "TRITONBACKEND_ModelConfig");
    FIND(message_json, "TRITONSERVER_MessageSerializeToJson");
    FIND(message_delete, "TRITONSERVER_MessageDelete");
    FIND(error_delete, "TRITONSERVER_ErrorDelete");
#undef FIND
    return all;
}

static int find_call(const char *name) {
    for (int call = 0; call < CALLS; call++) {
        if (strcmp(name, call_names[call]) == 0)
            return call;
    }
    return -1;
}

void *triton_replace(const char *name, void *found, const void *caller) {
    int call = find_call(name);
    if (call < 0 || process_is_inert())
        return found;
    void *answer = found;
    pthread_mutex_lock(&lock);
    if (!atomic_load(&api_known) && find_api(caller))
        atomic_store(&api_known, true);
    for (int i = 0; i < BACKENDS && atomic_load(&api_known); i++) {
        void *known = atomic_load(&real_calls[call][i]);
        if (known == found || known == NULL) {
            atomic_store(&real_calls[call][i], found);
            answer = stand_ins[call][i];
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return answer;
}

void triton_reset_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    memset(served, 0, sizeof(served));
}
