/* The command line of xsched-load. */
#ifndef XSCHED_DEMO_OPTIONS_H
#define XSCHED_DEMO_OPTIONS_H

#include <stdbool.h>

/* The most requests that --in-flight takes. */
#define OPTIONS_IN_FLIGHT_MAX 16

enum stream_kind {
    STREAM_NEW,
    STREAM_DEFAULT,
};

struct load_options {
    bool probe;         /* only say what the device is */
    unsigned kernels;   /* kernels in one request, 1 to 100000 */
    double kernel_us;   /* how long each kernel lasts, 0.1 to 1e6 */
    unsigned blocks;    /* blocks in each kernel; 0: as many as fill the GPU */
    bool continuous;    /* no pause between requests */
    double rate;        /* otherwise: a pause of 1/rate s after each, 0.01 to 100000 */
    unsigned in_flight; /* requests launched before the oldest is waited for */
    double seconds;     /* how long to measure, 0 to 86400; 0: until SIGINT or SIGTERM */
    double warmup;      /* seconds before that, 0 to 3600 */
    enum stream_kind stream;
    int stream_priority; /* CUDA's own priority of the new stream */
    bool graph;          /* one graph launch a request instead of `kernels` launches */
    const char *output;  /* file for the results; NULL: standard output */
};

enum options_result {
    OPTIONS_RUN,
    OPTIONS_DONE,
    OPTIONS_WRONG,
};

/*
 * Reads the command line into `options`. OPTIONS_DONE: the help was printed on standard output.
 * OPTIONS_WRONG: what is wrong was printed on standard error.
 */
enum options_result options_parse(struct load_options *options, int argc, char **argv);

#endif
