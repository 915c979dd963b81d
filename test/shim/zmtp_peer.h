/* The other end of a ZMTP connection, as bytes; and a client that remembers what was delivered. */
#ifndef TEST_ZMTP_PEER_H
#define TEST_ZMTP_PEER_H

#include "zmtp.h"

#include "check.h"

#include <string.h>

enum { PEER_BYTES = 65536, PEER_GREETING = 64 };

/* A growing row of bytes. */
struct bytes {
    uint8_t data[PEER_BYTES];
    size_t length;
};

static inline void bytes_add(struct bytes *to, const void *from, size_t length) {
    CHECK(length <= sizeof(to->data) - to->length, "the test's buffer is full");
    memcpy(to->data + to->length, from, length);
    to->length += length;
}

/* A greeting of ZMTP `major`.1 from a server with this mechanism. */
static inline void peer_greeting(struct bytes *to, uint8_t major, const char *mechanism) {
    uint8_t greeting[PEER_GREETING] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, major, 1};
    memcpy(greeting + 12, mechanism, strlen(mechanism));
    greeting[32] = 1;
    bytes_add(to, greeting, sizeof(greeting));
}

/* A frame; one whose body does not fit a byte is a long one. */
static inline void peer_frame(struct bytes *to, uint8_t flags, const void *body, size_t length) {
    uint8_t head[9] = {flags, (uint8_t)length};
    size_t head_length = 2;
    if (length > 255) {
        head[0] = flags | 2;
        for (int i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
        head_length = sizeof(head);
    }
    bytes_add(to, head, head_length);
    bytes_add(to, body, length);
}

static inline void peer_command(struct bytes *to, const char *name, const void *body,
                                size_t length) {
    struct bytes command = {.length = 0};
    uint8_t name_length = (uint8_t)strlen(name);
    bytes_add(&command, &name_length, 1);
    bytes_add(&command, name, name_length);
    bytes_add(&command, body, length);
    peer_frame(to, 4, command.data, command.length);
}

/* What a ROUTER says of itself in READY. */
static inline void peer_ready(struct bytes *to) {
    static const char metadata[] = "\x0bSocket-Type\0\0\0\6ROUTER\x08Identity\0\0\0\0";
    peer_command(to, "READY", metadata, sizeof(metadata) - 1);
}

/* Everything that a server sends until the connection is open. */
static inline void peer_handshake(struct bytes *to, enum zmtp_mechanism mechanism) {
    peer_greeting(to, 3, mechanism == ZMTP_PLAIN ? "PLAIN" : "NULL");
    if (mechanism == ZMTP_PLAIN)
        peer_command(to, "WELCOME", "", 0);
    peer_ready(to);
}

/* A connection under test, with all that it sent and delivered. */
struct client {
    struct zmtp zmtp;
    struct bytes sent;
    struct bytes delivered; /* Each message after its length in 4 bytes. */
    size_t messages;
};

static inline void client_take(void *data, const uint8_t *message, size_t length) {
    struct client *client = data;
    uint32_t size = (uint32_t)length;
    bytes_add(&client->delivered, &size, sizeof(size));
    bytes_add(&client->delivered, message, length);
    client->messages++;
}

static inline void client_flush(struct client *client) {
    bytes_add(&client->sent, client->zmtp.out, client->zmtp.out_length);
    client->zmtp.out_length = 0;
}

static inline void client_start(struct client *client, enum zmtp_mechanism mechanism,
                                const char *identity) {
    client->sent.length = client->delivered.length = client->messages = 0;
    zmtp_start(&client->zmtp, mechanism, identity);
    client_flush(client);
}

/* Hands over bytes, at most `batch` at a time; false once the connection has failed. */
static inline bool client_feed(struct client *client, const uint8_t *from, size_t length,
                               size_t batch) {
    while (length > 0) {
        size_t room;
        uint8_t *to = zmtp_room(&client->zmtp, &room);
        if (client->zmtp.phase == ZMTP_FAILED) {
            CHECK(room == 0, "a failed connection has room for %zu bytes", room);
            return false;
        }
        CHECK(room > 0 && room <= ZMTP_IN_BYTES, "room for %zu bytes", room);
        size_t count = length < batch ? length : batch;
        if (count > room)
            count = room;
        memcpy(to, from, count);
        from += count;
        length -= count;
        bool fine = zmtp_input(&client->zmtp, count, client_take, client);
        CHECK(fine == (client->zmtp.phase != ZMTP_FAILED), "phase %d and answer %d disagree",
              (int)client->zmtp.phase, fine);
        client_flush(client);
        if (!fine)
            return false;
    }
    return true;
}

#endif
