#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: xsched-load [options]\n"
    "\n"
    "Loads a GPU with requests of many short kernels, as a model's inference does, and writes one\n"
    "line of JSON for each request. It needs the driver (libcuda.so.1) and nothing else of CUDA.\n"
    "\n"
    "  --kernels N           kernels in one request (240)\n"
    "  --kernel-us D         how long each kernel lasts, in microseconds of the device (6)\n"
    "  --blocks B            blocks in each kernel; 0 fills the GPU (0)\n"
    "  --rate R              after each request, sleep 1/R seconds (10)\n"
    "  --continuous          no sleep: the next request follows at once\n"
    "  --in-flight K         requests launched before the oldest is waited for (1)\n"
    "  --seconds S           how long to measure; 0: until SIGINT or SIGTERM (10)\n"
    "  --warmup W            seconds of requests before that, not recorded (1)\n"
    "  --stream new|default  a stream of its own, or the legacy default stream (new)\n"
    "  --priority-stream P   CUDA's own priority of the new stream (0)\n"
    "  --graph               launch each request as one CUDA graph\n"
    "  --output FILE         write there instead of to standard output\n"
    "  --probe               only print the device, as one line of JSON\n"
    "  --help                this text\n"
    "\n"
    "Latency is counted from the moment at which a request was meant to start (the end of the\n"
    "sleep, whenever the thread woke) to the moment at which the wait for its work returned.\n"
    "exit status: 0 done, 1 the driver reported an error, 2 wrong arguments, 3 no driver or "
    "device\n";

static bool options_number(const char *name, const char *text, double low, double high,
                           double *value) {
    char *end = NULL;
    errno = 0;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(number) || number < low ||
        number > high) {
        fprintf(stderr, "xsched-load: --%s takes a number from %g to %g, not '%s'\n", name, low,
                high, text);
        return false;
    }
    *value = number;
    return true;
}

static bool options_integer(const char *name, const char *text, long low, long high, long *value) {
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high) {
        fprintf(stderr, "xsched-load: --%s takes an integer from %ld to %ld, not '%s'\n", name, low,
                high, text);
        return false;
    }
    *value = number;
    return true;
}

static bool options_unsigned(const char *name, const char *text, long low, long high,
                             unsigned *value) {
    long number = 0;
    if (!options_integer(name, text, low, high, &number))
        return false;
    *value = (unsigned)number;
    return true;
}

static bool options_stream(const char *text, enum stream_kind *stream) {
    if (strcmp(text, "new") == 0) {
        *stream = STREAM_NEW;
    } else if (strcmp(text, "default") == 0) {
        *stream = STREAM_DEFAULT;
    } else {
        fprintf(stderr, "xsched-load: --stream takes 'new' or 'default', not '%s'\n", text);
        return false;
    }
    return true;
}

static bool options_take(struct load_options *options, int option, const char *text) {
    long number = 0;
    switch (option) {
    case 'k':
        return options_unsigned("kernels", text, 1, 100000, &options->kernels);
    case 'd':
        return options_number("kernel-us", text, 0.1, 1e6, &options->kernel_us);
    case 'b':
        return options_unsigned("blocks", text, 0, 1000000, &options->blocks);
    case 'r':
        return options_number("rate", text, 0.01, 100000, &options->rate);
    case 'c':
        options->continuous = true;
        return true;
    case 'i':
        return options_unsigned("in-flight", text, 1, OPTIONS_IN_FLIGHT_MAX, &options->in_flight);
    case 's':
        return options_number("seconds", text, 0, 86400, &options->seconds);
    case 'w':
        return options_number("warmup", text, 0, 3600, &options->warmup);
    case 't':
        return options_stream(text, &options->stream);
    case 'p':
        if (!options_integer("priority-stream", text, -1000, 1000, &number))
            return false;
        options->stream_priority = (int)number;
        return true;
    case 'g':
        options->graph = true;
        return true;
    case 'o':
        options->output = text;
        return true;
    case 'P':
        options->probe = true;
        return true;
    default:
        return false;
    }
}

enum options_result options_parse(struct load_options *options, int argc, char **argv) {
    static const struct option KNOWN[] = {
        {"kernels", required_argument, NULL, 'k'},
        {"kernel-us", required_argument, NULL, 'd'},
        {"blocks", required_argument, NULL, 'b'},
        {"rate", required_argument, NULL, 'r'},
        {"continuous", no_argument, NULL, 'c'},
        {"in-flight", required_argument, NULL, 'i'},
        {"seconds", required_argument, NULL, 's'},
        {"warmup", required_argument, NULL, 'w'},
        {"stream", required_argument, NULL, 't'},
        {"priority-stream", required_argument, NULL, 'p'},
        {"graph", no_argument, NULL, 'g'},
        {"output", required_argument, NULL, 'o'},
        {"probe", no_argument, NULL, 'P'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct load_options){
        .kernels = 240,
        .kernel_us = 6,
        .rate = 10,
        .in_flight = 1,
        .seconds = 10,
        .warmup = 1,
        .stream = STREAM_NEW,
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", KNOWN, NULL)) != -1) {
        if (option == 'h') {
            fputs(HELP, stdout);
            return OPTIONS_DONE;
        }
        if (!options_take(options, option, optarg))
            return OPTIONS_WRONG;
    }
    if (optind < argc) {
        fprintf(stderr, "xsched-load: unexpected argument '%s'\n", argv[optind]);
        return OPTIONS_WRONG;
    }
    if (options->graph && options->stream == STREAM_DEFAULT) {
        fprintf(stderr, "xsched-load: --graph needs --stream new: "
                        "the legacy default stream cannot be captured\n");
        return OPTIONS_WRONG;
    }
    if (!options->continuous && options->in_flight != 1) {
        fprintf(stderr, "xsched-load: --in-flight needs --continuous\n");
        return OPTIONS_WRONG;
    }
    return OPTIONS_RUN;
}
