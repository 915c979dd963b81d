/*
 * A program that loads and unloads what uses the GPU:
 *
 *   loading driver         the driver, twice, and uses it both times
 *   loading plugin         libplugin.so, which is unloaded with work on the GPU, and again
 *   loading deep           libplugin.so, whose own look-ups come first for it (RTLD_DEEPBIND)
 *   loading deep idle | math   it, which is not called, or one without any use of the GPU, in that
 *                          way, while the program uses the GPU itself
 */
#include "work.h"

#include <dlfcn.h>
#include <string.h>

static void load_driver(void) {
    for (int i = 0; i < 2; i++) {
        void *library = dlopen("libcuda.so.1", RTLD_NOW);
        CHECK(library != NULL, "%s", dlerror());
        CHECK(dlsym(library, "cuLaunchKernel") != NULL, "no launch");
        if (i == 1)
            work_all("driver");
        CHECK(dlclose(library) == 0, "%s", dlerror());
    }
    work_all("again");
}

static void load_plugin(int mode, int pending) {
    void *library = dlopen("libplugin.so", RTLD_NOW | mode);
    CHECK(library != NULL, "%s", dlerror());
    unsigned (*run)(int);
    *(void **)&run = dlsym(library, "plugin_run");
    CHECK(run != NULL, "%s", dlerror());
    SAY("plugin: %08x\n", run(pending));
    CHECK(dlclose(library) == 0, "%s", dlerror());
}

int main(int count, char **words) {
    CHECK(count >= 2, "usage: loading driver | plugin | deep [idle | math]");
    if (strcmp(words[1], "driver") == 0) {
        load_driver();
    } else if (strcmp(words[1], "plugin") == 0) {
        for (int i = 0; i < 3; i++)
            load_plugin(RTLD_LOCAL, 1);
    } else if (count == 2) {
        load_plugin(RTLD_DEEPBIND, 0);
    } else {
        const char *name = strcmp(words[2], "idle") == 0 ? "libplugin.so" : "libm.so.6";
        void *library = dlopen(name, RTLD_NOW | RTLD_DEEPBIND);
        CHECK(library != NULL, "%s", dlerror());
        work_all("program");
    }
    return 0;
}
