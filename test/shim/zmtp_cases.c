/* What the ZMTP client makes of a well-behaved peer, cut anywhere, and of a wrong one. */
#include "zmtp_peer.h"

#define IDENTITY "0123456789abcdef0123456789abcdef"

static struct client client;
static struct bytes input;
static struct bytes expected;

static void begin(enum zmtp_mechanism mechanism) {
    client_start(&client, mechanism, IDENTITY);
    input.length = 0;
}

/* Feeds the input at once and expects the failure to be called `error`. */
static void expect_failure(const char *error) {
    CHECK(!client_feed(&client, input.data, input.length, input.length), "expected '%s'", error);
    CHECK(strcmp(client.zmtp.error, error) == 0, "the error is '%s', expected '%s'",
          client.zmtp.error, error);
    size_t room;
    zmtp_room(&client.zmtp, &room);
    CHECK(room == 0, "a failed connection still takes input");
    CHECK(!zmtp_input(&client.zmtp, 0, client_take, &client), "a failed connection came back");
}

static void expect_sent(const char *what) {
    CHECK(client.sent.length == expected.length &&
              memcmp(client.sent.data, expected.data, expected.length) == 0,
          "%s: sent %zu other bytes, expected %zu", what, client.sent.length, expected.length);
}

/* What the client must send until the connection is open, written out byte for byte. */
static void expect_handshake(enum zmtp_mechanism mechanism) {
    static const char greeting_null[64] = "\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL";
    static const char greeting_plain[64] = "\xff\0\0\0\0\0\0\0\0\x7f\3\1PLAIN";
    static const char metadata[] = "\x0bSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\x20" IDENTITY;
    static const char hello[] = "\x20" IDENTITY;
    expected.length = 0;
    if (mechanism == ZMTP_NULL) {
        bytes_add(&expected, greeting_null, sizeof(greeting_null));
        peer_command(&expected, "READY", metadata, sizeof(metadata) - 1);
        return;
    }
    bytes_add(&expected, greeting_plain, sizeof(greeting_plain));
    /* The closing zero is the length of the empty password. */
    peer_command(&expected, "HELLO", hello, sizeof(hello));
    peer_command(&expected, "INITIATE", metadata, sizeof(metadata) - 1);
}

/* A handshake, then short, empty and long messages and commands between them. */
static void write_session(enum zmtp_mechanism mechanism) {
    static uint8_t text[2000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7);
    peer_handshake(&input, mechanism);
    peer_frame(&input, 0, text, 5);
    peer_frame(&input, 0, text, 0);
    peer_command(&input, "PING", "\0\x0a", 2);
    peer_frame(&input, 0, text, 255);
    peer_command(&input, "PING",
                 "\0\x0a"
                 "0123456789abcdef",
                 18);
    peer_frame(&input, 0, text, 256);
    peer_command(&input, "SUBSCRIBE", "x", 1);
    peer_frame(&input, 0, text, 700);
    /* The session's answers and deliveries. */
    expect_handshake(mechanism);
    peer_command(&expected, "PONG", "", 0);
    peer_command(&expected, "PONG", "0123456789abcdef", 16);
}

static void check_delivered(void) {
    static const uint32_t lengths[] = {5, 0, 255, 256, 700};
    size_t at = 0;
    CHECK(client.messages == 5, "%zu messages were delivered", client.messages);
    for (size_t i = 0; i < 5; i++) {
        uint32_t length;
        memcpy(&length, client.delivered.data + at, sizeof(length));
        at += sizeof(length);
        CHECK(length == lengths[i], "message %zu has %u bytes", i, length);
        for (uint32_t k = 0; k < length; k++)
            CHECK(client.delivered.data[at + k] == (uint8_t)(k * 7), "message %zu differs", i);
        at += length;
    }
}

