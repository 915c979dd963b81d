#include "ledger.h"

#include "log.h"
#include "unknown.h"

/* The sum of each line as it was visited last: counts only grow, so an equal sum is an equal line.
 * The worker's, but for `repeat`. */
static uint64_t visited[HOOK_COUNT];
static uint64_t visited_unknown[UNKNOWN_MAX];
static atomic_bool repeat;

static uint64_t read_line(enum hook_id id, struct ledger_line *line) {
    uint64_t sum = 0;
    *line = (struct ledger_line){.function = hook_name(id)};
    for (int outcome = 0; outcome < CALL_OUTCOMES; outcome++) {
        line->counts[outcome] =
            atomic_load_explicit(&hot.hooks[id].calls[outcome], memory_order_relaxed);
        sum += line->counts[outcome];
    }
    return sum;
}

/* Calls `visit` with the line of every function that was called: with all of them, or with those
 * that differ from what they were when `seen` and `seen_unknown` were written, which it does. */
static void walk(void (*visit)(const struct ledger_line *line), bool all, uint64_t *seen,
                 uint64_t *seen_unknown) {
    struct ledger_line line;
    for (uint32_t i = 0; i < unknown_count(); i++) {
        line = (struct ledger_line){.function = unknown_name(i), .unknown = unknown_calls_of(i)};
        if (line.unknown == 0 || (!all && line.unknown == seen_unknown[i]))
            continue;
        if (seen_unknown != NULL)
            seen_unknown[i] = line.unknown;
        visit(&line);
    }
    for (int id = 0; id < HOOK_COUNT; id++) {
        uint64_t sum = read_line((enum hook_id)id, &line);
        if (sum == 0 || (!all && sum == seen[id]))
            continue;
        if (seen != NULL)
            seen[id] = sum;
        visit(&line);
    }
}

void ledger_each_new(void (*visit)(const struct ledger_line *line)) {
    walk(visit, atomic_exchange(&repeat, false), visited, visited_unknown);
}

void ledger_complain(void) {
    /* By the worker, and by the thread that ends the process. */
    static atomic_bool complained[UNKNOWN_MAX];
    for (uint32_t i = 0; i < unknown_count(); i++) {
        if (unknown_calls_of(i) == 0 || !unknown_is_function(i) ||
            atomic_exchange(&complained[i], true))
            continue;
        log_line(LOG_WARN,
                 "%s was called, which this version does not know: it may launch work "
                 "that is not scheduled",
                 unknown_name(i));
    }
}

void ledger_repeat(void) {
    atomic_store(&repeat, true);
}

static void log_one(const struct ledger_line *line) {
    log_line(LOG_DEBUG, "%s: %llu passed, %llu gated, %llu bypassed, %llu captured, %llu unknown",
             line->function, (unsigned long long)line->counts[CALL_PASSED],
             (unsigned long long)line->counts[CALL_GATED],
             (unsigned long long)line->counts[CALL_BYPASSED],
             (unsigned long long)line->counts[CALL_CAPTURED], (unsigned long long)line->unknown);
}

/* By the thread that ends the process: what the worker has visited stays the worker's. */
void ledger_log(void) {
    walk(log_one, true, NULL, NULL);
}

void ledger_reset_after_fork(void) {
    for (int id = 0; id < HOOK_COUNT; id++) {
        for (int outcome = 0; outcome < CALL_OUTCOMES; outcome++)
            atomic_store(&hot.hooks[id].calls[outcome], 0);
        visited[id] = 0;
    }
    for (uint32_t i = 0; i < UNKNOWN_MAX; i++)
        visited_unknown[i] = 0;
    unknown_reset_after_fork();
}
