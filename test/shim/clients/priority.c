/*
 * What becomes of the CUDA priorities that a program gives its streams:
 *
 *   priority streams | attributes | models | DIGITS told | given [LEVEL]
 *
 * A line for each stream says how it was made and what its priority is: as the driver tells it in
 * every way that there is, or as the simulated GPU has it. With a level, such as PRIORITY_MAX, it
 * is the initialisation of a model of that level that does it all.
 */
#include "check.h"
#include "green.h"
#include "server.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

enum { PRIORITY = 8, WRONG_FLAGS = 77 };

typedef union {
    char pad[64];
    int priority;
} attribute_value;

typedef CUresult (*create)(CUstream *, unsigned);
typedef CUresult (*get_priority)(CUstream, int *);
typedef CUresult (*get_attribute)(CUstream, int, attribute_value *);
typedef CUresult (*set_attribute)(CUstream, int, const attribute_value *);
typedef CUresult (*copy_attributes)(CUstream, CUstream);

static bool given;

static void *find(const char *name) {
    void *found = dlsym(dlopen("libcuda.so.1", RTLD_NOW), name);
    CHECK(found != NULL, "the driver has no %s", name);
    return found;
}

static int ask(const char *name, CUstream stream) {
    int priority = 1;
    DRIVER_CHECK(((get_priority)find(name))(stream, &priority));
    return priority;
}

static int ask_attribute(const char *name, CUstream stream) {
    attribute_value value = {.priority = 1};
    DRIVER_CHECK(((get_attribute)find(name))(stream, PRIORITY, &value));
    return value.priority;
}

static void say(const char *how, int asked, CUstream stream) {
    int told = ask("cuStreamGetPriority", stream);
    int others[] = {
        ask("cuStreamGetPriority_ptsz", stream),
        ask_attribute("cuStreamGetAttribute", stream),
        ask_attribute("cuStreamGetAttribute_ptsz", stream),
    };
    for (int i = 0; stream != NULL && i < 3; i++)
        CHECK(others[i] == told, "%d and, asked otherwise (%d), %d", told, i, others[i]);
    printf("%s %d: %d\n", how, asked, given ? ask("sim_stream_priority", stream) : told);
}

static CUstream make(int priority) {
    CUstream stream;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, priority));
    return stream;
}

static void streams(void) {
    static const int wanted[] = {0, -1, -2, -5, -9, 3};
    CUstream stream;
    DRIVER_CHECK(((create)find("cuStreamCreate"))(&stream, NON_BLOCKING));
    say("plain", 0, stream);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        say("with priority", wanted[i], make(wanted[i]));
    DRIVER_CHECK(green_make(0, &stream));
    say("of a green context", 0, stream);
    say("default", 0, NULL);
    /* Refused ones, and one that is gone. */
    printf("%d %d ", ((create)find("cuStreamCreate"))(&stream, WRONG_FLAGS),
           cuda.cuStreamCreateWithPriority(&stream, WRONG_FLAGS, -1));
    printf("%d ", ((create)find("cuStreamCreate"))(NULL, NON_BLOCKING));
    stream = make(-1);
    DRIVER_CHECK(cuda.cuStreamDestroy_v2(stream));
    int priority;
    printf("%d\n", ((get_priority)find("cuStreamGetPriority"))(stream, &priority));
    /* A stream that got the handle of another. */
    for (int i = 0; i < 2; i++) {
        stream = make(-i);
        say("again", -i, stream);
        DRIVER_CHECK(cuda.cuStreamDestroy_v2(stream));
    }
}

static void attributes(void) {
    static const int wanted[] = {-1, -9, 4, -3, 0};
    CUstream stream = make(0), other = make(-2);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        attribute_value value = {.priority = wanted[i]};
        DRIVER_CHECK(((set_attribute)find("cuStreamSetAttribute"))(stream, PRIORITY, &value));
        say("set", wanted[i], stream);
    }
    DRIVER_CHECK(((copy_attributes)find("cuStreamCopyAttributes"))(stream, other));
    say("copied", -2, stream);
    /* Both of them are the best that the hardware has. */
    DRIVER_CHECK(((copy_attributes)find("cuStreamCopyAttributes_ptsz"))(stream, make(-4)));
    say("copied", -4, stream);
    DRIVER_CHECK(((copy_attributes)find("cuStreamCopyAttributes"))(NULL, make(-1)));
    say("copied to the default one", -1, NULL);
}

/* Streams of the priorities that the digits say, without their signs. */
static void order(const char *priorities) {
    for (const char *at = priorities; *at != '\0'; at++)
        say("ordered", '0' - *at, make('0' - *at));
}

static void say_model(void *data) {
    say(data, 0, make(0));
}

/* The streams that models make while they are loaded. */
static void models(void) {
    static char maximum[] = "of a model PRIORITY_MAX", minimum[] = "of a model PRIORITY_MIN";
    const struct core_model first = {.name = "first",
                                     .instance = "first",
                                     .priority = "PRIORITY_MAX",
                                     .version = 1,
                                     .setup = {say_model, maximum}};
    const struct core_model second = {.name = "second",
                                      .instance = "second",
                                      .priority = "PRIORITY_MIN",
                                      .version = 1,
                                      .setup = {say_model, minimum}};
    CHECK(server.core_load(&first) != NULL && server.core_load(&second) != NULL, "no models");
    say("of the server", 0, make(0));
}

static void do_what(void *data) {
    const char *what = data;
    if (strcmp(what, "streams") == 0)
        streams();
    else if (strcmp(what, "attributes") == 0)
        attributes();
    else if (strcmp(what, "models") == 0)
        models();
    else
        order(what);
}

int main(int argc, char **argv) {
    CHECK(argc > 2, "what, and as whom?");
    given = strcmp(argv[2], "given") == 0;
    server_open("libcore.so");
    driver_start();
    const struct core_model model = {.name = "model",
                                     .instance = "instance",
                                     .priority = argc > 3 ? argv[3] : NULL,
                                     .version = 1,
                                     .setup = {do_what, argv[1]}};
    if (argc > 3)
        CHECK(server.core_load(&model) != NULL, "no model");
    else
        do_what(argv[1]);
    return 0;
}
