/*
 * A ZMTP connection of the shim to a real ROUTER: zmtp_client NULL|PLAIN SOCKET.
 *
 * Orders come on standard input, a line each: `connect IDENTITY` (again: the old connection is
 * closed), `send LENGTH` (a message whose bytes follow from its length), `quit`. What happens goes
 * to standard output: `open`, `message LENGTH`, `wrong LENGTH` (other bytes than those that follow
 * from the length), `failed WHY`, `closed`, and at the end `pongs COUNT`.
 */
#include "descriptor.h"
#include "zmtp.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 20000, LIFE_SECONDS = 60, LOWEST_NUMBER = 900 };

static struct zmtp zmtp;
static struct descriptor link_socket = {-1, 0};
static unsigned pongs;

static uint8_t byte_of(size_t length, size_t index) {
    return (uint8_t)(length + index * 7);
}

static void say(const char *line) {
    puts(line);
    fflush(stdout);
}

/* Sends everything, waiting where the socket is full. */
static void send_all(const uint8_t *bytes, size_t length) {
    while (length > 0 && link_socket.number >= 0) {
        ssize_t count = send(link_socket.number, bytes, length, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            struct pollfd wanted = {link_socket.number, POLLOUT, 0};
            poll(&wanted, 1, -1);
            continue;
        }
        if (count < 0)
            return; /* The peer has closed; reading will tell. */
        bytes += count;
        length -= (size_t)count;
    }
}

static void flush_answers(void) {
    /* PONG is the only command that is called for once the connection is open. */
    if (zmtp.phase == ZMTP_OPEN && zmtp.out_length >= 7 && memcmp(zmtp.out + 3, "PONG", 4) == 0)
        pongs++;
    send_all(zmtp.out, zmtp.out_length);
    zmtp.out_length = 0;
}

static void take_message(void *data, const uint8_t *message, size_t length) {
    (void)data;
    bool right = true;
    for (size_t i = 0; i < length; i++)
        right = right && message[i] == byte_of(length, i);
    printf("%s %zu\n", right ? "message" : "wrong", length);
    fflush(stdout);
}

static void begin(enum zmtp_mechanism mechanism, const char *path, const char *identity) {
    descriptor_close(&link_socket);
    link_socket = descriptor_connect(path);
    CHECK(link_socket.number >= LOWEST_NUMBER, "descriptor %d: %s", link_socket.number,
          strerror(errno));
    CHECK(descriptor_is_ours(link_socket), "a fresh socket is not ours");
    CHECK(fcntl(link_socket.number, F_GETFD) == FD_CLOEXEC, "it would survive an exec");
    zmtp_start(&zmtp, mechanism, identity);
    flush_answers();
}

static void send_message(size_t length) {
    static uint8_t frame[ZMTP_HEAD_BYTES + LONGEST];
    CHECK(length <= LONGEST, "%zu bytes are too many", length);
    size_t head = zmtp_head(frame, length);
    for (size_t i = 0; i < length; i++)
        frame[head + i] = byte_of(length, i);
    send_all(frame, head + length);
}

static void receive(void) {
    if (link_socket.number < 0)
        return;
    size_t room;
    uint8_t *to = zmtp_room(&zmtp, &room);
    ssize_t count = recv(link_socket.number, to, room, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        descriptor_close(&link_socket);
        say("closed");
        return;
    }
    bool was_open = zmtp.phase == ZMTP_OPEN;
    bool fine = zmtp_input(&zmtp, (size_t)count, take_message, NULL);
    flush_answers();
    if (!fine) {
        descriptor_close(&link_socket);
        printf("failed %s\n", zmtp.error);
        fflush(stdout);
    } else if (!was_open && zmtp.phase == ZMTP_OPEN) {
        say("open");
    }
}

/* False at the end of the orders. */
static bool obey(enum zmtp_mechanism mechanism, const char *path) {
    static char line[600];
    /* A byte at a time, so that nothing waits in a buffer that poll does not see. */
    size_t length = 0;
    char byte;
    ssize_t count;
    while ((count = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n') {
        CHECK(length < sizeof(line) - 1, "an order is too long");
        line[length++] = byte;
    }
    line[length] = '\0';
    if (count <= 0 || strcmp(line, "quit") == 0)
        return false;
    if (strncmp(line, "connect ", 8) == 0) {
        begin(mechanism, path, line + 8);
    } else if (strncmp(line, "send ", 5) == 0) {
        send_message(check_argument(line + 5));
    } else {
        CHECK(false, "'%s' is no order", line);
    }
    return true;
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: zmtp_client NULL|PLAIN SOCKET");
    enum zmtp_mechanism mechanism = strcmp(argv[1], "PLAIN") == 0 ? ZMTP_PLAIN : ZMTP_NULL;
    alarm(LIFE_SECONDS);
    for (;;) {
        struct pollfd wanted[2] = {{STDIN_FILENO, POLLIN, 0}, {link_socket.number, POLLIN, 0}};
        CHECK(poll(wanted, 2, -1) >= 0, "poll: %s", strerror(errno));
        if (wanted[1].revents != 0)
            receive();
        else if (wanted[0].revents != 0 && !obey(mechanism, argv[2]))
            break;
    }
    descriptor_close(&link_socket);
    printf("pongs %u\n", pongs);
    return 0;
}
