/*
 * Feeds the ZMTP client with noise and with mutilated sessions: zmtp_fuzz SEED ROUNDS.
 *
 * Each input goes in twice, in batches of different sizes; both runs must end alike. Prints how
 * many inputs were taken to their end, so that a run that never got past a greeting shows.
 */
#include "zmtp_peer.h"

static uint64_t state;
static struct bytes input;
static struct client whole;
static struct client pieces;

static void add_noise(size_t limit) {
    for (size_t left = random_below(&state, limit); left > 0; left--) {
        uint8_t byte = (uint8_t)random_next(&state);
        bytes_add(&input, &byte, 1);
    }
}

static void add_frame(void) {
    static const char *const names[] = {"PING", "PONG", "READY", "WELCOME", "ERROR", "SUBSCRIBE"};
    static uint8_t body[3000];
    size_t length = random_below(&state, 5) == 0 ? random_below(&state, sizeof(body))
                                                 : random_below(&state, 30);
    for (size_t i = 0; i < length; i++)
        body[i] = (uint8_t)random_next(&state);
    switch (random_below(&state, 4)) {
    case 0:
        peer_command(&input, names[random_below(&state, sizeof(names) / sizeof(names[0]))], body,
                     length % 32);
        break;
    case 1:
        peer_command(&input, "PING", body, 2 + length % 17);
        break;
    default:
        peer_frame(&input, 0, body, length);
        break;
    }
}

static void make_input(enum zmtp_mechanism mechanism) {
    input.length = 0;
    if (random_below(&state, 8) == 0) {
        add_noise(200);
        return;
    }
    peer_handshake(&input, mechanism);
    for (uint64_t frames = random_below(&state, 6); frames > 0; frames--)
        add_frame();
    for (uint64_t changes = random_below(&state, 3); changes > 0; changes--)
        input.data[random_below(&state, input.length)] = (uint8_t)random_next(&state);
    if (random_below(&state, 8) == 0)
        add_noise(100);
}

static bool run(struct client *client, enum zmtp_mechanism mechanism, size_t batch) {
    client_start(client, mechanism, "0123456789abcdef");
    /* A copy of just that size, so that a sanitizer sees a byte too far. */
    uint8_t *copy = malloc(input.length > 0 ? input.length : 1);
    CHECK(copy != NULL, "out of memory");
    memcpy(copy, input.data, input.length);
    bool fine = client_feed(client, copy, input.length, batch);
    free(copy);
    CHECK(fine || client->zmtp.error[0] != '\0', "a failure without a reason");
    CHECK(memchr(client->zmtp.error, '\0', sizeof(client->zmtp.error)) != NULL, "no end");
    return fine;
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: zmtp_fuzz SEED ROUNDS");
    state = check_argument(argv[1]);
    uint64_t rounds = check_argument(argv[2]);
    uint64_t taken = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        enum zmtp_mechanism mechanism = random_below(&state, 2) ? ZMTP_PLAIN : ZMTP_NULL;
        make_input(mechanism);
        bool fine = run(&whole, mechanism, 1 + random_below(&state, 300));
        bool again = run(&pieces, mechanism, 1 + random_below(&state, 3));
        CHECK(fine == again && whole.zmtp.phase == pieces.zmtp.phase, "round %llu ends differently",
              (unsigned long long)i);
        CHECK(whole.messages == pieces.messages &&
                  whole.delivered.length == pieces.delivered.length &&
                  memcmp(whole.delivered.data, pieces.delivered.data, whole.delivered.length) == 0,
              "round %llu delivers differently", (unsigned long long)i);
        taken += fine && whole.zmtp.phase == ZMTP_OPEN;
    }
    printf("%llu of %llu taken\n", (unsigned long long)taken, (unsigned long long)rounds);
    return 0;
}
