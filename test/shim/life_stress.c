/*
 * Questions of one thread and changes of several at once: life_stress SEED ROUNDS.
 *
 * Each makes so many changes of random scopes while random queues are asked about. A question and a
 * change that concern each other are never there at the same time, and all comes to its end.
 */
#include "life_world.h"

#include "futex.h"
#include "stress.h"

/*
 * The threads that change. `turns` is plain memory on purpose: it is odd while its queue is asked
 * about, and whoever changes the queue sees it even and always the same.
 */
enum { CHANGERS = 4, NAP_RARITY = 16 };
static volatile uint32_t turns[QUEUES];
static atomic_int changing;

/* One queue is it more often than not, so that it is changed and asked about all the time. */
static uintptr_t random_queue(uint64_t *seed) {
    return random_below(seed, 4) == 0 ? (uintptr_t)random_below(seed, QUEUES) : 1;
}

static struct life_scope random_scope(uint64_t *seed) {
    uintptr_t number = random_queue(seed);
    switch (random_below(seed, 16)) {
    case 0:
        return life_of_device(LIFE_EVERY_DEVICE);
    case 1:
        return life_of_device((int)(number / 4));
    case 2:
    case 3:
    case 4:
        return life_of_context(context_of(number / 2));
    case 5:
    case 6:
    case 7:
        return life_of_context(green_of(number / 2));
    default:
        return life_of_stream(stream_of(number));
    }
}

static bool is_concerned(const struct queue *queue, struct life_scope scope) {
    if (scope.stream != NULL)
        return queue->stream == scope.stream;
    if (scope.context != NULL)
        return queue->context == scope.context || queue->green == scope.context;
    return scope.device == LIFE_EVERY_DEVICE || queue->device->handle == scope.device;
}

static void change_at_random(uint64_t *seed, int depth) {
    uint32_t before[QUEUES];
    bool concerned[QUEUES];
    struct life_scope scope = random_scope(seed);
    struct life_change change = life_begin(scope);
    for (int i = 0; i < QUEUES; i++) {
        concerned[i] = change.slot < 0 || is_concerned(&queues[i], scope);
        before[i] = concerned[i] ? turns[i] : 0;
        CHECK(before[i] % 2 == 0, "queue %d is asked about when a change of it begins", i);
    }
    dawdle(seed, NAP_RARITY);
    if (depth > 0 && random_below(seed, 4) == 0)
        change_at_random(seed, depth - 1);
    for (int i = 0; i < QUEUES; i++)
        CHECK(!concerned[i] || turns[i] == before[i], "queue %d was asked about amid a change", i);
    life_end(change);
}

static void *change_often(void *data) {
    struct worker *worker = data;
    uint64_t seed = worker->seed;
    for (uint64_t i = 0; i < worker->rounds; i++)
        change_at_random(&seed, 2);
    atomic_fetch_sub(&changing, 1);
    return NULL;
}

static void ask_at_random(uint64_t *seed) {
    uintptr_t which = random_queue(seed);
    if (!life_ask(&queues[which]))
        return;
    turns[which] = turns[which] + 1;
    dawdle(seed, NAP_RARITY);
    turns[which] = turns[which] + 1;
    life_answered();
}

static void stress(uint64_t seed, uint64_t rounds) {
    struct worker workers[CHANGERS];
    atomic_store(&changing, CHANGERS);
    for (int i = 0; i < CHANGERS; i++) {
        struct worker *worker = &workers[i];
        *worker = (struct worker){.seed = random_next(&seed), .rounds = rounds};
        CHECK(pthread_create(&worker->thread, NULL, change_often, worker) == 0, "no thread");
    }
    while (atomic_load(&changing) != 0) {
        ask_at_random(&seed);
        /* Without a pause it would hardly let anybody begin, which the drain thread is far from. */
        dawdle(&seed, NAP_RARITY);
    }
    for (int i = 0; i < CHANGERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (int i = 0; i < QUEUES; i++)
        CHECK(can_ask(&queues[i]), "queue %d may not be asked about in the end", i);
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: life_stress SEED ROUNDS");
    uint64_t seed = check_argument(argv[1]);
    uint64_t rounds = check_argument(argv[2]);
    alarm(LIFE_S);
    make_queues();
    stress(seed, rounds);
    /* And with fewer slots than threads. */
    fill_slots(CHANGERS / 2);
    stress(seed, rounds);
    empty_slots();
    return 0;
}
