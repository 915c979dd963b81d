/* Labels: kept until they end, a number for each, and a thread's own in nested executions. */
#include "label.h"

#include "check.h"

#include <pthread.h>
#include <string.h>

static uint32_t make(const char *model, enum label_level level) {
    struct label label = {.level = level, .version = "1"};
    snprintf(label.model, sizeof(label.model), "%s", model);
    snprintf(label.instance, sizeof(label.instance), "%s_0", model);
    uint32_t id = label_begin(&label);
    CHECK(label.id == id, "the label has id %u, %u was returned", label.id, id);
    return id;
}

static void count(const struct label *label, void *data) {
    (void)label;
    ++*(int *)data;
}

static int count_all(void) {
    int found = 0;
    label_each(count, &found);
    return found;
}

static void *work(void *unused) {
    (void)unused;
    CHECK(label_of_thread() == 0, "a new thread works for %u", label_of_thread());
    label_enter(7);
    return NULL;
}

static void check_threads(void) {
    CHECK(label_of_thread() == 0, "the first thread works for %u", label_of_thread());
    uint32_t outer = label_enter(3);
    uint32_t inner = label_enter(4);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0, "no thread");
    pthread_join(thread, NULL);
    CHECK(label_of_thread() == 4, "it works for %u within", label_of_thread());
    label_leave(inner);
    CHECK(label_of_thread() == 3, "it works for %u after that", label_of_thread());
    label_leave(outer);
    CHECK(label_of_thread() == 0, "it works for %u in the end", label_of_thread());
}

int main(void) {
    struct label copy;
    uint32_t first = make("a", LABEL_LEVEL_MAX);
    uint32_t second = make("a", LABEL_LEVEL_MAX);
    CHECK(first != 0 && second != 0 && first != second, "ids %u and %u", first, second);
    CHECK(label_get(first, &copy) && strcmp(copy.instance, "a_0") == 0, "the first is lost");
    CHECK(!label_get(0, &copy), "there is a label 0");
    label_end(first);
    CHECK(!label_get(first, &copy) && label_get(second, &copy), "the wrong one ended");
    CHECK(count_all() == 1, "%d labels", count_all());

    CHECK(!copy.told, "told before it was");
    label_mark(second, true);
    CHECK(label_get(second, &copy) && copy.told, "not told");
    label_mark(0, false);
    CHECK(label_get(second, &copy) && !copy.told, "still told on a new link");
    CHECK(label_lasts(second) && !label_lasts(first) && !label_lasts(0), "the wrong one lasts");
    label_end(second);
    CHECK(!label_lasts(second), "it lasts beyond its end");

    uint32_t latest = second;
    for (int i = 0; i < 10000; i++) {
        uint32_t id = make("c", LABEL_LEVEL_MAX);
        CHECK(id > latest, "model %d has id %u after %u", i, id, latest);
        latest = id;
        label_end(id);
    }

    for (int i = 0; i < XSP_LABELS; i++)
        CHECK(make("b", LABEL_LEVEL_NONE) != 0, "only %d labels fit", i);
    CHECK(make("b", LABEL_LEVEL_NONE) == 0, "over the limit");
    CHECK(count_all() == XSP_LABELS, "%d labels", count_all());

    CHECK(label_level_priority(LABEL_LEVEL_MAX) > label_level_priority(LABEL_LEVEL_DEFAULT),
          "MAX is not above DEFAULT");
    CHECK(label_level_priority(LABEL_LEVEL_MIN) < label_level_priority(LABEL_LEVEL_NONE),
          "MIN is not below none");
    check_threads();
    label_reset_after_fork();
    CHECK(count_all() == 0, "labels in a child");
    return 0;
}
