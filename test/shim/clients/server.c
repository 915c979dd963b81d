#include "server.h"

#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

enum { INSTANCES = 64, NAME_BYTES = 1024 };

struct server server;

/* Instances by name; one that is unloaded stays until another is loaded under its name. */
static struct served {
    char name[NAME_BYTES];
    TRITONBACKEND_ModelInstance *instance;
} served[INSTANCES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What a request does: some launches, with an execution of another instance in their middle. */
struct work {
    server_launch launch;
    size_t stream;
    uint64_t count;
    uint64_t ns;
    TRITONBACKEND_ModelInstance *inner;
    struct work *inner_work;
};

void server_open(const char *core) {
    void *library = dlopen(core, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL, "%s", dlerror());
#define FIND(name, type, parameters)                                                               \
    *(void **)&server.name = dlsym(library, #name);                                                \
    CHECK(server.name != NULL, "the core has no " #name);
    CORE_CALLS(FIND)
#undef FIND
}

static void do_work(void *data) {
    const struct work *work = data;
    for (uint64_t i = 0; i < work->count; i++) {
        DRIVER_CHECK(work->launch(work->stream, work->ns));
        if (i == 0 && work->inner != NULL) {
            TRITONBACKEND_Request request = {do_work, work->inner_work};
            server.core_execute(work->inner, &request);
        }
    }
}

static const char *next_word(char **words) {
    const char *word = strtok_r(NULL, " ", words);
    CHECK(word != NULL, "a word is missing");
    return word;
}

/* The place of an instance, or with `make` a free one. */
static struct served *find(const char *name, bool make) {
    struct served *found = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < INSTANCES && found == NULL; i++) {
        if (strcmp(served[i].name, name) == 0)
            found = &served[i];
    }
    for (int i = 0; make && i < INSTANCES && found == NULL; i++) {
        if (served[i].name[0] != '\0')
            continue;
        found = &served[i];
        snprintf(found->name, sizeof(found->name), "%s", name);
    }
    pthread_mutex_unlock(&lock);
    CHECK(found != NULL, "there is no instance '%s'", name);
    return found;
}

static const char *name_or_none(const char *word) {
    return strcmp(word, "none") == 0 ? NULL : word;
}

enum how { LOAD, REFUSE, REPLACE };

/* load MODEL VERSION INSTANCE PRIORITY S: a kernel of its initialisation goes to stream S. */
static const char *load(char **words, server_launch launch, enum how how) {
    struct work setup = {.launch = launch, .count = 1, .ns = 1000};
    struct core_model model = {.fails = how == REFUSE};
    model.name = name_or_none(next_word(words));
    model.version = check_argument(next_word(words));
    model.instance = name_or_none(next_word(words));
    model.priority = name_or_none(next_word(words));
    setup.stream = check_argument(next_word(words));
    model.setup = (TRITONBACKEND_Request){do_work, &setup};
    struct served *place = find(model.instance != NULL ? model.instance : "none", true);
    if (how == REPLACE)
        model.instead = place->instance;
    else if (place->instance != NULL)
        server.core_free(place->instance);
    place->instance = server.core_load(&model);
    if (place->instance == NULL)
        return "refused";
    return "loaded";
}

static void execute(char **words, server_launch launch) {
    struct work work = {.launch = launch};
    TRITONBACKEND_ModelInstance *instance = find(next_word(words), false)->instance;
    work.stream = check_argument(next_word(words));
    work.count = check_argument(next_word(words));
    work.ns = check_argument(next_word(words));
    TRITONBACKEND_Request request = {do_work, &work};
    server.core_execute(instance, &request);
}

static void nest(char **words, server_launch launch) {
    struct work inner = {.launch = launch, .count = 1, .ns = 1000};
    struct work outer = {.launch = launch, .count = 2, .ns = 1000, .inner_work = &inner};
    TRITONBACKEND_ModelInstance *instance = find(next_word(words), false)->instance;
    outer.inner = find(next_word(words), false)->instance;
    outer.stream = inner.stream = check_argument(next_word(words));
    TRITONBACKEND_Request request = {do_work, &outer};
    server.core_execute(instance, &request);
}

bool server_obey(const char *name, char **words, char *result, size_t capacity,
                 server_launch launch, server_launch create) {
    const char *answer = "0";
    if (strcmp(name, "core") == 0)
        server_open(next_word(words));
    else if (strcmp(name, "load") == 0)
        answer = load(words, launch, LOAD);
    else if (strcmp(name, "refuse") == 0)
        answer = load(words, launch, REFUSE);
    else if (strcmp(name, "replace") == 0)
        answer = load(words, launch, REPLACE);
    else if (strcmp(name, "unload") == 0)
        server.core_unload(find(next_word(words), false)->instance);
    else if (strcmp(name, "execute") == 0)
        execute(words, launch);
    else if (strcmp(name, "make") == 0)
        execute(words, create);
    else if (strcmp(name, "nest") == 0)
        nest(words, launch);
    else if (strcmp(name, "objects") == 0)
        answer = server.core_objects() == 0 ? "0" : "some";
    else
        return false;
    snprintf(result, capacity, "%s", answer);
    return true;
}
