#include "log.h"

#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1000, PATH_BYTES = 1024 };

static enum log_level wanted = LOG_WARN;
static char file[PATH_BYTES];

void log_configure(enum log_level level, const char *path) {
    wanted = level;
    file[0] = '\0';
    if (path == NULL)
        return;
    size_t length = strlen(path);
    if (length >= sizeof(file)) {
        log_line(LOG_WARN, "XSCHED_LOG_FILE has %zu bytes, the limit is %d", length,
                 PATH_BYTES - 1);
        return;
    }
    memcpy(file, path, length + 1);
}

/* A write that no SIGPIPE follows: a program must not end because nobody reads what we say. */
static void write_quietly(int descriptor, const char *line, size_t length) {
    static const struct timespec at_once = {0, 0};
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe, &before);
    sigpending(&pending);
    bool another = sigismember(&pending, SIGPIPE) == 1;
    if (write(descriptor, line, length) < 0 && errno == EPIPE && !another)
        sigtimedwait(&pipe, NULL, &at_once);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void log_line(enum log_level level, const char *format, ...) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (level > wanted)
        return;
    int saved = errno;
    int cancel = thread_hold_cancel();
    char line[LINE_BYTES + 2];
    int head = snprintf(line, LINE_BYTES, "xsched[%d]: %s: ", (int)getpid(), names[level]);
    va_list list;
    va_start(list, format);
    int body = vsnprintf(line + head, (size_t)(LINE_BYTES - head), format, list);
    va_end(list);
    size_t length = (size_t)head + (body > 0 ? (size_t)body : 0);
    if (length > LINE_BYTES - 1)
        length = LINE_BYTES - 1;
    line[length++] = '\n';
    /* The file is opened for each line: a descriptor kept open might be closed by the host. */
    int descriptor = STDERR_FILENO;
    if (file[0] != '\0') {
        descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    if (descriptor >= 0) {
        write_quietly(descriptor, line, length);
        if (descriptor != STDERR_FILENO)
            close(descriptor);
    }
    thread_allow_cancel(cancel);
    errno = saved;
}
