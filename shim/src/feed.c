#include "feed.h"

#include "clock.h"

/* As long as a thread is held back for its own process at most, by default. */
static const uint64_t LATE_NS = 100 * NS_PER_MS;

static _Thread_local struct {
    uint32_t now_id;    /* The id of hot_thread.fed. */
    struct queue *high; /* The highest before that, and when it was left. */
    uint32_t high_id;
    uint64_t high_at;
} feed;

/* Whether the record is still the queue that it was: records are used again, and never freed. */
static bool is_current(const struct queue *queue, uint32_t id) {
    return queue != NULL && atomic_load(&queue->alive) && atomic_load(&queue->id) == id;
}

void feed_turn(struct queue *queue) {
    uint64_t now = clock_now();
    bool left = is_current(hot_thread.fed, feed.now_id);
    bool known = is_current(feed.high, feed.high_id) && now - feed.high_at < LATE_NS;
    if (left &&
        (!known || atomic_load(&hot_thread.fed->hot->rank) >= atomic_load(&feed.high->hot->rank))) {
        feed.high = hot_thread.fed;
        feed.high_id = feed.now_id;
        feed.high_at = now;
    }
    hot_thread.fed = queue;
    feed.now_id = atomic_load(&queue->id);
}

struct queue *feed_higher(const struct queue *queue) {
    if (!is_current(feed.high, feed.high_id) || clock_now() - feed.high_at >= LATE_NS)
        return NULL;
    return atomic_load(&feed.high->hot->rank) > atomic_load(&queue->hot->rank) ? feed.high : NULL;
}
