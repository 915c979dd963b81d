/* Sockets that notice when the host closes them or takes their numbers. descriptor_cases SOCKET */
#include "descriptor.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct descriptor adopt_one(int *other) {
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair: %s", strerror(errno));
    *other = pair[1];
    return descriptor_adopt(pair[0]);
}

static void check_taken_over(void) {
    int other;
    struct descriptor ours = adopt_one(&other);
    CHECK(ours.number >= 900 && descriptor_is_ours(ours), "not adopted: %d", ours.number);
    int number = ours.number;

    /* The host closes everything and opens a file: the number is the file's now. */
    CHECK(close(number) == 0, "close: %s", strerror(errno));
    CHECK(!descriptor_is_ours(ours), "a closed number still is ours");
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    CHECK(file >= 0, "open: %s", strerror(errno));
    CHECK(dup2(file, number) == number, "dup2: %s", strerror(errno));
    CHECK(!descriptor_is_ours(ours), "somebody's file is ours");
    descriptor_close(&ours);
    CHECK(ours.number == -1 && fcntl(number, F_GETFD) >= 0, "somebody's file was closed");

    /* Another socket is no better. */
    int fresh_other;
    struct descriptor fresh = adopt_one(&fresh_other);
    struct descriptor stale = {fresh.number, fresh.cookie + 1};
    CHECK(!descriptor_is_ours(stale), "a socket with another cookie is ours");
    descriptor_close(&stale);
    CHECK(descriptor_is_ours(fresh), "somebody's socket was closed");
    descriptor_close(&fresh);
    CHECK(fresh.number == -1 && !descriptor_is_ours(fresh), "it was not closed");
    descriptor_close(&fresh);
    close(number);
    close(file);
    close(other);
    close(fresh_other);
}

/* Where numbers are few it stays where it is. */
static void check_few_numbers(void) {
    struct rlimit before, few;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0, "getrlimit: %s", strerror(errno));
    few = before;
    few.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0, "setrlimit: %s", strerror(errno));
    int other;
    struct descriptor ours = adopt_one(&other);
    CHECK(ours.number >= 0 && ours.number < 64 && descriptor_is_ours(ours), "number %d",
          ours.number);
    descriptor_close(&ours);
    close(other);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0, "setrlimit: %s", strerror(errno));
}

static void check_connect(const char *path) {
    char longest[200];
    struct descriptor missing = descriptor_connect("/nonexistent/socket");
    CHECK(missing.number == -1 && errno == ENOENT, "errno %d", errno);
    memset(longest, 'p', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct descriptor endless = descriptor_connect(longest);
    CHECK(endless.number == -1 && errno == ENAMETOOLONG, "errno %d", errno);
    struct descriptor fine = descriptor_connect(path);
    CHECK(fine.number >= 900 && descriptor_is_ours(fine), "%s", strerror(errno));
    CHECK(fcntl(fine.number, F_GETFD) == FD_CLOEXEC, "it would survive an exec");
    CHECK((fcntl(fine.number, F_GETFL) & O_NONBLOCK) != 0, "it may block");
    descriptor_close(&fine);
}

int main(int argc, char **argv) {
    CHECK(argc == 2, "usage: descriptor_cases SOCKET");
    check_taken_over();
    check_few_numbers();
    check_connect(argv[1]);
    return 0;
}
