#include "config.h"

#include "log.h"
#include "xsched_protocol.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_WINDOW = 8, DEFAULT_GATE_MAX_MS = 100 };

struct config config;

/* A whole decimal number; strtol would tie the library to a newer glibc (__isoc23_strtol). */
static bool parse_integer(const char *text, long *value) {
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    if (*text == '\0')
        return false;
    long result = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || result > 100000000)
            return false;
        result = result * 10 + (*text - '0');
    }
    *value = negative ? -result : result;
    return true;
}

/* The variable as a number within its range; false (with a warning if it was set) otherwise. */
static bool read_integer(const char *name, long low, long high, long *value) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return false;
    long parsed;
    if (parse_integer(text, &parsed) && parsed >= low && parsed <= high) {
        *value = parsed;
        return true;
    }
    log_line(LOG_WARN, "%s is '%.64s', expected a whole number from %ld to %ld; ignored", name,
             text, low, high);
    return false;
}

static bool is_set(const char *name) {
    const char *text = getenv(name);
    return text != NULL && *text != '\0' && strcmp(text, "0") != 0;
}

void config_load_log(void) {
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    enum log_level level = LOG_WARN;
    const char *text = getenv("XSCHED_LOG");
    bool known = text == NULL || *text == '\0';
    for (size_t i = 0; text != NULL && i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, levels[i]) == 0) {
            level = (enum log_level)i;
            known = true;
        }
    }
    log_configure(level, getenv("XSCHED_LOG_FILE"));
    if (!known) {
        log_line(LOG_WARN, "XSCHED_LOG is '%.64s', expected error, warn, info or debug; ignored",
                 text);
    }
}

static void load_socket_path(void) {
    char folder[4096];
    const char *given = getenv("XSCHED_RUNTIME_DIR");
    const char *user = getenv("XDG_RUNTIME_DIR");
    if (given != NULL && *given != '\0') {
        snprintf(folder, sizeof(folder), "%s", given);
    } else if (geteuid() == 0 || user == NULL || *user == '\0') {
        snprintf(folder, sizeof(folder), "/run/xsched");
    } else {
        /* A user's own daemon comes first; the machine's serves everybody else. */
        snprintf(folder, sizeof(folder), "%s/xsched", user);
        char probe[4200];
        snprintf(probe, sizeof(probe), "%s/agent.sock", folder);
        if (access(probe, F_OK) != 0)
            snprintf(folder, sizeof(folder), "/run/xsched");
    }
    int length = snprintf(config.socket_path, sizeof(config.socket_path), "%.*s/agent.sock",
                          (int)sizeof(config.socket_path), folder);
    if (length < 0 || (size_t)length >= sizeof(config.socket_path)) {
        log_line(LOG_WARN,
                 "the socket path under '%.200s' is over the limit of %zu bytes; no "
                 "daemon can be reached",
                 folder, sizeof(config.socket_path) - 1);
        config.socket_path[0] = '\0';
        return;
    }
    snprintf(config.runtime_dir, sizeof(config.runtime_dir), "%.*s",
             (int)sizeof(config.runtime_dir) - 1, folder);
}

static void load_board(void) {
    const char *board = getenv("XSCHED_BOARD");
    config.board = board == NULL || strcmp(board, "off") != 0;
    if (config.board && board != NULL && *board != '\0' && strcmp(board, "on") != 0)
        log_line(LOG_WARN, "XSCHED_BOARD is '%.64s', expected on or off; ignored", board);
}

static void load_policy(void) {
    const char *policy = getenv("XSCHED_POLICY");
    if (policy == NULL || *policy == '\0')
        return;
    if (strcmp(policy, "HPF") == 0) {
        config.local_policy = true;
    } else {
        log_line(LOG_WARN, "XSCHED_POLICY is '%.64s', expected HPF; ignored", policy);
    }
}

void config_load(void) {
    config_load_log();
    long value;
    /* XSched's own variable comes second, so that its users can switch without an edit. */
    if (read_integer("XSCHED_PRIORITY", XSP_PRIORITY_MIN, XSP_PRIORITY_MAX, &value) ||
        read_integer("XSCHED_AUTO_XQUEUE_PRIORITY", XSP_PRIORITY_MIN, XSP_PRIORITY_MAX, &value)) {
        config.has_priority = true;
        config.priority = (int)value;
    }
    config.window = DEFAULT_WINDOW;
    if (read_integer("XSCHED_WINDOW", 0, XSP_WINDOW_MAX, &value)) {
        config.window = (uint32_t)value;
        config.has_window = true;
    }
    if (read_integer("XSCHED_PREEMPT_LATENCY_US", 0, XSP_LATENCY_MAX_US, &value)) {
        config.latency_us = (uint32_t)value;
        config.has_latency = true;
    }
    config.stream_priority = -1;
    if (read_integer("XSCHED_STREAM_PRIORITY", 0, 1, &value))
        config.stream_priority = (int)value;
    config.hardware_priority = true;
    if (read_integer("XSCHED_HARDWARE_PRIORITY", 0, 1, &value))
        config.hardware_priority = value != 0;
    config.gate_max_ms = DEFAULT_GATE_MAX_MS;
    if (read_integer("XSCHED_GATE_MAX_MS", 0, 1000000, &value)) {
        config.gate_max_ms = (uint32_t)value;
    }
    config.gate_copies = true;
    if (read_integer("XSCHED_GATE_COPIES", 0, 1, &value))
        config.gate_copies = value != 0;
    const char *fail = getenv("XSCHED_FAIL");
    if (fail != NULL && strcmp(fail, "closed") == 0) {
        config.fail_closed = true;
    } else if (fail != NULL && *fail != '\0' && strcmp(fail, "open") != 0) {
        log_line(LOG_WARN, "XSCHED_FAIL is '%.64s', expected open or closed; ignored", fail);
    }
    const char *name = getenv("XSCHED_NAME");
    if (name != NULL && strlen(name) < sizeof(config.name)) {
        memcpy(config.name, name, strlen(name) + 1);
    } else if (name != NULL) {
        log_line(LOG_WARN, "XSCHED_NAME has %zu bytes, the limit is %zu; ignored", strlen(name),
                 sizeof(config.name) - 1);
    }
    load_policy();
    load_board();
    load_socket_path();
}

bool config_is_inert(void) {
    if (is_set("XSCHED_DISABLE"))
        return true;
    char comm[32] = "";
    int descriptor = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    ssize_t length = read(descriptor, comm, sizeof(comm) - 1);
    close(descriptor);
    if (length <= 0)
        return false;
    if (comm[length - 1] == '\n')
        comm[length - 1] = '\0';
    /* comm holds 15 characters: the MPS programs are nvidia-cuda-mps-control and -server. */
    static const char *const hosts[] = {"cuda-gdb", "gdb", "nvidia-cuda-mps", "cuda-gdbserver",
                                        "cuda-gdb-minima"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (strcmp(comm, hosts[i]) == 0)
            return true;
    }
    return false;
}
