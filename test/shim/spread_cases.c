/* How times are spread: percentiles, the ends of the scale, times of long ago. */
#include "spread.h"

#include "check.h"

#include <string.h>

static struct spread spread;

static void begin(void) {
    memset(&spread, 0, sizeof(spread));
}

static void expect_near(uint32_t percent, double us) {
    uint32_t found = spread_percentile(&spread, percent);
    CHECK(found > us * 0.87 && found < us * 1.13, "percentile %u: %u, not %.1f us", percent, found,
          us);
}

static void check_empty(void) {
    begin();
    CHECK(spread_percentile(&spread, 50) == 0 && spread_percentile(&spread, 99) == 0,
          "nothing was seen");
}

/* Whatever the time, it is told to an eighth of itself; whole microseconds are rough below eight.
 */
static void check_scale(void) {
    for (uint64_t ns = 8000; ns < UINT64_C(1000000000); ns += ns / 100) {
        begin();
        spread_add(&spread, ns);
        expect_near(50, (double)ns / 1000);
        expect_near(99, (double)ns / 1000);
    }
}

static void check_ends(void) {
    begin();
    spread_add(&spread, 0);
    CHECK(spread_percentile(&spread, 99) == 1, "%u", spread_percentile(&spread, 99));
    begin();
    spread_add(&spread, UINT64_MAX);
    CHECK(spread_percentile(&spread, 1) == 983040, "%u", spread_percentile(&spread, 1));
}

/* Longer times are never told as shorter. */
static void check_order(void) {
    uint32_t before = 0;
    for (uint64_t ns = 0; ns < UINT64_C(2000000000); ns += 1 + ns / 50) {
        begin();
        spread_add(&spread, ns);
        uint32_t us = spread_percentile(&spread, 50);
        CHECK(us >= before, "%llu ns are %u us, less ones %u", (unsigned long long)ns, us, before);
        before = us;
    }
}

static void check_percentiles(void) {
    begin();
    for (int i = 0; i < 98; i++)
        spread_add(&spread, 100000);
    spread_add(&spread, 10000000);
    spread_add(&spread, 10000000);
    expect_near(50, 100);
    expect_near(98, 100);
    expect_near(99, 10000);
}

/* Three thousand new times are enough to forget what was before, however long that went on. */
static void check_forgets(void) {
    begin();
    for (int i = 0; i < 100000; i++)
        spread_add(&spread, 50000000);
    expect_near(50, 50000);
    for (int i = 0; i < 3000; i++)
        spread_add(&spread, 20000);
    expect_near(50, 20);
    for (int i = 0; i < 9000; i++)
        spread_add(&spread, 20000);
    expect_near(99, 20);
    uint32_t sum = 0;
    for (int i = 0; i < SPREAD_CLASSES; i++)
        sum += spread.counts[i];
    CHECK(sum == spread.sum && sum < 3000, "%u are kept, %u counted", sum, spread.sum);
}

int main(void) {
    check_empty();
    check_scale();
    check_ends();
    check_order();
    check_percentiles();
    check_forgets();
    return 0;
}
