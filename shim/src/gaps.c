#include "gaps.h"

#include "clock.h"

/* Shorter than what a window lets others have in flight by default, so that nobody can use it. */
static const uint64_t SHORT_NS = 100 * NS_PER_US;
/* How long a queue lingers: no gap is as long as the ones before. */
static const uint64_t LINGER_NS = 150 * NS_PER_US;
/* A gap that ends what belongs together. */
static const uint64_t LONG_NS = 1 * NS_PER_MS;
/* What the others have in flight may delay its end by a quarter, be it a window and the switch
 * between processes or what it was seen to be. */
static const uint64_t DELAY_LEAST_NS = 500 * NS_PER_US;
enum { PART_DELAYED = 4, DELAY_SLOWNESS = 4 };
/* What short gaps add and others take: where two of three are short it comes to a habit. */
enum { SCORE_MOST = 8, SCORE_HABIT = 4, SCORE_LOSS = 2 };
/* Each look counts for a sixteenth. */
enum { SHARE_ALL = 255, SHARE_STEP = 16 };

static void note_gap(struct gaps *gaps, bool is_short) {
    if (is_short)
        gaps->score += gaps->score < SCORE_MOST;
    else
        gaps->score -= gaps->score < SCORE_LOSS ? gaps->score : SCORE_LOSS;
}

void gaps_begin(struct gaps *gaps, uint64_t now) {
    uint64_t gap = now - gaps->drained_at;
    if (gaps->drained_at == 0 || gap > LONG_NS)
        atomic_store(&gaps->burst_at, now);
    if (gaps->counts)
        note_gap(gaps, gap <= SHORT_NS);
    atomic_store(&gaps->until, 0);
}

bool gaps_is_slow(const struct gaps *gaps) {
    return atomic_load(&gaps->share) > SHARE_ALL / 2;
}

/* It was found drained: how long that took since it ended to yield. */
static void note_delay(struct gaps *gaps, uint64_t now) {
    uint64_t since = atomic_exchange(&gaps->yielded_at, 0);
    if (since == 0)
        return;
    /* A thread that began to wait may have ended the yield after the caller took the time. */
    uint64_t delay = now > since ? now - since : 0, known = atomic_load(&gaps->delay_ns);
    uint64_t moved = delay > known ? known + (delay - known) / DELAY_SLOWNESS
                                   : known - (known - delay) / DELAY_SLOWNESS;
    atomic_store(&gaps->delay_ns, known == 0 ? delay : moved);
}

bool gaps_end(struct gaps *gaps, enum gaps_proof proof, uint64_t proven, uint64_t now) {
    uint64_t due = gaps_due(gaps, proven);
    if (due > now)
        return true;
    bool lingered = atomic_exchange(&gaps->until, 0) != 0;
    if (due != 0) {
        /* In vain: how long the gap is says nothing more. */
        note_gap(gaps, false);
        gaps->counts = false;
        return false;
    }
    if (lingered)
        note_gap(gaps, true);
    note_delay(gaps, now);
    if (proof == GAPS_SYNCED)
        atomic_store(&gaps->burst_at, now);
    gaps->drained_at = now;
    gaps->counts = proof == GAPS_SYNCED || !gaps_is_slow(gaps);
    if (!gaps->counts || gaps->score < SCORE_HABIT)
        return false;
    atomic_store(&gaps->proven, proven);
    atomic_store(&gaps->until, now + LINGER_NS);
    return true;
}

void gaps_yielded(struct gaps *gaps, uint64_t now) {
    atomic_store(&gaps->yielded_at, now);
}

void gaps_sample(struct gaps *gaps, bool is_drained, uint64_t now) {
    uint8_t share = atomic_load(&gaps->share);
    uint8_t step = is_drained ? (uint8_t)(SHARE_ALL - share) / SHARE_STEP : share / SHARE_STEP;
    /* The last steps would be none. */
    if (step == 0)
        step = is_drained ? share < SHARE_ALL : share > 0;
    atomic_store(&gaps->share, is_drained ? share + step : share - step);
    if (is_drained)
        note_delay(gaps, now);
}

bool gaps_is_long(const struct gaps *gaps, uint64_t now) {
    uint64_t delay = atomic_load(&gaps->delay_ns);
    if (delay < DELAY_LEAST_NS)
        delay = DELAY_LEAST_NS;
    return now - atomic_load(&gaps->burst_at) >= PART_DELAYED * delay;
}
