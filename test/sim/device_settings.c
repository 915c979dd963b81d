#include "device_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void folder_of(char *folder, unsigned long size) {
    const char *given = getenv("XSCHED_SIM_DIR");
    if (given && *given) {
        snprintf(folder, size, "%s", given);
        return;
    }
    const char *temp = getenv("TMPDIR");
    snprintf(folder, size, "%s/xsched-sim-%u", temp && *temp ? temp : "/tmp", (unsigned)getuid());
}

void device_file_path(char *path, unsigned long size) {
    char folder[3900];
    folder_of(folder, sizeof folder);
    snprintf(path, size, "%s/device", folder);
}

bool settings_folder_make(char *path, unsigned long size) {
    char folder[3900];
    folder_of(folder, sizeof folder);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "simulated GPU: cannot make the folder %s: %s\n", folder, strerror(errno));
        return false;
    }
    /* The folder's real name, so that its UUIDs do not depend on how it was spelled. */
    char *real = realpath(folder, NULL);
    snprintf(path, size, "%s/device", real ? real : folder);
    free(real);
    return true;
}

/* Reads one number; *given tells whether the variable was set. */
static bool number_read(const char *name, double lowest, double highest, double *value,
                        bool *given) {
    const char *text = getenv(name);
    *given = text && *text;
    if (!*given)
        return true;
    char *end;
    *value = strtod(text, &end);
    if (*end || !(*value >= lowest && *value <= highest)) {
        fprintf(stderr, "simulated GPU: %s is \"%s\"; it must be a number from %g to %g\n", name,
                text, lowest, highest);
        return false;
    }
    return true;
}

bool settings_read(struct sim_settings *settings) {
    double scale = 1, devices = 1, mps = 0, jitter = 1, context_ms = 0;
    bool fine =
        number_read("XSCHED_SIM_SCALE", 0.01, 10000, &scale, &settings->scale_given) &&
        number_read("XSCHED_SIM_DEVICES", 1, SIM_MAX_DEVICES, &devices, &settings->devices_given) &&
        number_read("XSCHED_SIM_MPS", 0, 1, &mps, &settings->mps_given) &&
        number_read("XSCHED_SIM_JITTER", 0, 1, &jitter, &settings->jitter_given) &&
        number_read("XSCHED_SIM_CONTEXT_MS", 0, 10000, &context_ms, &settings->context_ms_given);
    settings->scale = scale;
    settings->devices = (uint32_t)devices;
    settings->mps = (uint32_t)mps;
    settings->jitter = (uint32_t)jitter;
    settings->context_ms = (uint32_t)context_ms;
    return fine;
}

static bool agree(const char *name, bool given, double asked, double made, const char *path) {
    if (!given || asked == made)
        return true;
    fprintf(stderr,
            "simulated GPU: %s is %g, but the device in %s was made with %g; use that, another "
            "XSCHED_SIM_DIR, or remove the file while no process uses it\n",
            name, asked, path, made);
    return false;
}

bool settings_agree(const struct sim_settings *settings, const struct sim_file *file,
                    const char *path) {
    return agree("XSCHED_SIM_SCALE", settings->scale_given, settings->scale, file->scale, path) &&
           agree("XSCHED_SIM_DEVICES", settings->devices_given, settings->devices,
                 file->device_count, path) &&
           agree("XSCHED_SIM_MPS", settings->mps_given, settings->mps, file->mps, path) &&
           agree("XSCHED_SIM_JITTER", settings->jitter_given, settings->jitter, file->jitter,
                 path) &&
           agree("XSCHED_SIM_CONTEXT_MS", settings->context_ms_given, settings->context_ms,
                 file->context_ms, path);
}
