#include "trial.h"

#include "clock.h"
#include "pace.h"

#include <string.h>

/* A way is measured for so much time in which launches went, and so many of them. */
static const uint64_t MEASURED_NS = 10 * NS_PER_MS;
enum { MEASURED_LAUNCHES = 24 };
/* The first ones after a change fill the GPU or drain it. */
enum { PASSED_OVER = 8 };
/* After a longer pause than in which so many launches would go, the program had something else to
 * do or to wait for. */
enum { PAUSE_LAUNCHES = 8 };
static const uint64_t PAUSE_NS = 1 * NS_PER_MS;
/* After a change it takes so many to learn again what launches take. */
enum { LEARNING_LAUNCHES = 64 };
/* With others in between all the time it is given up, after the time of so many launches. */
enum { PATIENCE_LAUNCHES = 64 };
static const uint64_t PATIENCE_NS = 50 * NS_PER_MS;
/* From the beginning to the first trial, between two that may decide together, and between two of
 * which the first has decided: that is so much longer than the trial was, and grows so fast. */
static const uint64_t FIRST_REST_NS = 100 * NS_PER_MS;
static const uint64_t VOTE_REST_NS = 50 * NS_PER_MS;
static const uint64_t REST_LEAST_NS = 4 * NS_PER_S;
static const uint64_t REST_MOST_NS = 32 * NS_PER_S;
enum { REST_GROWTH = 2, REST_PART = 100 };
/* Side by side has to get so much more done. */
static const double GAIN = 1.25;
enum { VOTES = 2 };

static void pass_over(struct trial *trial) {
    trial->passed_over = PASSED_OVER;
}

static void begin_phase(struct trial *trial, enum trial_phase phase, uint64_t lasts_ns,
                        uint64_t now) {
    trial->phase = phase;
    trial->began_at = now;
    trial->ends_at = now + lasts_ns;
    pass_over(trial);
    trial->cost = trial->ns = trial->launches = 0;
}

static void turn(struct trial *trial) {
    trial->way = trial->way == ONE_BY_ONE ? SIDE_BY_SIDE : ONE_BY_ONE;
}

/* The trial is over, and nothing is to be tried for a while. */
static void rest(struct trial *trial, bool is_changed, uint64_t now) {
    uint64_t least_ns = (now - trial->began_at) * REST_PART;
    uint64_t grown_ns = trial->rest_ns * REST_GROWTH;
    if (is_changed || grown_ns < REST_LEAST_NS)
        trial->rest_ns = REST_LEAST_NS;
    else
        trial->rest_ns = grown_ns < REST_MOST_NS ? grown_ns : REST_MOST_NS;
    begin_phase(trial, TRIAL_RESTS, trial->rest_ns > least_ns ? trial->rest_ns : least_ns, now);
}

/* The other way was tried: keeps the better one. */
static void judge(struct trial *trial, double tried_rate, uint64_t now) {
    bool is_better = trial->way == SIDE_BY_SIDE ? tried_rate > GAIN * trial->kept_rate
                                                : GAIN * tried_rate >= trial->kept_rate;
    trial->votes = is_better ? trial->votes + 1 : 0;
    if (trial->votes == VOTES) {
        trial->votes = 0;
        rest(trial, true, now);
        return;
    }
    turn(trial);
    if (is_better)
        begin_phase(trial, TRIAL_RESTS, VOTE_REST_NS, now);
    else
        rest(trial, false, now);
}

static void give_up(struct trial *trial, uint64_t now) {
    if (trial->phase == TRIAL_TRIES)
        turn(trial);
    trial->votes = 0;
    rest(trial, false, now);
}

/* A way has been measured, for the time of so many launches at most. */
static void end_phase(struct trial *trial, uint64_t lasts_ns, uint64_t now) {
    double rate = (double)trial->cost / (double)trial->ns;
    if (trial->phase == TRIAL_TRIES) {
        judge(trial, rate, now);
        return;
    }
    trial->kept_rate = rate;
    turn(trial);
    begin_phase(trial, TRIAL_TRIES, lasts_ns, now);
}

/* Of a kind that has no place, what its queue expects. */
static uint64_t count(struct trial *trial, uint64_t key, uint64_t cost) {
    struct trial_kind *kind = &trial->kinds[pace_place(key) % TRIAL_KINDS];
    if (kind->cost == 0)
        *kind = (struct trial_kind){key, cost};
    return kind->key == key ? kind->cost : cost;
}

void trial_note(struct trial *trial, uint64_t key, uint64_t cost, uint64_t now) {
    uint64_t since = trial->noted_at;
    uint64_t patience_ns = PATIENCE_NS + PATIENCE_LAUNCHES * cost;
    trial->noted_at = now;
    if (trial->ends_at == 0)
        begin_phase(trial, TRIAL_RESTS, FIRST_REST_NS, now);
    bool is_over = now >= trial->ends_at;
    if (since != 0 && now - since > PAUSE_NS + PAUSE_LAUNCHES * cost)
        pass_over(trial);
    if (!trial_is_on(trial)) {
        trial->launches++;
        if (is_over && trial->launches >= LEARNING_LAUNCHES) {
            memset(trial->kinds, 0, sizeof(trial->kinds));
            begin_phase(trial, TRIAL_MEASURES, patience_ns, now);
        }
        return;
    }
    if (trial->passed_over > 0) {
        trial->passed_over--;
    } else if (since != 0) {
        trial->cost += count(trial, key, cost);
        trial->ns += now - since;
        trial->launches++;
    }
    if (is_over)
        give_up(trial, now);
    else if (trial->launches >= MEASURED_LAUNCHES && trial->ns >= MEASURED_NS)
        end_phase(trial, patience_ns, now);
}

void trial_interrupted(struct trial *trial, uint64_t now) {
    trial->noted_at = 0;
    pass_over(trial);
    /* Whoever is in between waits for what is in flight: longer in a trial, but only once. */
    if (trial->phase == TRIAL_TRIES && trial->way == SIDE_BY_SIDE)
        give_up(trial, now);
}
