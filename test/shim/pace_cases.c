/* What launches are expected to take: kinds, groups of several, surprises. */
#include "pace.h"

#include "check.h"

#include <string.h>

enum { UNKNOWN_NS = 25000, SLOWNESS = 8 };

static struct pace pace;

static void begin(void) {
    memset(&pace, 0, sizeof(pace));
}

static uint64_t expect_of(uint64_t key, uint32_t kernels) {
    uint8_t kind;
    uint64_t ns = pace_expect(&pace, key, kernels, UNKNOWN_NS, &kind);
    CHECK(kind < PACE_KINDS, "place %d", kind);
    return ns;
}

/* Launches the kinds together; each lasts what `last` says of it. */
static void run(const uint64_t *keys, uint8_t count, uint64_t (*last)(uint64_t key)) {
    struct pace_group group = {count, {0}};
    uint64_t seen = 0;
    for (uint8_t i = 0; i < count; i++) {
        pace_expect(&pace, keys[i], 1, UNKNOWN_NS, &group.kinds[i]);
        seen += last(keys[i]);
    }
    pace_learn(&pace, &group, (double)seen / (double)pace_of_group(&pace, &group), SLOWNESS);
}

/* Kinds 1 to 4 last 5, 20, 80 and 320 microseconds, others as one of them. */
static uint64_t by_key(uint64_t key) {
    return UINT64_C(5000) << (2 * ((key - 1) % 4));
}

static void expect_near(uint64_t key, double tolerance) {
    double ratio = (double)expect_of(key, 1) / (double)by_key(key);
    CHECK(ratio > 1 - tolerance && ratio < 1 + tolerance, "kind %d: %.2f of what it lasts",
          (int)key, ratio);
}

static void check_unknown(void) {
    begin();
    CHECK(expect_of(1, 1) == UNKNOWN_NS, "%d", (int)expect_of(1, 1));
    CHECK(expect_of(2, 300) == UINT64_C(300) * UNKNOWN_NS, "a graph counts its kernels");
    run((const uint64_t[]){3}, 1, by_key);
    CHECK(expect_of(9, 10) == 10 * by_key(3), "what is new is like the average");
}

static void check_first_sight(void) {
    begin();
    run((const uint64_t[]){4}, 1, by_key);
    expect_near(4, 0.001);
}

/* However often it is in a group, a kind is seen once. */
static void check_alike(void) {
    begin();
    run((const uint64_t[]){2, 2, 2, 2, 2, 2, 2, 2}, 8, by_key);
    expect_near(2, 0.001);
    for (int i = 0; i < 20; i++)
        run((const uint64_t[]){2, 2, 2, 2, 2, 2, 2, 2}, 8, by_key);
    expect_near(2, 0.001);
}

/* Of groups only the sum is seen, but they differ. */
static void check_groups(void) {
    enum { MOST = 32 };
    uint64_t random = 7;
    begin();
    for (int i = 0; i < 3000; i++) {
        uint64_t keys[PACE_GROUP];
        uint8_t count = (uint8_t)(1 + random_below(&random, MOST));
        for (uint8_t k = 0; k < count; k++)
            keys[k] = 1 + random_below(&random, 4);
        run(keys, count, by_key);
    }
    for (uint64_t key = 1; key <= 4; key++)
        expect_near(key, 0.5);
    expect_near(4, 0.1);
}

static uint64_t factor;
static uint64_t changed(uint64_t key) {
    return factor * by_key(key);
}

static void check_change(void) {
    begin();
    for (int i = 0; i < 20; i++)
        run((const uint64_t[]){2}, 1, by_key);
    factor = 4;
    run((const uint64_t[]){2}, 1, changed);
    CHECK(expect_of(2, 1) < 2 * by_key(2), "one surprise does not change everything");
    for (int i = 0; i < 60; i++)
        run((const uint64_t[]){2}, 1, changed);
    CHECK(expect_of(2, 1) > 39 * by_key(2) / 10, "%d", (int)expect_of(2, 1));
}

/* Other processes have the GPU now and then, for far longer than a launch lasts. */
static void check_surprises(void) {
    begin();
    for (int i = 0; i < 199; i++) {
        factor = i % 3 == 0 ? 1 : 50;
        run((const uint64_t[]){2, 2, 2, 2}, 4, changed);
        run((const uint64_t[]){3}, 1, by_key);
    }
    expect_near(2, 0.01);
    CHECK(expect_of(9, 1) < 2 * by_key(3), "what is new is like the average, %d",
          (int)expect_of(9, 1));
    /* But a launch may come to last longer: it is the same each time. */
    static const uint64_t factors[] = {60, 20, 30};
    for (int i = 0; i < 3; i++) {
        expect_near(2, 0.01);
        factor = factors[i];
        run((const uint64_t[]){2, 2, 2, 2}, 4, changed);
    }
    CHECK(expect_of(2, 1) == 20 * by_key(2), "%d", (int)expect_of(2, 1));
}

static uint64_t nothing(uint64_t key) {
    (void)key;
    return 0;
}

static uint64_t ages(uint64_t key) {
    (void)key;
    return UINT64_C(3600) * 1000000000;
}

/* More kinds than there is room for, and times that nobody would believe. */
static void check_limits(void) {
    uint64_t random = 11;
    begin();
    for (int i = 0; i < 20000; i++) {
        uint64_t keys[] = {random_next(&random), 1 + random_below(&random, 4)};
        run(keys, 2, i % 3 == 0 ? nothing : i % 3 == 1 ? ages : by_key);
        for (int k = 0; k < 2; k++) {
            uint64_t ns = expect_of(keys[k], 1);
            CHECK(ns >= 1000 && ns <= 1000000000, "%llu", (unsigned long long)ns);
        }
    }
    CHECK(expect_of(random_next(&random), 1021) <= 1000000000, "a launch counts a second at most");
}

int main(void) {
    check_unknown();
    check_first_sight();
    check_alike();
    check_groups();
    check_change();
    check_surprises();
    check_limits();
    return 0;
}
