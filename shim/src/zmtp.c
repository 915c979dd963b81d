#include "zmtp.h"

#include <stdio.h>
#include <string.h>

enum { GREETING_BYTES = 64, SIGNATURE_BYTES = 10, MECHANISM_AT = 12, MECHANISM_BYTES = 20 };
enum { FLAG_MORE = 1, FLAG_LONG = 2, FLAG_COMMAND = 4 };

static bool fail(struct zmtp *zmtp, const char *why) {
    zmtp->phase = ZMTP_FAILED;
    snprintf(zmtp->error, sizeof(zmtp->error), "%s", why);
    return false;
}

static bool emit(struct zmtp *zmtp, const void *bytes, size_t count) {
    if (count > sizeof(zmtp->out) - zmtp->out_length) {
        return fail(zmtp, "the peer asks for more answers than there is room for");
    }
    memcpy(zmtp->out + zmtp->out_length, bytes, count);
    zmtp->out_length += count;
    return true;
}

void zmtp_start(struct zmtp *zmtp, enum zmtp_mechanism mechanism, const char *identity) {
    memset(zmtp, 0, sizeof(*zmtp));
    zmtp->phase = ZMTP_GREETING;
    zmtp->mechanism = mechanism;
    snprintf(zmtp->identity, sizeof(zmtp->identity), "%s", identity);
    uint8_t greeting[GREETING_BYTES] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1};
    memcpy(greeting + MECHANISM_AT, mechanism == ZMTP_PLAIN ? "PLAIN" : "NULL",
           mechanism == ZMTP_PLAIN ? 5 : 4);
    emit(zmtp, greeting, sizeof(greeting));
}

size_t zmtp_head(uint8_t head[ZMTP_HEAD_BYTES], size_t length) {
    if (length <= 0xff) {
        head[0] = 0;
        head[1] = (uint8_t)length;
        return 2;
    }
    head[0] = FLAG_LONG;
    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)((uint64_t)length >> (56 - 8 * i));
    return ZMTP_HEAD_BYTES;
}

static bool emit_command(struct zmtp *zmtp, const char *name, const uint8_t *body, size_t length) {
    size_t name_length = strlen(name);
    size_t total = 1 + name_length + length;
    uint8_t head[ZMTP_HEAD_BYTES];
    size_t head_length = zmtp_head(head, total);
    head[0] |= FLAG_COMMAND;
    uint8_t name_size = (uint8_t)name_length;
    return emit(zmtp, head, head_length) && emit(zmtp, &name_size, 1) &&
           emit(zmtp, name, name_length) && emit(zmtp, body, length);
}

static size_t add_property(uint8_t *to, const char *name, const char *value) {
    size_t name_length = strlen(name);
    size_t value_length = strlen(value);
    uint8_t *at = to;
    *at++ = (uint8_t)name_length;
    memcpy(at, name, name_length);
    at += name_length;
    for (int i = 0; i < 4; i++)
        *at++ = (uint8_t)(value_length >> (24 - 8 * i));
    memcpy(at, value, value_length);
    return (size_t)(at - to) + value_length;
}

/* READY (NULL) and INITIATE (PLAIN) carry the same metadata. */
static bool emit_metadata(struct zmtp *zmtp, const char *command) {
    uint8_t body[64 + ZMTP_IDENTITY_BYTES];
    size_t length = add_property(body, "Socket-Type", "DEALER");
    length += add_property(body + length, "Identity", zmtp->identity);
    return emit_command(zmtp, command, body, length);
}

static bool take_greeting(struct zmtp *zmtp) {
    const char *wanted = zmtp->mechanism == ZMTP_PLAIN ? "PLAIN" : "NULL";
    const uint8_t *in = zmtp->in;
    if (in[0] != 0xff || (in[SIGNATURE_BYTES - 1] & 1) != 1) {
        return fail(zmtp, "the peer does not speak ZMTP");
    }
    if (in[SIGNATURE_BYTES] < 3)
        return fail(zmtp, "the peer speaks a ZMTP older than 3.0");
    char mechanism[MECHANISM_BYTES] = {0};
    memcpy(mechanism, wanted, strlen(wanted));
    if (memcmp(in + MECHANISM_AT, mechanism, MECHANISM_BYTES) != 0) {
        snprintf(zmtp->error, sizeof(zmtp->error), "the peer's mechanism is '%.20s', not '%s'",
                 (const char *)in + MECHANISM_AT, wanted);
        zmtp->phase = ZMTP_FAILED;
        return false;
    }
    if (zmtp->mechanism == ZMTP_NULL) {
        zmtp->phase = ZMTP_READY;
        return emit_metadata(zmtp, "READY");
    }
    uint8_t body[2 + ZMTP_IDENTITY_BYTES];
    size_t length = strlen(zmtp->identity);
    body[0] = (uint8_t)length;
    memcpy(body + 1, zmtp->identity, length);
    body[1 + length] = 0;
    zmtp->phase = ZMTP_WELCOME;
    return emit_command(zmtp, "HELLO", body, length + 2);
}