/* The same session in every batch size, and cut in two and in three at every place. */
static void check_splits(enum zmtp_mechanism mechanism) {
    begin(mechanism);
    write_session(mechanism);
    static const size_t batches[] = {1, 2, 3, 7, 64, 65, 1000, PEER_BYTES};
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        client_start(&client, mechanism, IDENTITY);
        CHECK(client_feed(&client, input.data, input.length, batches[i]), "%s", client.zmtp.error);
        check_delivered();
        expect_sent("a session in batches");
    }
    for (size_t cut = 1; cut < input.length; cut++) {
        for (size_t gap = 1; gap <= 9; gap += 4) {
            size_t second = cut + gap < input.length ? gap : input.length - cut;
            client_start(&client, mechanism, IDENTITY);
            CHECK(client_feed(&client, input.data, cut, cut) &&
                      client_feed(&client, input.data + cut, second, second) &&
                      client_feed(&client, input.data + cut + second, input.length - cut - second,
                                  PEER_BYTES),
                  "cut at %zu: %s", cut, client.zmtp.error);
            check_delivered();
            expect_sent("a session that was cut");
        }
    }
    CHECK(client.zmtp.phase == ZMTP_OPEN, "the phase is %d", (int)client.zmtp.phase);
}

static void check_greetings(void) {
    begin(ZMTP_NULL);
    for (int i = 0; i < PEER_GREETING; i++)
        bytes_add(&input, "H", 1);
    expect_failure("the peer does not speak ZMTP");

    begin(ZMTP_NULL);
    peer_greeting(&input, 3, "NULL");
    input.data[9] = 0x7e;
    expect_failure("the peer does not speak ZMTP");

    begin(ZMTP_NULL);
    peer_greeting(&input, 2, "NULL");
    expect_failure("the peer speaks a ZMTP older than 3.0");

    begin(ZMTP_NULL);
    peer_greeting(&input, 4, "NULL");
    peer_ready(&input);
    CHECK(client_feed(&client, input.data, input.length, input.length), "%s", client.zmtp.error);

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "NULL");
    expect_failure("the peer's mechanism is 'NULL', not 'PLAIN'");

    begin(ZMTP_NULL);
    peer_greeting(&input, 3, "CURVE");
    expect_failure("the peer's mechanism is 'CURVE', not 'NULL'");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAINER");
    expect_failure("the peer's mechanism is 'PLAINER', not 'PLAIN'");

    /* A name that fills its field has no end of its own. */
    begin(ZMTP_NULL);
    peer_greeting(&input, 3, "ABCDEFGHIJKLMNOPQRST");
    expect_failure("the peer's mechanism is 'ABCDEFGHIJKLMNOPQRST', not 'NULL'");
}

static void check_handshakes(void) {
    begin(ZMTP_NULL);
    peer_greeting(&input, 3, "NULL");
    peer_command(&input, "WELCOME", "", 0);
    expect_failure("expected READY");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_ready(&input);
    expect_failure("expected WELCOME");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_command(&input, "ERROR",
                 "\3"
                 "400",
                 4);
    expect_failure("the daemon refused the connection: 400");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_command(&input, "ERROR", "", 0);
    expect_failure("the daemon refused the connection: ");

    /* So libzmq writes it. */
    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_frame(&input, 4, "^RROR\003400", 9);
    expect_failure("the daemon refused the connection: 400");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_frame(&input, 4, "^RROR", 5);
    expect_failure("the daemon refused the connection: ");

    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_frame(&input, 4, "^RROR\004400", 9);
    expect_failure("the daemon refused the connection: ");

    /* A reason that is longer than its command is none. */
    begin(ZMTP_PLAIN);
    peer_greeting(&input, 3, "PLAIN");
    peer_command(&input, "ERROR",
                 "\xff"
                 "400",
                 4);
    expect_failure("the daemon refused the connection: ");

    begin(ZMTP_NULL);
    peer_greeting(&input, 3, "NULL");
    peer_frame(&input, 0, "early", 5);
    expect_failure("a message where none belongs");
}

static void begin_open(void) {
    begin(ZMTP_PLAIN);
    peer_handshake(&input, ZMTP_PLAIN);
    CHECK(client_feed(&client, input.data, input.length, input.length), "%s", client.zmtp.error);
    input.length = 0;
    client.sent.length = 0;
}

