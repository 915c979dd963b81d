#include "device_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device_settings.h"
#include "engine.h"

uint64_t clock_real_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t device_file_now(const struct sim_file *file) {
    uint64_t real = clock_real_ns() - file->epoch;
    return file->scale == 1.0 ? real : (uint64_t)((double)real / file->scale);
}

uint64_t device_file_real(const struct sim_file *file, uint64_t simulated) {
    return file->epoch + (uint64_t)((double)simulated * file->scale);
}

static void robust_mutex_init(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

/* A version 4 style UUID that depends on the folder and the number of the device alone. */
static void uuid_make(uint8_t uuid[16], const char *folder, uint32_t device) {
    uint64_t hash[2] = {0xcbf29ce484222325ull ^ device, 0x84222325cbf29ce4ull + device};
    for (const char *c = folder; *c; c++)
        for (int i = 0; i < 2; i++)
            hash[i] = (hash[i] ^ (uint8_t)*c) * (0x100000001b3ull + 2 * (uint64_t)i);
    memcpy(uuid, hash, 16);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static void boot_id_read(char id[40]) {
    memset(id, 0, 40);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, id, 36) != 36)
        memset(id, 0, 40);
    close(fd);
}

static void file_format(struct sim_file *file, const struct sim_settings *settings,
                        const char *folder, const char *boot_id) {
    file->layout = SIM_LAYOUT;
    memcpy(file->boot_id, boot_id, sizeof file->boot_id);
    file->scale = settings->scale;
    file->device_count = settings->devices;
    file->mps = settings->mps;
    file->jitter = settings->jitter;
    file->context_ms = settings->context_ms;
    file->epoch = clock_real_ns();
    robust_mutex_init(&file->lock);
    for (int p = 0; p < SIM_MAX_PROCESSES; p++)
        robust_mutex_init(&file->processes[p].life);
    for (uint32_t d = 0; d < file->device_count; d++) {
        struct sim_device *dev = &file->devices[d];
        uuid_make(dev->uuid, folder, d);
        dev->owner = -1;
        for (int p = 0; p < SIM_MAX_PROCESSES; p++)
            for (int i = 0; i < 4; i++)
                dev->ready[p][i] = SIM_NEVER;
    }
    __atomic_store_n(&file->magic, SIM_MAGIC, __ATOMIC_RELEASE);
}

/* Under flock: makes the file where it is missing, unfinished or from before the last boot. */
static struct sim_file *file_map(int fd, const struct sim_settings *settings, const char *path) {
    struct stat status;
    char boot_id[40];
    boot_id_read(boot_id);
    if (fstat(fd, &status) != 0)
        return NULL;
    if ((size_t)status.st_size != sizeof(struct sim_file) &&
        (ftruncate(fd, 0) != 0 || ftruncate(fd, sizeof(struct sim_file)) != 0))
        return NULL;
    struct sim_file *file =
        mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (file == MAP_FAILED)
        return NULL;
    madvise(file, sizeof *file, MADV_DONTDUMP);
    if (file->magic == SIM_MAGIC && file->layout == SIM_LAYOUT &&
        memcmp(file->boot_id, boot_id, sizeof boot_id) == 0)
        return file;
    if (ftruncate(fd, 0) != 0 || ftruncate(fd, sizeof *file) != 0) {
        munmap(file, sizeof *file);
        return NULL;
    }
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    file_format(file, settings, folder, boot_id);
    return file;
}

struct sim_file *device_file_open(void) {
    char path[4096];
    struct sim_settings settings;
    if (!settings_read(&settings))
        return NULL;
    if (!settings_folder_make(path, sizeof path))
        return NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        fprintf(stderr, "simulated GPU: cannot open %s: %s\n", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct sim_file *file = file_map(fd, &settings, path);
    if (!file)
        fprintf(stderr, "simulated GPU: cannot map %s: %s\n", path, strerror(errno));
    flock(fd, LOCK_UN);
    close(fd);
    if (file && !settings_agree(&settings, file, path)) {
        munmap(file, sizeof *file);
        return NULL;
    }
    return file;
}

const struct sim_file *device_file_read(void) {
    char path[4096];
    device_file_path(path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat status;
    if (fstat(fd, &status) != 0 || (size_t)status.st_size != sizeof(struct sim_file)) {
        close(fd);
        errno = EINVAL;
        return NULL;
    }
    const struct sim_file *file = mmap(NULL, sizeof *file, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return file == MAP_FAILED || file->magic != SIM_MAGIC ? NULL : file;
}
