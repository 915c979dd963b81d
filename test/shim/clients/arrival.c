/*
 * A program that takes the first steps towards the GPU, each when it is told:
 *
 *   arrival STEP...
 *
 *   init           cuInit
 *   retain, create_v2, create_v3, create_v4, green    make a context in that way
 *   launch         a kernel, which it waits for
 *   child ... end  what is between is a child's, which then ends; the program waits for it
 *   stay           waits for a line of its input, or for the end of that
 *
 * Says each step with what the driver answered, or that it stays.
 */
#include "green.h"
#include "work.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

static void *library;

#define CALL(name, parameters) ((CUresult(*) parameters)find(#name))
static void *find(const char *name) {
    void *found = dlsym(library, name);
    CHECK(found != NULL, "the driver has no %s", name);
    return found;
}

static CUresult launch(void) {
    driver_start();
    struct work_stream work = work_open();
    work_launch(&work, 1, 1000);
    return cuda.cuStreamSynchronize(work.stream);
}

static CUresult take(const char *step) {
    CUcontext *context = &cuda.context;
    CUstream stream;
    if (strcmp(step, "init") == 0)
        return CALL(cuInit, (unsigned))(0);
    if (strcmp(step, "retain") == 0)
        return CALL(cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))(context, 0);
    if (strcmp(step, "create_v2") == 0)
        return CALL(cuCtxCreate_v2, (CUcontext *, unsigned, CUdevice))(context, 0, 0);
    if (strcmp(step, "create_v3") == 0)
        return CALL(cuCtxCreate_v3, (CUcontext *, void *, int, unsigned, CUdevice))(context, NULL,
                                                                                    0, 0, 0);
    if (strcmp(step, "create_v4") == 0)
        return CALL(cuCtxCreate_v4, (CUcontext *, void *, unsigned, CUdevice))(context, NULL, 0, 0);
    if (strcmp(step, "green") == 0)
        return green_make(0, &stream);
    CHECK(strcmp(step, "launch") == 0, "there is no step %s", step);
    return launch();
}

static void stay(void) {
    char letter = 0;
    SAY("stays\n");
    while (letter != '\n' && read(STDIN_FILENO, &letter, 1) == 1) {
    }
}

int main(int count, char **arguments) {
    bool is_child = false;
    library = dlopen("libcuda.so.1", RTLD_NOW);
    CHECK(library != NULL, "%s", dlerror());
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "stay") == 0) {
            stay();
        } else if (strcmp(arguments[i], "child") == 0) {
            pid_t child = fork();
            is_child = child == 0;
            CHECK(is_child || (child > 0 && waitpid(child, NULL, 0) == child), "no child");
            while (!is_child && strcmp(arguments[i], "end") != 0)
                i++;
        } else if (strcmp(arguments[i], "end") == 0) {
            CHECK(is_child, "there is no child to end");
            return 0;
        } else {
            SAY("%s: %d\n", arguments[i], take(arguments[i]));
        }
    }
    return 0;
}
