/* When a queue lingers, and when it has slack. */
#include "gaps.h"

#include "check.h"

#include <string.h>

static const uint64_t US = 1000;
static const uint64_t MS = 1000000;

static struct gaps gaps;
static uint64_t now;
static uint64_t launched;

static void begin(void) {
    memset(&gaps, 0, sizeof(gaps));
    now = MS;
}

/* The queue works, drains and has nothing to do for a while. True when it lingered all the time. */
static bool turn(uint64_t work_ns, uint64_t gap_ns, enum gaps_proof proof) {
    launched++;
    now += work_ns;
    bool lingers = gaps_end(&gaps, proof, launched, now);
    uint64_t due = gaps_due(&gaps, launched);
    CHECK(lingers == (due > now), "it is due in %d ns", (int)(due - now));
    if (lingers && gap_ns > due - now) {
        now = due;
        CHECK(!gaps_end(&gaps, GAPS_ASKED, launched, now), "it lingers for ever");
        gap_ns -= due - now;
        lingers = false;
    }
    now += gap_ns;
    if (!lingers)
        gaps_begin(&gaps, now);
    return lingers;
}

static uint32_t lingered(uint32_t turns, uint64_t gap_ns, enum gaps_proof proof) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < turns; i++)
        count += turn(200 * US, gap_ns, proof);
    return count;
}

static void check_habit(void) {
    begin();
    CHECK(lingered(4, 40 * US, GAPS_SYNCED) == 0, "it lingers before it is known to pay");
    uint32_t count = lingered(320, 40 * US, GAPS_SYNCED);
    CHECK(count == 320, "%u of 320", count);
    /* Long gaps take it back, and are not kept waiting for long. */
    CHECK(lingered(100, 400 * US, GAPS_SYNCED) == 0, "it lingered through a long gap");
    CHECK(gaps_due(&gaps, launched) == 0, "it still means to");
    CHECK(!gaps_end(&gaps, GAPS_SYNCED, ++launched, now), "nothing was learnt");
}

static void check_random_gaps(void) {
    begin();
    /* Requests that come at any time: one gap of four is short. */
    for (int i = 0; i < 400; i++)
        CHECK(!turn(200 * US, i % 4 == 0 ? 50 * US : 500 * US, GAPS_SYNCED), "turn %d", i);
    /* As good as a habit. */
    uint32_t count = 0;
    for (int i = 0; i < 400; i++)
        count += turn(200 * US, i % 8 == 0 ? 500 * US : 50 * US, GAPS_SYNCED);
    CHECK(count > 200, "%u of 350", count);
}

static void check_repeated_proof(void) {
    begin();
    lingered(5, 40 * US, GAPS_SYNCED);
    launched++;
    CHECK(gaps_end(&gaps, GAPS_SYNCED, launched, now), "it does not linger");
    uint64_t due = gaps_due(&gaps, launched);
    CHECK(gaps_end(&gaps, GAPS_SYNCED, launched, now + 10 * US), "a poll ends it");
    CHECK(gaps_due(&gaps, launched) == due, "a poll puts it off");
    CHECK(gaps_due(&gaps, launched + 1) == 0, "it has launched since");
}

static void sample(int count, bool is_drained) {
    for (int i = 0; i < count; i++)
        gaps_sample(&gaps, is_drained, now);
}

static void check_slow(void) {
    begin();
    CHECK(!gaps_is_slow(&gaps), "nothing was seen");
    sample(100, true);
    CHECK(gaps_is_slow(&gaps), "the GPU waits for it");
    sample(100, false);
    CHECK(!gaps_is_slow(&gaps), "it waits for the GPU");
    sample(100, true);
    /* Nobody waits for what comes after. */
    CHECK(lingered(50, 40 * US, GAPS_ASKED) == 0, "the GPU makes up for what others take");
    begin();
    CHECK(lingered(50, 40 * US, GAPS_ASKED) > 40, "the GPU is busy");
}

static void check_long(void) {
    begin();
    gaps_begin(&gaps, now);
    CHECK(!gaps_is_long(&gaps, now + MS), "its end may be near");
    CHECK(gaps_is_long(&gaps, now + 3 * MS), "a quarter of 2 ms");
    /* Whoever waits begins anew. */
    now += 3 * MS;
    gaps_end(&gaps, GAPS_SYNCED, ++launched, now);
    gaps_begin(&gaps, now + 50 * US);
    CHECK(!gaps_is_long(&gaps, now + MS), "it has just waited");
    /* What the others had in flight took long to leave. */
    now += 5 * MS;
    gaps_yielded(&gaps, now);
    gaps_sample(&gaps, false, now + 5 * MS);
    gaps_sample(&gaps, true, now + 10 * MS);
    CHECK(!gaps_is_long(&gaps, now + 20 * MS), "half of 20 ms");
    CHECK(gaps_is_long(&gaps, now + 40 * MS), "a quarter of 40 ms");
    /* That is forgotten when it is seen to be better. */
    for (int i = 0; i < 40; i++) {
        gaps_yielded(&gaps, now);
        gaps_sample(&gaps, true, now + 100 * US);
    }
    CHECK(gaps_is_long(&gaps, now + 3 * MS), "it is better now");
    /* Seen by a thread whose time is of before. */
    gaps_yielded(&gaps, now + 10 * US);
    gaps_sample(&gaps, true, now);
    CHECK(gaps_is_long(&gaps, now + 3 * MS), "it took for ever");
}

int main(void) {
    check_habit();
    check_random_gaps();
    check_repeated_proof();
    check_slow();
    check_long();
    return 0;
}
