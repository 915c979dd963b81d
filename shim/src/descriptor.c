#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HIGH_NUMBER = 900 };

static bool read_cookie(int number, uint64_t *cookie) {
    socklen_t length = sizeof(*cookie);
    return getsockopt(number, SOL_SOCKET, SO_COOKIE, cookie, &length) == 0;
}

struct descriptor descriptor_adopt(int number) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > HIGH_NUMBER + 16) {
        int high = fcntl(number, F_DUPFD_CLOEXEC, HIGH_NUMBER);
        if (high >= 0) {
            close(number);
            number = high;
        }
    }
    struct descriptor adopted = {number, 0};
    if (!read_cookie(number, &adopted.cookie)) {
        close(number);
        adopted.number = -1;
    }
    return adopted;
}

bool descriptor_is_ours(struct descriptor descriptor) {
    uint64_t cookie;
    return descriptor.number >= 0 && read_cookie(descriptor.number, &cookie) &&
           cookie == descriptor.cookie;
}

void descriptor_close(struct descriptor *descriptor) {
    if (descriptor_is_ours(*descriptor))
        close(descriptor->number);
    descriptor->number = -1;
}

struct descriptor descriptor_connect(const char *path) {
    struct descriptor none = {-1, 0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return none;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int number = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0)
        return none;
    if (connect(number, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        int why = errno;
        close(number);
        errno = why;
        return none;
    }
    return descriptor_adopt(number);
}
