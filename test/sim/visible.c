/* Which of the machine's devices the process sees, and by which numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

enum { UUID_TEXT = 36 };

static bool is_slice(void) {
    const char *mig = getenv("XSCHED_SIM_MIG");
    return mig && strcmp(mig, "1") == 0;
}

CUuuid visible_uuid(int device, bool of_gpu) {
    /* All slices are of one GPU, which is none of them. */
    bool of_whole = of_gpu && is_slice();
    CUuuid uuid;
    memcpy(uuid.bytes, runtime.file->devices[of_whole ? 0 : device].uuid, sizeof uuid.bytes);
    if (of_whole)
        uuid.bytes[0] = (char)~uuid.bytes[0];
    return uuid;
}

/* As nvidia-smi -L prints it. */
static void uuid_text(int device, char text[UUID_TEXT + 5]) {
    CUuuid uuid = visible_uuid(device, false);
    const unsigned char *b = (const unsigned char *)uuid.bytes;
    snprintf(text, UUID_TEXT + 5,
             "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             is_slice() ? "MIG" : "GPU", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
             b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* The device that an entry of the list names, by its number or by how its UUID begins; -1 for none,
 * or for one of several. */
static int device_named(const char *entry, size_t length) {
    int found = -1;
    if (entry[0] >= '0' && entry[0] <= '9') {
        char *end;
        unsigned long number = strtoul(entry, &end, 10);
        return end == entry + length && number < runtime.file->device_count ? (int)number : -1;
    }
    for (int device = 0; device < (int)runtime.file->device_count; device++) {
        char text[UUID_TEXT + 5];
        uuid_text(device, text);
        if (length < 5 || strncmp(text, entry, length) != 0)
            continue;
        if (found >= 0)
            return -1;
        found = device;
    }
    return found;
}

bool visible_init(void) {
    /* Who has made one device means to use that, whatever else is told to programs on his GPUs. */
    const char *list = getenv("XSCHED_SIM_DEVICES") ? getenv("CUDA_VISIBLE_DEVICES") : NULL;
    runtime.visible_count = 0;
    if (!list) {
        for (uint32_t i = 0; i < runtime.file->device_count; i++)
            runtime.visible[runtime.visible_count++] = (int)i;
        return true;
    }
    /* The first entry that names nothing ends the list; one that comes twice leaves nothing. */
    for (const char *entry = list; entry && *entry;) {
        const char *comma = strchr(entry, ',');
        size_t length = comma ? (size_t)(comma - entry) : strlen(entry);
        int device = length > 0 ? device_named(entry, length) : -1;
        if (device < 0)
            break;
        for (uint32_t i = 0; i < runtime.visible_count; i++)
            if (runtime.visible[i] == device)
                return runtime.visible_count = 0, false;
        runtime.visible[runtime.visible_count++] = device;
        entry = comma ? comma + 1 : NULL;
    }
    return runtime.visible_count > 0;
}

CUdevice visible_ordinal(int device) {
    CUdevice ordinal = 0;
    while (runtime.visible[ordinal] != device)
        ordinal++;
    return ordinal;
}
