/* Which way launches go: whatever gets more done, most of the time. */
#include "trial.h"

#include "check.h"
#include "stress.h"

#include <string.h>

static const uint64_t US = 1000;
static const uint64_t S = 1000000000;

static struct trial trial;
static uint64_t now;
static uint64_t seed;

/* A program that launches without end on several queues, and what a launch takes by each way. */
struct program {
    uint64_t ns[2];
    uint64_t noise_ns;                 /* More, at random. */
    uint64_t pause_every_ns, pause_ns; /* Others have the GPU; none where the first is 0. */
    uint64_t burst, rest_ns; /* It rests after so many launches, more or less; 0: never. */
};

static const uint64_t COST = 500000;
enum { KEY = 1 };

/* The part of the time in which launches went side by side. */
static double run(const struct program *program, uint64_t lasts_ns) {
    uint64_t until = now + lasts_ns, beside = 0;
    uint64_t paused_at = now;
    while (now < until) {
        uint64_t took = program->ns[trial.way];
        took += program->noise_ns > 0 ? random_below(&seed, program->noise_ns) : 0;
        beside += trial.way == SIDE_BY_SIDE ? took : 0;
        now += took;
        if (program->burst != 0 && random_below(&seed, program->burst) == 0)
            now += program->rest_ns + random_below(&seed, program->rest_ns);
        if (program->pause_every_ns != 0 && now - paused_at >= program->pause_every_ns) {
            now += program->pause_ns;
            paused_at = now;
            trial_interrupted(&trial, now);
        }
        /* Side by side more of the launches are of queues that expect more of the same kernel. */
        bool is_dear = random_below(&seed, trial.way == SIDE_BY_SIDE ? 2 : 16) == 0;
        trial_note(&trial, KEY, is_dear ? 3 * COST : COST, now);
    }
    return (double)beside / (double)lasts_ns;
}

static void begin(void) {
    memset(&trial, 0, sizeof(trial));
    now = S;
    seed = 7;
}

static void expect_part(double part, double least, double most, const char *what) {
    CHECK(part >= least && part <= most, "%s: %.4f of the time side by side, not %.4f to %.4f",
          what, part, least, most);
}

/* Kernels that fill the GPU: side by side gets as much done, with or without the host's help. */
static void check_full(void) {
    static const uint64_t beside[] = {430000, 470000, 500000, 550000};
    for (int i = 0; i < 4; i++) {
        begin();
        struct program program = {.ns = {500000, beside[i]}, .noise_ns = 100000};
        expect_part(run(&program, 100 * S), 0.0001, 0.01, "kernels that fill the GPU");
        CHECK(trial.way == ONE_BY_ONE || trial_is_on(&trial), "it ends side by side");
    }
}

static void check_sharing(void) {
    static const uint64_t beside[] = {125000, 250000, 350000};
    for (int i = 0; i < 3; i++) {
        begin();
        struct program program = {.ns = {500000, beside[i]}, .noise_ns = 20000};
        expect_part(run(&program, 1 * S), 0.6, 1, "kernels that share it, at first");
        expect_part(run(&program, 100 * S), 0.98, 1, "kernels that share it");
    }
}

/* A program that does other things later on. */
static void check_change(void) {
    begin();
    struct program shares = {.ns = {500000, 150000}}, fills = {.ns = {500000, 500000}};
    run(&shares, 100 * S);
    CHECK(trial.way == SIDE_BY_SIDE, "it does not share");
    run(&fills, 100 * S);
    expect_part(run(&fills, 100 * S), 0, 0.01, "after the change");
    run(&shares, 100 * S);
    expect_part(run(&shares, 100 * S), 0.98, 1, "after the change back");
}

/* Once something else made one way look better. */
static void check_single_vote(void) {
    begin();
    struct program fills = {.ns = {500000, 500000}};
    while (trial.phase != TRIAL_MEASURES)
        run(&fills, 500 * US);
    struct program disturbed = {.ns = {900000, 500000}};
    while (trial.phase != TRIAL_RESTS)
        run(&disturbed, 500 * US);
    CHECK(trial.way == ONE_BY_ONE && trial.votes == 1, "one trial has decided");
    expect_part(run(&fills, 60 * S), 0, 0.01, "after a trial that was disturbed");
}

/* A higher queue is there a thousand times a second: nothing can be measured, nothing is lost. */
static void check_interrupted(void) {
    begin();
    struct program program = {
        .ns = {500000, 100000}, .pause_every_ns = 1000 * US, .pause_ns = 5000 * US};
    expect_part(run(&program, 100 * S), 0, 0.03, "with others in between all the time");
    CHECK(trial.way == ONE_BY_ONE || trial_is_on(&trial), "it was decided all the same");
    /* Ten times a second there is time enough. */
    begin();
    program.pause_every_ns = 100000 * US;
    run(&program, 10 * S);
    /* Of 105 ms the others have 5. */
    expect_part(run(&program, 100 * S), 0.94, 0.96, "with others in between at times");
}

/* A program that has other things to do, for which neither way can do anything. */
static void check_pauses(void) {
    static const struct program programs[] = {
        {.ns = {500000, 500000}, .burst = 32, .rest_ns = 30000000},
        {.ns = {500000, 500000}, .burst = 16, .rest_ns = 30000000},
        {.ns = {500000, 500000}, .burst = 32, .rest_ns = 10000000},
    };
    for (int i = 0; i < 3; i++) {
        for (uint64_t each = 1; each <= 20; each++) {
            begin();
            seed = each;
            expect_part(run(&programs[i], 120 * S), 0, 0.01, "with pauses");
        }
    }
}

int main(void) {
    check_full();
    check_sharing();
    check_change();
    check_single_vote();
    check_interrupted();
    check_pauses();
    return 0;
}
