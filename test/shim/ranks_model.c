/*
 * The multiset of ranks against a naive one: ranks_model SEED STEPS.
 *
 * After each step `top` must be what a search of the whole naive multiset finds. Some ranks are
 * announced before, and some of these never come.
 */
#include "ranks.h"

#include "check.h"

#include <string.h>

static struct ranks set;
static int counts[RANK_COUNT];

static int naive_top(void) {
    for (int rank = RANK_COUNT - 1; rank >= 0; rank--) {
        if (counts[rank] > 0)
            return rank;
    }
    return RANK_NONE;
}

static void check_make(void) {
    CHECK(rank_make(XSP_PRIORITY_MIN, 0) == 0, "the lowest rank is %d",
          rank_make(XSP_PRIORITY_MIN, 0));
    CHECK(rank_make(XSP_PRIORITY_MAX, RANK_STEPS - 1) == RANK_COUNT - 1, "the highest rank is %d",
          rank_make(XSP_PRIORITY_MAX, RANK_STEPS - 1));
    CHECK(rank_make(XSP_PRIORITY_MIN - 1, -7) == 0, "what is too low is not cut");
    CHECK(rank_make(XSP_PRIORITY_MAX + 1, RANK_STEPS + 9) == RANK_COUNT - 1,
          "what is too high is not cut");
    int before = RANK_NONE;
    for (int priority = XSP_PRIORITY_MIN; priority <= XSP_PRIORITY_MAX; priority++) {
        for (int step = 0; step < RANK_STEPS; step++) {
            int rank = rank_make(priority, step);
            CHECK(rank == before + 1, "priority %d, step %d has rank %d after %d", priority, step,
                  rank, before);
            before = rank;
        }
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: ranks_model SEED STEPS");
    uint64_t state = check_argument(argv[1]);
    uint64_t steps = check_argument(argv[2]);
    check_make();
    static _Atomic int top_of_set;
    set.top = &top_of_set;
    atomic_store(set.top, RANK_NONE);
    int members[512];
    size_t size = 0;
    for (uint64_t i = 0; i < steps; i++) {
        /* It grows and shrinks in turns, so that it is empty and full again and again. */
        bool growing = (i / 700) % 2 == 0;
        bool add = random_below(&state, 10) < (growing ? 7U : 3U);
        if (size == 0)
            add = true;
        if (size == sizeof(members) / sizeof(members[0]))
            add = false;
        uint64_t announcements = random_below(&state, 3);
        for (uint64_t announced = 0; announced < announcements; announced++)
            ranks_announce(set.top, (int)random_below(&state, RANK_COUNT));
        if (add) {
            /* Few ranks at times, so that a rank is there several times. */
            uint64_t among = random_below(&state, 4) == 0 ? 3 : RANK_COUNT;
            int rank = (int)(random_below(&state, among) * (RANK_COUNT - 1) / (among - 1));
            ranks_add(&set, rank);
            counts[rank]++;
            members[size++] = rank;
        } else {
            size_t which = random_below(&state, size);
            int rank = members[which];
            members[which] = members[--size];
            ranks_remove(&set, rank);
            counts[rank]--;
        }
        ranks_settle(&set);
        int top = atomic_load(set.top);
        CHECK(top == naive_top(), "seed %s, step %llu: top is %d, expected %d", argv[1],
              (unsigned long long)i, top, naive_top());
    }
    while (size > 0)
        ranks_remove(&set, members[--size]);
    CHECK(atomic_load(set.top) == RANK_NONE, "the emptied set has a top");
    static const struct ranks none;
    CHECK(memcmp(set.count, none.count, sizeof(set.count)) == 0, "the emptied set counts");
    CHECK(memcmp(set.present, none.present, sizeof(set.present)) == 0, "the emptied set has bits");
    return 0;
}
