/* The lock of the device file, and the processes that come, go and die. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device_file.h"
#include "engine.h"

/* Start time of a process in clock ticks since boot; 0 where there is none or it is a zombie. */
static uint64_t process_start_time(int pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0)
        return 0;
    text[size] = 0;
    /* The command's name may hold spaces and parentheses: fields count from the last one. */
    char *rest = strrchr(text, ')');
    char state;
    unsigned long long start;
    if (!rest || sscanf(rest + 1,
                        " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                        "%*d %llu",
                        &state, &start) != 2)
        return 0;
    return state == 'Z' || state == 'X' ? 0 : start;
}

static void process_remove(struct sim_file *file, int process) {
    for (uint32_t d = 0; d < file->device_count; d++)
        engine_client_remove(file, (int)d, process);
    file->processes[process].in_use = 0;
}

/* Takes the life lock of a slot, from whoever died with it too. Returns 0 or why it cannot. */
static int life_take(struct sim_process *process) {
    int error = pthread_mutex_trylock(&process->life);
    if (error != EOWNERDEAD)
        return error;
    pthread_mutex_consistent(&process->life);
    return 0;
}

/* Whether the process in a slot is dead: its life lock can be had. */
static bool process_is_dead(struct sim_process *process) {
    int error = life_take(process);
    if (error == 0)
        pthread_mutex_unlock(&process->life);
    return error != EBUSY;
}

static void processes_sweep(struct sim_file *file) {
    /* A second opinion, on one slot every 10 ms: a process id that is gone or another's now. */
    uint32_t tick = (uint32_t)(clock_real_ns() / 10000000ull);
    bool look_up = tick != file->checked_at;
    file->checked_at = tick;
    for (int p = 0; p < SIM_MAX_PROCESSES; p++) {
        struct sim_process *process = &file->processes[p];
        if (!process->in_use || process->pid == getpid())
            continue;
        if (process_is_dead(process) || (look_up && p == (int)(tick % SIM_MAX_PROCESSES) &&
                                         process_start_time(process->pid) != process->start_time))
            process_remove(file, p);
    }
}

void device_file_lock(struct sim_file *file) {
    int error = pthread_mutex_lock(&file->lock);
    if (error == EOWNERDEAD) {
        engine_repair(file);
        pthread_mutex_consistent(&file->lock);
    } else if (error != 0) {
        /* The mutex is broken beyond repair (somebody wrote over the file). */
        fprintf(stderr, "simulated GPU: the device file's lock is unusable: %s\n", strerror(error));
        abort();
    }
    /* Sweeping takes a microsecond or two: every millisecond is soon enough for a death to be seen
     * and seldom enough not to be felt. */
    static _Thread_local uint64_t swept_at;
    uint64_t now = clock_real_ns();
    if (error == EOWNERDEAD || now - swept_at > 1000000) {
        swept_at = now;
        processes_sweep(file);
    }
}

void device_file_unlock(struct sim_file *file) {
    pthread_mutex_unlock(&file->lock);
}

/* Enters the process in a slot whose life lock it has taken. */
static bool slot_fill(struct sim_file *file, int slot) {
    struct sim_process *process = &file->processes[slot];
    device_file_lock(file);
    bool is_free = !process->in_use;
    if (is_free) {
        engine_advance(file, device_file_now(file));
        process->pid = getpid();
        process->start_time = process_start_time(process->pid);
        process->in_use = 1;
    }
    device_file_unlock(file);
    return is_free;
}

int device_file_join(struct sim_file *file) {
    device_file_lock(file);
    processes_sweep(file);
    device_file_unlock(file);
    for (int slot = 0; slot < SIM_MAX_PROCESSES; slot++) {
        /* Held to the end, so before any other lock: taken inside one, it would be after that one
         * here and before it ever after. */
        if (life_take(&file->processes[slot]) != 0)
            continue;
        if (slot_fill(file, slot))
            return slot;
        pthread_mutex_unlock(&file->processes[slot].life);
    }
    return -1;
}

void device_file_leave(struct sim_file *file, int process) {
    device_file_lock(file);
    engine_advance(file, device_file_now(file));
    process_remove(file, process);
    device_file_unlock(file);
}