static bool is_command(const uint8_t *body, size_t length, const char *name) {
    size_t name_length = strlen(name);
    return length > name_length && body[0] == name_length &&
           memcmp(body + 1, name, name_length) == 0;
}

/*
 * Where the reason of an ERROR command begins, 0 when it is another command. libzmq's PLAIN server
 * (4.3.5) writes the name as "^RROR" and without its length: 0x5E is what a C compiler reads in
 * "\x5ERROR".
 */
static size_t error_reason_at(const uint8_t *body, size_t length) {
    static const char misspelt[] = "^RROR";
    size_t name_length = sizeof(misspelt) - 1;
    if (is_command(body, length, "ERROR"))
        return 1 + name_length;
    if (length >= name_length && memcmp(body, misspelt, name_length) == 0)
        return name_length;
    return 0;
}

static bool take_command(struct zmtp *zmtp, const uint8_t *body, size_t length) {
    size_t reason_at = error_reason_at(body, length);
    if (reason_at != 0) {
        size_t reason = length > reason_at ? body[reason_at] : 0;
        if (length < reason_at + 1 + reason)
            reason = 0;
        const char *text = reason > 0 ? (const char *)body + reason_at + 1 : "";
        snprintf(zmtp->error, sizeof(zmtp->error), "the daemon refused the connection: %.*s",
                 (int)reason, text);
        zmtp->phase = ZMTP_FAILED;
        return false;
    }
    switch (zmtp->phase) {
    case ZMTP_WELCOME:
        if (!is_command(body, length, "WELCOME"))
            return fail(zmtp, "expected WELCOME");
        zmtp->phase = ZMTP_READY;
        return emit_metadata(zmtp, "INITIATE");
    case ZMTP_READY:
        if (!is_command(body, length, "READY"))
            return fail(zmtp, "expected READY");
        zmtp->phase = ZMTP_OPEN;
        return true;
    default:
        /* PING carries a time to live and up to 16 bytes of context, which PONG gives back. */
        if (!is_command(body, length, "PING"))
            return true;
        if (length < 7 || length > 7 + 16)
            return fail(zmtp, "a PING of a wrong length");
        return emit_command(zmtp, "PONG", body + 7, length - 7);
    }
}

/* The frame at the buffer's start: its head and body sizes; false while it is not complete. */
static bool frame_complete(struct zmtp *zmtp, size_t from, size_t *head, uint64_t *body) {
    const uint8_t *in = zmtp->in + from;
    size_t have = zmtp->in_length - from;
    if (have < 2)
        return false;
    if ((in[0] & FLAG_LONG) == 0) {
        *head = 2;
        *body = in[1];
    } else {
        if (have < ZMTP_HEAD_BYTES)
            return false;
        *head = ZMTP_HEAD_BYTES;
        *body = 0;
        for (int i = 1; i < ZMTP_HEAD_BYTES; i++)
            *body = *body << 8 | in[i];
    }
    if (*body > ZMTP_IN_BYTES - ZMTP_HEAD_BYTES) {
        return fail(zmtp, "a frame over the limit");
    }
    return have - *head >= *body;
}

uint8_t *zmtp_room(struct zmtp *zmtp, size_t *room) {
    *room = zmtp->phase == ZMTP_FAILED ? 0 : ZMTP_IN_BYTES - zmtp->in_length;
    return zmtp->in + zmtp->in_length;
}

bool zmtp_input(struct zmtp *zmtp, size_t length,
                void (*deliver)(void *data, const uint8_t *message, size_t length), void *data) {
    if (zmtp->phase == ZMTP_FAILED)
        return false;
    zmtp->in_length += length;
    size_t at = 0;
    if (zmtp->phase == ZMTP_GREETING) {
        if (zmtp->in_length < GREETING_BYTES)
            return true;
        if (!take_greeting(zmtp))
            return false;
        at = GREETING_BYTES;
    }
    size_t head;
    uint64_t size;
    while (frame_complete(zmtp, at, &head, &size)) {
        uint8_t flags = zmtp->in[at];
        const uint8_t *body = zmtp->in + at + head;
        if ((flags & ~(FLAG_MORE | FLAG_LONG | FLAG_COMMAND)) != 0) {
            return fail(zmtp, "a frame with unknown flags");
        }
        if ((flags & FLAG_COMMAND) != 0) {
            if (!take_command(zmtp, body, size))
                return false;
        } else if (zmtp->phase != ZMTP_OPEN || (flags & FLAG_MORE) != 0) {
            return fail(zmtp, "a message where none belongs");
        } else {
            deliver(data, body, size);
        }
        at += head + size;
    }
    memmove(zmtp->in, zmtp->in + at, zmtp->in_length - at);
    zmtp->in_length -= at;
    return zmtp->phase != ZMTP_FAILED;
}
