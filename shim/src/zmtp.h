/*
 * A ZMTP 3.x client for one DEALER connection, as bytes in and bytes out: no socket, no clock, no
 * allocation. Mechanisms NULL and PLAIN. The protocol: rfc.zeromq.org, 23/ZMTP and 37/ZMTP.
 */
#ifndef XSCHED_ZMTP_H
#define XSCHED_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zmtp_mechanism { ZMTP_NULL, ZMTP_PLAIN };
enum zmtp_phase { ZMTP_GREETING, ZMTP_WELCOME, ZMTP_READY, ZMTP_OPEN, ZMTP_FAILED };

enum {
    ZMTP_IN_BYTES = 20480, /* The longest frame taken, with its head. */
    ZMTP_OUT_BYTES = 512,  /* What one input may call for: greeting, commands, a PONG. */
    ZMTP_HEAD_BYTES = 9,   /* The longest head of a frame. */
    ZMTP_IDENTITY_BYTES = 255,
};

struct zmtp {
    enum zmtp_phase phase;
    enum zmtp_mechanism mechanism;
    char identity[ZMTP_IDENTITY_BYTES + 1];
    char error[128]; /* Why the phase is ZMTP_FAILED. */
    uint8_t in[ZMTP_IN_BYTES];
    size_t in_length;
    uint8_t out[ZMTP_OUT_BYTES]; /* To be sent before anything else; the caller empties it. */
    size_t out_length;
};

/*
 * Begins: leaves the greeting in `out`. `identity` (1 to 255 bytes) is the routing id and, with
 * PLAIN, the username too; the password is empty.
 */
void zmtp_start(struct zmtp *zmtp, enum zmtp_mechanism mechanism, const char *identity);

/*
 * Where to write what the peer sends next, and how much room there is; then zmtp_input for each
 * batch. The room is never 0 unless the phase is ZMTP_FAILED.
 */
uint8_t *zmtp_room(struct zmtp *zmtp, size_t *room);

/*
 * Takes `length` bytes that were written to zmtp_room and calls `deliver` for each message of one
 * frame; messages of several frames are not part of our protocol and fail the connection. Returns
 * false once the connection has failed.
 */
bool zmtp_input(struct zmtp *zmtp, size_t length,
                void (*deliver)(void *data, const uint8_t *message, size_t length), void *data);

/* Writes the head of a one-frame message of `length` bytes; returns the head's size. */
size_t zmtp_head(uint8_t head[ZMTP_HEAD_BYTES], size_t length);

#endif
