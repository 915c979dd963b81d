/* What xsched-load writes: one line of JSON an event. Times are those of CLOCK_MONOTONIC. */
#ifndef XSCHED_DEMO_REPORT_H
#define XSCHED_DEMO_REPORT_H

#include "workload.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    FILE *file;
    const char *path; /* NULL: standard output */
    int64_t flushed_ns;
    int64_t warm_ns;
    int64_t last_end_ns;
    uint64_t requests;
};

/* Opens `path`, or standard output if it is NULL. False: errno says why. */
bool report_open(struct report *report, const char *path);

/* {"event":"device",…}: written as soon as the device is known. */
void report_device(struct report *report, const struct workload *workload);

/* {"event":"warm","at_ns":…}: the warm-up is over, what follows is measured. */
void report_warm(struct report *report, int64_t now_ns);

/*
 * {"event":"request","start_ns":…,"latency_ms":…}. Lines reach the reader within about 100 ms of
 * one another, not each at once: a program that runs without pause writes thousands a second.
 */
void report_request(struct report *report, int64_t start_ns, int64_t end_ns);

/*
 * {"event":"summary",…}, then closes. A file without this line is incomplete. False: some write
 * failed; errno says why.
 */
bool report_close(struct report *report);

#endif
