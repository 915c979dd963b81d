/*
 * xsched-load: a program that loads a GPU as a model's inference does. See options.c for what it
 * takes; test/demo/main.ts runs it as the high and as the low model.
 */
#include "options.h"
#include "report.h"
#include "workload.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    EXIT_DONE = 0,
    EXIT_DRIVER_ERROR = 1,
    EXIT_USAGE = 2,
    EXIT_NO_DEVICE = 3,
};

static volatile sig_atomic_t stop_requested;

static void load_on_signal(int number) {
    (void)number;
    stop_requested = 1;
}

static int64_t load_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void load_sleep_until(int64_t when_ns) {
    struct timespec when = {.tv_sec = when_ns / 1000000000, .tv_nsec = when_ns % 1000000000};
    while (!stop_requested &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR) {
    }
}

static bool load_over(int64_t until_ns) {
    return stop_requested || (until_ns != 0 && load_now_ns() >= until_ns);
}

/*
 * A closed loop with a pause: the next request is meant to start 1/rate after the end of the last,
 * as in XSched's own experiment. Its latency counts from there, so a late wake-up counts as well.
 */
static bool load_run_paused(struct workload *workload, struct report *report, double rate,
                            int64_t until_ns) {
    int64_t pause_ns = (int64_t)(1e9 / rate);
    int64_t start_ns = load_now_ns();
    while (!load_over(until_ns)) {
        load_sleep_until(start_ns);
        if (stop_requested)
            break;
        if (!workload_launch(workload) || !workload_wait(workload))
            return false;
        int64_t end_ns = load_now_ns();
        if (report)
            report_request(report, start_ns, end_ns);
        start_ns = end_ns + pause_ns;
    }
    return true;
}

/*
 * Requests without pause. With two or more in flight the GPU has the next one's kernels before the
 * last one is done, so it never idles for the host's sake.
 */
static bool load_run_continuous(struct workload *workload, struct report *report,
                                int64_t until_ns) {
    int64_t start_ns[OPTIONS_IN_FLIGHT_MAX];
    bool over = false;
    while (!over || workload->awaited < workload->launched) {
        over = over || load_over(until_ns);
        while (!over && workload->launched - workload->awaited < workload->in_flight) {
            start_ns[workload->launched % workload->in_flight] = load_now_ns();
            if (!workload_launch(workload))
                return false;
        }
        if (workload->awaited == workload->launched)
            break;
        int64_t oldest_ns = start_ns[workload->awaited % workload->in_flight];
        if (!workload_wait(workload))
            return false;
        if (report)
            report_request(report, oldest_ns, load_now_ns());
    }
    return true;
}

static bool load_run(struct workload *workload, struct report *report,
                     const struct load_options *options, double seconds) {
    int64_t until_ns = seconds > 0 ? load_now_ns() + (int64_t)(seconds * 1e9) : 0;
    return options->continuous ? load_run_continuous(workload, report, until_ns)
                               : load_run_paused(workload, report, options->rate, until_ns);
}

static int load_fail(const struct workload *workload, int status) {
    fprintf(stderr, "xsched-load: %s\n", workload->error);
    return status;
}

static int load_fail_write(const struct report *report) {
    fprintf(stderr, "xsched-load: cannot write %s: %s\n",
            report->path ? report->path : "standard output", strerror(errno));
    return EXIT_DRIVER_ERROR;
}

static int load_measure(struct workload *workload, struct report *report,
                        const struct load_options *options) {
    if (!workload_open(workload, options))
        return load_fail(workload, EXIT_DRIVER_ERROR);
    if (options->warmup > 0 && !load_run(workload, NULL, options, options->warmup))
        return load_fail(workload, EXIT_DRIVER_ERROR);
    report_warm(report, load_now_ns());
    if (!load_run(workload, report, options, options->seconds))
        return load_fail(workload, EXIT_DRIVER_ERROR);
    return EXIT_DONE;
}

int main(int argc, char **argv) {
    struct load_options options;
    switch (options_parse(&options, argc, argv)) {
    case OPTIONS_DONE:
        return EXIT_DONE;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_RUN:
        break;
    }
    /* The kernel may round a sleep up by its slack (50 µs by default), which would look like
     * latency. */
    prctl(PR_SET_TIMERSLACK, 1UL);
    struct sigaction on_stop = {.sa_handler = load_on_signal};
    sigaction(SIGINT, &on_stop, NULL);
    sigaction(SIGTERM, &on_stop, NULL);

    struct workload workload = {0};
    if (!workload_find(&workload))
        return load_fail(&workload, EXIT_NO_DEVICE);
    struct report report;
    if (!report_open(&report, options.output))
        return load_fail_write(&report);
    report_device(&report, &workload);
    if (options.probe)
        return EXIT_DONE;
    int status = load_measure(&workload, &report, &options);
    workload_close(&workload);
    if (status == EXIT_DONE && !report_close(&report))
        return load_fail_write(&report);
    return status;
}
