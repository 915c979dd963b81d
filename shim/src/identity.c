#include "identity.h"

#include "clock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Reads at most `capacity - 1` bytes of a file and terminates them; returns how many. */
static size_t read_file(const char *path, char *to, size_t capacity) {
    size_t length = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        ssize_t count;
        while (length < capacity - 1 &&
               (count = read(descriptor, to + length, capacity - 1 - length)) > 0) {
            length += (size_t)count;
        }
        close(descriptor);
    }
    to[length] = '\0';
    return length;
}

static uint64_t read_start_time(void) {
    char stat[1024];
    read_file("/proc/self/stat", stat, sizeof(stat));
    /* Field 2, the name, may hold spaces and parentheses: count from its closing one. */
    const char *at = strrchr(stat, ')');
    if (at == NULL)
        return 0;
    enum { FIRST_AFTER_NAME = 3, START_TIME = 22 };
    at++;
    for (int field = FIRST_AFTER_NAME; field <= START_TIME; field++) {
        while (*at == ' ')
            at++;
        if (field == START_TIME)
            break;
        while (*at != '\0' && *at != ' ')
            at++;
    }
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

void identity_read(struct identity *identity) {
    memset(identity, 0, sizeof(*identity));
    identity->pid = (uint32_t)getpid();
    identity->start_time = read_start_time();
    ssize_t length = readlink("/proc/self/exe", identity->exe, sizeof(identity->exe) - 1);
    identity->exe[length > 0 ? length : 0] = '\0';
    size_t count = read_file("/proc/self/cmdline", identity->command, sizeof(identity->command));
    while (count > 0 && identity->command[count - 1] == '\0')
        count--;
    for (size_t i = 0; i < count; i++) {
        if (identity->command[i] == '\0')
            identity->command[i] = ' ';
    }
}

void identity_random(char id[XSP_ROUTING_ID_BYTES + 1]) {
    unsigned char bytes[XSP_ROUTING_ID_BYTES / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
        /* Only before the kernel's pool is ready; unique is enough then. */
        uint64_t parts[2] = {clock_now(), (uint64_t)getpid()};
        memcpy(bytes, parts, sizeof(bytes));
    }
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[XSP_ROUTING_ID_BYTES] = '\0';
}
