/* What the shim has to say, on standard error or in XSCHED_LOG_FILE; never on standard output. */
#ifndef XSCHED_LOG_H
#define XSCHED_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * Sets where lines go (NULL: standard error) and which are wanted. The path is copied; what does
 * not fit in 1023 bytes is refused with a line on standard error.
 */
void log_configure(enum log_level level, const char *path);

/* One line, cut at 1000 bytes, written with one write(2). Keeps errno. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
