/*
 * Feeds the shim's decoder with noise and with mutilated messages: codec_fuzz SEED ROUNDS.
 *
 * What it refuses carries a sentence; what it takes encodes to a frame that decodes to the same.
 * Prints how many frames were taken, so that a run that never got past the first byte shows.
 */
#include "message.h"

#include "check.h"

#include <string.h>

enum { LONGEST = 1600 };

static uint64_t state;

/* Mostly small, at times at the edge of its type. */
static uint32_t random_u32(void) {
    uint64_t bits = random_next(&state);
    return (uint32_t)(bits >> (32 + random_below(&state, 32)));
}

static size_t make_valid(uint8_t *to, size_t capacity) {
    static char text[1024];
    xsp_any message;
    memset(&message, 0, sizeof(message));
    switch (random_below(&state, 4)) {
    case 0:
        message.opcode = XSP_OP_WELCOME;
        message.as.welcome = (xsp_welcome){random_u32(), random_next(&state) >> 12, true, false};
        break;
    case 1:
        message.opcode = XSP_OP_ERROR;
        memset(text, 'a' + (int)random_below(&state, 26), sizeof(text));
        message.as.error =
            (xsp_error){random_u32(), {text, (uint32_t)random_below(&state, sizeof(text) + 1)}};
        break;
    default:
        message.opcode = random_below(&state, 2) ? XSP_OP_PERMIT : XSP_OP_SUSPEND;
        message.as.permit = (xsp_permit){random_u32(),
                                         random_u32(),
                                         random_u32(),
                                         (int32_t)random_below(&state, 511) - 255,
                                         (uint32_t)random_below(&state, 1022),
                                         random_u32() % (XSP_LATENCY_MAX_US + 1),
                                         random_below(&state, 2) != 0,
                                         random_below(&state, 2) != 0,
                                         random_below(&state, 2) != 0,
                                         (uint32_t)random_below(&state, 4097)};
        break;
    }
    size_t length = message_encode(&message, to, capacity);
    CHECK(length > 0, "message %d does not fit", (int)message.opcode);
    return length;
}

static size_t mutilate(uint8_t *bytes, size_t length, size_t capacity) {
    for (uint64_t changes = random_below(&state, 4); changes > 0 && length > 0; changes--) {
        size_t at = random_below(&state, length);
        switch (random_below(&state, 4)) {
        case 0:
            bytes[at] = (uint8_t)random_next(&state);
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1U << random_below(&state, 8));
            break;
        case 2:
            length = at;
            break;
        default:
            if (length < capacity) {
                memmove(bytes + at + 1, bytes + at, length - at);
                bytes[at] = (uint8_t)random_next(&state);
                length++;
            }
            break;
        }
    }
    return length;
}

static size_t make_noise(uint8_t *bytes) {
    size_t length = random_below(&state, 64);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random_next(&state);
    /* Half of the noise begins as a message does. */
    if (length > 2 && random_below(&state, 2)) {
        static const uint8_t opcodes[] = {XSP_OP_WELCOME, XSP_OP_PERMIT, XSP_OP_SUSPEND,
                                          XSP_OP_ERROR};
        bytes[0] = (uint8_t)(0x90 | random_below(&state, 16));
        bytes[1] = opcodes[random_below(&state, sizeof(opcodes))];
    }
    return length;
}

/* True when the frame was taken. */
static bool try_frame(const uint8_t *bytes, size_t length) {
    /* A copy of just that size, so that a sanitizer sees a byte too far. */
    uint8_t *frame = malloc(length > 0 ? length : 1);
    CHECK(frame != NULL, "out of memory");
    memcpy(frame, bytes, length);
    xsp_any message, again;
    char error[MESSAGE_ERROR_BYTES];
    memset(error, 0x55, sizeof(error));
    bool taken = message_decode(frame, length, &message, error);
    if (taken) {
        uint8_t first[XSP_MESSAGE_BYTES], second[XSP_MESSAGE_BYTES];
        size_t first_length = message_encode(&message, first, sizeof(first));
        CHECK(first_length > 0, "what was decoded does not encode");
        CHECK(message_decode(first, first_length, &again, error), "%s", error);
        size_t second_length = message_encode(&again, second, sizeof(second));
        CHECK(first_length == second_length && memcmp(first, second, first_length) == 0,
              "a second round trip differs");
    } else {
        CHECK(memchr(error, '\0', sizeof(error)) != NULL && error[0] != '\0', "no sentence");
    }
    free(frame);
    return taken;
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: codec_fuzz SEED ROUNDS");
    state = check_argument(argv[1]);
    uint64_t rounds = check_argument(argv[2]);
    uint64_t taken = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        uint8_t bytes[LONGEST];
        size_t length;
        if (random_below(&state, 2)) {
            length = make_valid(bytes, sizeof(bytes));
            length = mutilate(bytes, length, sizeof(bytes));
        } else {
            length = make_noise(bytes);
        }
        taken += try_frame(bytes, length);
    }
    printf("%llu of %llu taken\n", (unsigned long long)taken, (unsigned long long)rounds);
    return 0;
}
