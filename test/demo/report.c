#include "report.h"

#include <errno.h>
#include <inttypes.h>

#define REPORT_FLUSH_NS 100000000

bool report_open(struct report *report, const char *path) {
    *report = (struct report){.file = stdout, .path = path};
    if (path)
        report->file = fopen(path, "we");
    return report->file != NULL;
}

/* Device names come from a driver: quotes, backslashes and control characters would break JSON. */
static void report_string(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(file, "\\%c", byte);
        else if (byte < 0x20)
            fprintf(file, "\\u%04x", byte);
        else
            fputc(byte, file);
    }
    fputc('"', file);
}

void report_device(struct report *report, const struct workload *workload) {
    fputs("{\"event\":\"device\",\"name\":", report->file);
    report_string(report->file, workload->device_name);
    fprintf(report->file, ",\"driver_version\":%d,\"multiprocessors\":%d}\n",
            workload->driver_version, workload->multiprocessors);
    fflush(report->file);
}

void report_warm(struct report *report, int64_t now_ns) {
    report->warm_ns = now_ns;
    report->last_end_ns = now_ns;
    fprintf(report->file, "{\"event\":\"warm\",\"at_ns\":%" PRId64 "}\n", now_ns);
    fflush(report->file);
    report->flushed_ns = now_ns;
}

void report_request(struct report *report, int64_t start_ns, int64_t end_ns) {
    report->requests++;
    report->last_end_ns = end_ns;
    fprintf(report->file, "{\"event\":\"request\",\"start_ns\":%" PRId64 ",\"latency_ms\":%.6f}\n",
            start_ns, (double)(end_ns - start_ns) / 1e6);
    if (end_ns - report->flushed_ns >= REPORT_FLUSH_NS) {
        fflush(report->file);
        report->flushed_ns = end_ns;
    }
}

bool report_close(struct report *report) {
    double seconds = (double)(report->last_end_ns - report->warm_ns) / 1e9;
    fprintf(report->file,
            "{\"event\":\"summary\",\"requests\":%" PRIu64
            ",\"seconds\":%.6f,\"requests_per_s\":%.6f}\n",
            report->requests, seconds, seconds > 0 ? (double)report->requests / seconds : 0.0);
    bool written = !ferror(report->file) && fflush(report->file) == 0;
    if (report->path && fclose(report->file) != 0)
        written = false;
    return written;
}
