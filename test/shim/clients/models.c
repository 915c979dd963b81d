/*
 * A server whose threads execute models while other models come and go: models ROUNDS.
 *
 * Each thread serves a model of its own and loads it anew every eighth round. What it executes goes
 * to a stream that all of them use, to its own and to its per-thread default stream, and once a
 * round to another model's within its own. One thread more launches on the common stream outside
 * any execution, as completion threads do, and one loads and unloads without pause.
 * Prints a digest of all results, which is the same for the same ROUNDS.
 */
#include "server.h"

#include "check.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, WORDS = 4, KERNELS = 4, KERNEL_NS = 5000, GUEST_NS = 1000 };

struct worker {
    pthread_t thread;
    uint32_t number;
    uint64_t rounds;
    CUdeviceptr words;
    TRITONBACKEND_ModelInstance *instance;
    TRITONBACKEND_ModelInstance *guest; /* A model that all use, in the middle of their own. */
    CUstream own;
    uint32_t value;
};

static CUstream common;
static atomic_bool finished;

static const char *const priorities[THREADS] = {"PRIORITY_MAX", NULL, "PRIORITY_MIN"};

static void work_of_guest(void *data) {
    const struct worker *worker = data;
    DRIVER_CHECK(driver_mix(common, 0, GUEST_NS, worker->words, worker->value));
}

static void work(void *data) {
    struct worker *worker = data;
    CUdeviceptr words = worker->words;
    for (uint32_t i = 0; i < KERNELS; i++) {
        DRIVER_CHECK(driver_mix(common, 0, KERNEL_NS, words, worker->value + i));
        DRIVER_CHECK(driver_mix(worker->own, 0, KERNEL_NS, words + 4, worker->value + i));
    }
    DRIVER_CHECK(driver_mix(NULL, 1, KERNEL_NS, words + 8, worker->value));
    if (worker->guest != NULL) {
        TRITONBACKEND_Request request = {work_of_guest, worker};
        server.core_execute(worker->guest, &request);
    }
    DRIVER_CHECK(driver_mix(common, 0, KERNEL_NS, words, worker->value));
}

static TRITONBACKEND_ModelInstance *load(const char *name, const char *priority, int fails,
                                         TRITONBACKEND_Request setup) {
    struct core_model model = {
        .name = name,
        .instance = name,
        .priority = priority,
        .version = 1,
        .setup = setup,
        .fails = fails,
    };
    return server.core_load(&model);
}

static void unload(TRITONBACKEND_ModelInstance *instance) {
    server.core_unload(instance);
    server.core_free(instance);
}

static void *serve(void *data) {
    struct worker *worker = data;
    char name[32];
    snprintf(name, sizeof(name), "model%" PRIu32, worker->number);
    driver_join_thread();
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&worker->own, NON_BLOCKING, 0));
    TRITONBACKEND_Request setup = {work_of_guest, worker};
    TRITONBACKEND_Request request = {work, worker};
    for (uint64_t round = 0; round < worker->rounds; round++) {
        worker->value = worker->number * 1000 + (uint32_t)round;
        if (round % 8 == 0) {
            if (worker->instance != NULL)
                unload(worker->instance);
            worker->instance = load(name, priorities[worker->number], 0, setup);
        }
        server.core_execute(worker->instance, &request);
        if (round % 4 == 0)
            DRIVER_CHECK(cuda.cuStreamSynchronize(common));
        DRIVER_CHECK(cuda.cuStreamSynchronize(worker->own));
        DRIVER_CHECK(cuda.cuStreamSynchronize_ptsz(NULL));
    }
    unload(worker->instance);
    DRIVER_CHECK(cuda.cuStreamSynchronize(common));
    DRIVER_CHECK(cuda.cuStreamDestroy_v2(worker->own));
    return NULL;
}

static void *complete(void *data) {
    const struct worker *worker = data;
    driver_join_thread();
    for (uint32_t round = 0; round < worker->rounds; round++)
        DRIVER_CHECK(driver_mix(common, 0, KERNEL_NS, worker->words, round));
    DRIVER_CHECK(cuda.cuStreamSynchronize(common));
    return NULL;
}

/* Loads that fail, and models that nobody ever asks; how many depends on the time it has. */
static void *come_and_go(void *unused) {
    (void)unused;
    TRITONBACKEND_Request nothing = {NULL, NULL};
    for (uint32_t time = 0; !atomic_load(&finished); time++) {
        TRITONBACKEND_ModelInstance *instance = load("visitor", NULL, time % 4 == 0, nothing);
        if (instance != NULL)
            unload(instance);
    }
    return NULL;
}

static void start(struct worker *worker, void *(*run)(void *worker)) {
    CHECK(pthread_create(&worker->thread, NULL, run, worker) == 0, "no thread");
}

int main(int argc, char **argv) {
    static struct worker workers[THREADS + 2];
    uint64_t rounds = argc == 2 ? check_argument(argv[1]) : 0;
    if (rounds == 0) {
        fprintf(stderr, "usage: models ROUNDS\n");
        return 2;
    }
    server_open("libcore.so");
    driver_start();
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&common, NON_BLOCKING, 0));
    TRITONBACKEND_Request nothing = {NULL, NULL};
    TRITONBACKEND_ModelInstance *guest = load("guest", NULL, 0, nothing);
    for (uint32_t i = 0; i < THREADS + 2; i++) {
        workers[i].number = i;
        workers[i].rounds = rounds;
        workers[i].guest = guest;
        DRIVER_CHECK(cuda.cuMemAlloc_v2(&workers[i].words, WORDS * sizeof(uint32_t)));
        DRIVER_CHECK(cuda.cuMemsetD32_v2(workers[i].words, 0, WORDS));
    }
    for (uint32_t i = 0; i < THREADS; i++)
        start(&workers[i], serve);
    start(&workers[THREADS], complete);
    start(&workers[THREADS + 1], come_and_go);
    for (uint32_t i = 0; i < THREADS + 1; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&finished, true);
    pthread_join(workers[THREADS + 1].thread, NULL);
    unload(guest);
    uint32_t digest = 0;
    for (uint32_t i = 0; i < THREADS + 2; i++) {
        uint32_t results[WORDS];
        DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(results, workers[i].words, sizeof(results)));
        for (uint32_t word = 0; word < WORDS; word++)
            digest = digest * 31 + results[word];
    }
    CHECK(server.core_objects() == 0, "%d errors or messages are left", server.core_objects());
    printf("digest %08" PRIx32 "\n", digest);
    return 0;
}
