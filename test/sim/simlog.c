/* Prints the device's log as JSON lines, oldest first: what each operation was, whose, and when it
 * was submitted, started and finished (CLOCK_MONOTONIC, real ns). Uses the device file read-only
 * and takes no lock, so it can be run at any time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_file.h"

static const char *const kind_names[SIM_OP_KINDS] = {[SIM_OP_KERNEL] = "kernel",
                                                     [SIM_OP_COPY_H2D] = "h2d",
                                                     [SIM_OP_COPY_D2H] = "d2h",
                                                     [SIM_OP_COPY_D2D] = "d2d",
                                                     [SIM_OP_MEMSET] = "memset",
                                                     [SIM_OP_EVENT] = "event",
                                                     [SIM_OP_WRITE_VALUE] = "writeValue",
                                                     [SIM_OP_WAIT_VALUE] = "waitValue",
                                                     [SIM_OP_HOST] = "host",
                                                     [SIM_OP_FREE] = "free"};

static int usage(void) {
    fprintf(stderr,
            "usage: simlog [--kind KIND] [--pid PID] [--after SEQUENCE]\n"
            "Prints the simulated GPU's log (the last %u operations) as JSON lines.\n"
            "The device is the one in $XSCHED_SIM_DIR.\n",
            SIM_LOG);
    return 2;
}

int main(int argc, char **argv) {
    const char *kind = NULL;
    long pid = 0;
    unsigned long long after = 0;
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return usage();
        if (strcmp(argv[i], "--kind") == 0)
            kind = argv[i + 1];
        else if (strcmp(argv[i], "--pid") == 0)
            pid = strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--after") == 0)
            after = strtoull(argv[i + 1], NULL, 10);
        else
            return usage();
    }
    const struct sim_file *file = device_file_read();
    if (!file) {
        char path[4096];
        device_file_path(path, sizeof path);
        fprintf(stderr, "simlog: cannot read %s: %s\n", path, strerror(errno));
        return 1;
    }
    uint64_t last = __atomic_load_n(&file->log_count, __ATOMIC_ACQUIRE);
    uint64_t first = last > SIM_LOG ? last - SIM_LOG + 1 : 1;
    if (after >= first)
        first = after + 1;
    for (uint64_t number = first; number <= last; number++) {
        const struct sim_log_entry *slot = &file->log[number % SIM_LOG];
        struct sim_log_entry entry = *slot;
        if (__atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE) != number ||
            entry.sequence != number || entry.kind >= SIM_OP_KINDS || !kind_names[entry.kind])
            continue;
        if ((kind && strcmp(kind, kind_names[entry.kind]) != 0) || (pid && pid != entry.pid))
            continue;
        printf("{\"sequence\":%llu,\"pid\":%d,\"device\":%u,\"stream\":%llu,\"kind\":\"%s\","
               "\"submit\":%llu,\"start\":%llu,\"finish\":%llu}\n",
               (unsigned long long)number, entry.pid, entry.device,
               (unsigned long long)entry.stream, kind_names[entry.kind],
               (unsigned long long)device_file_real(file, entry.submit),
               (unsigned long long)device_file_real(file, entry.start),
               (unsigned long long)device_file_real(file, entry.finish));
    }
    return 0;
}