static void check_frames(void) {
    begin_open();
    peer_frame(&input, 1, "first of two", 12);
    expect_failure("a message where none belongs");

    begin_open();
    peer_frame(&input, 8, "x", 1);
    expect_failure("a frame with unknown flags");

    begin_open();
    peer_command(&input, "PING", "\0", 1);
    expect_failure("a PING of a wrong length");

    begin_open();
    peer_command(&input, "PING",
                 "\0\0"
                 "0123456789abcdefg",
                 19);
    expect_failure("a PING of a wrong length");

    begin_open();
    peer_command(&input, "ERROR",
                 "\4"
                 "gone",
                 5);
    expect_failure("the daemon refused the connection: gone");

    /* The longest frame passes, whole; the head alone of a longer one is enough to refuse it. */
    static uint8_t body[ZMTP_IN_BYTES];
    begin_open();
    peer_frame(&input, 0, body, ZMTP_IN_BYTES - ZMTP_HEAD_BYTES);
    CHECK(client_feed(&client, input.data, input.length, 4096), "%s", client.zmtp.error);
    CHECK(client.messages == 1, "the longest frame was not delivered");
    static const char *const heads[] = {"\2\0\0\0\0\0\0\x4f\xf8", "\2\0\0\0\0\1\0\0\0",
                                        "\2\x80\0\0\0\0\0\0\0",
                                        "\2\xff\xff\xff\xff\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        begin_open();
        bytes_add(&input, heads[i], ZMTP_HEAD_BYTES);
        expect_failure("a frame over the limit");
    }

    /* Unknown commands are none of our business; a flood of questions is. */
    begin_open();
    peer_command(&input, "NOVELTY", "x", 1);
    peer_command(&input, "", "", 0);
    peer_frame(&input, 4, "", 0);
    peer_command(&input, "PONG", "", 0);
    peer_frame(&input, 0, "after", 5);
    CHECK(client_feed(&client, input.data, input.length, input.length), "%s", client.zmtp.error);
    CHECK(client.messages == 1 && client.sent.length == 0, "unknown commands were answered");
    begin_open();
    for (int i = 0; i < 500; i++)
        peer_command(&input, "PING",
                     "\0\0"
                     "0123456789abcdef",
                     18);
    expect_failure("the peer asks for more answers than there is room for");
}

static void check_heads(void) {
    static const size_t lengths[] = {0, 1, 255, 256, 65535, 65536, (size_t)1 << 40};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t head[ZMTP_HEAD_BYTES];
        size_t size = zmtp_head(head, lengths[i]);
        uint64_t value = 0;
        CHECK(size == (lengths[i] > 255 ? 9U : 2U), "the head of %zu bytes has %zu", lengths[i],
              size);
        CHECK(head[0] == (lengths[i] > 255 ? 2 : 0), "the flags are %d", head[0]);
        for (size_t k = 1; k < size; k++)
            value = value << 8 | head[k];
        CHECK(value == lengths[i], "the head of %zu bytes says %llu", lengths[i],
              (unsigned long long)value);
    }
}

static void check_identities(void) {
    static char longest[ZMTP_IDENTITY_BYTES + 1];
    memset(longest, 'i', ZMTP_IDENTITY_BYTES);
    static const enum zmtp_mechanism mechanisms[] = {ZMTP_NULL, ZMTP_PLAIN};
    for (size_t i = 0; i < 2; i++) {
        for (size_t length = 1; length <= ZMTP_IDENTITY_BYTES; length++) {
            client_start(&client, mechanisms[i], longest + ZMTP_IDENTITY_BYTES - length);
            input.length = 0;
            peer_handshake(&input, mechanisms[i]);
            /* The server's WELCOME answers our HELLO, so it never comes with the greeting. */
            CHECK(client_feed(&client, input.data, PEER_GREETING, PEER_GREETING) &&
                      client_feed(&client, input.data + PEER_GREETING, input.length - PEER_GREETING,
                                  PEER_BYTES),
                  "%zu bytes: %s", length, client.zmtp.error);
            CHECK(client.zmtp.phase == ZMTP_OPEN, "%zu bytes: not open", length);
        }
    }
}

int main(void) {
    check_splits(ZMTP_NULL);
    check_splits(ZMTP_PLAIN);
    check_greetings();
    check_handshakes();
    check_frames();
    check_heads();
    check_identities();
    return 0;
}
