/*
 * A program of several threads that uses streams in every way and checks what comes out:
 * mixed ROUNDS PAUSE_US.
 *
 * Each thread works in rounds: kernels on a stream of its own, on its per-thread default stream and
 * on the legacy one, a copy, a graph, and every eighth round on a stream made for that round.
 * Prints a digest of all results, which is the same for the same ROUNDS; on standard error how long
 * the longest call took.
 */
#include "driver.h"

#include "check.h"
#include "clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

enum { THREADS = 3, KERNELS = 5, KERNEL_NS = 20000, WORDS = 5 };

struct worker {
    pthread_t thread;
    uint32_t number;
    uint64_t rounds;
    useconds_t pause;
    CUdeviceptr words;
    uint32_t digest;
    uint64_t longest_ns;
};

static pthread_barrier_t captured;

/* A call of the driver that may be held back. */
static void timed_mix(struct worker *worker, CUstream stream, int per_thread, CUdeviceptr word,
                      uint32_t value) {
    uint64_t began = clock_now();
    DRIVER_CHECK(driver_mix(stream, per_thread, KERNEL_NS, word, value));
    uint64_t took = clock_now() - began;
    if (took > worker->longest_ns)
        worker->longest_ns = took;
}

static CUgraphExec capture(CUstream stream, CUdeviceptr word) {
    CUgraph graph;
    CUgraphExec exec;
    DRIVER_CHECK(cuda.cuStreamBeginCapture_v2(stream, CAPTURE_THREAD_LOCAL));
    for (uint32_t i = 0; i < KERNELS; i++)
        DRIVER_CHECK(driver_mix(stream, 0, KERNEL_NS, word, i));
    DRIVER_CHECK(cuda.cuStreamEndCapture(stream, &graph));
    DRIVER_CHECK(cuda.cuGraphInstantiateWithFlags(&exec, graph, 0));
    DRIVER_CHECK(cuda.cuGraphDestroy(graph));
    return exec;
}

static void run_round(struct worker *worker, uint64_t round, CUstream own, CUgraphExec exec,
                      CUdeviceptr words) {
    CUdeviceptr a = words, b = words + 4, c = words + 8, d = words + 12;
    uint32_t value = worker->number * 1000 + (uint32_t)round;
    for (uint32_t i = 0; i < KERNELS; i++)
        timed_mix(worker, own, 0, a, value + i);
    timed_mix(worker, NULL, 1, b, value);
    /* Other threads use the legacy stream as well, each on words of its own. */
    timed_mix(worker, NULL, 0, c, value);
    DRIVER_CHECK(cuda.cuGraphLaunch(exec, own));
    DRIVER_CHECK(cuda.cuMemcpyDtoDAsync_v2(words + 16, a, 4, own));
    if (round % 8 == 0) {
        CUstream fresh;
        DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&fresh, NON_BLOCKING, -1));
        timed_mix(worker, fresh, 0, d, value);
        DRIVER_CHECK(cuda.cuStreamSynchronize(fresh));
        DRIVER_CHECK(cuda.cuStreamDestroy_v2(fresh));
    }
    if (round % 2 == 0)
        DRIVER_CHECK(cuda.cuStreamSynchronize(own));
}

static void *work(void *data) {
    struct worker *worker = data;
    CUdeviceptr words = worker->words;
    CUstream own;
    uint32_t results[WORDS];
    driver_join_thread();
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&own, NON_BLOCKING, 0));
    CUgraphExec exec = capture(own, words);
    /* The synchronisation of a context at the end would break a capture that is still open. */
    pthread_barrier_wait(&captured);
    for (uint64_t round = 0; round < worker->rounds; round++) {
        run_round(worker, round, own, exec, words);
        usleep(worker->pause);
    }
    DRIVER_CHECK(cuda.cuStreamSynchronize(own));
    DRIVER_CHECK(cuda.cuStreamSynchronize_ptsz(NULL));
    DRIVER_CHECK(cuda.cuCtxSynchronize());
    DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(results, words, sizeof(results)));
    for (size_t i = 0; i < WORDS; i++)
        worker->digest = worker->digest * 1000003U + results[i];
    DRIVER_CHECK(cuda.cuGraphExecDestroy(exec));
    DRIVER_CHECK(cuda.cuStreamDestroy_v2(own));
    return NULL;
}

int main(int argc, char **argv) {
    static struct worker workers[THREADS];
    CHECK(argc == 3, "usage: mixed ROUNDS PAUSE_US");
    driver_start();
    uint32_t digest = 0;
    uint64_t longest = 0;
    pthread_barrier_init(&captured, NULL, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        DRIVER_CHECK(cuda.cuMemAlloc_v2(&workers[i].words, WORDS * sizeof(uint32_t)));
        DRIVER_CHECK(cuda.cuMemsetD32_v2(workers[i].words, 0, WORDS));
    }
    /* A non-blocking stream does not wait for the legacy one, which the calls above use. */
    DRIVER_CHECK(cuda.cuCtxSynchronize());
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].rounds = check_argument(argv[1]);
        workers[i].pause = (useconds_t)check_argument(argv[2]);
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "no thread");
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        digest = digest * 31 + workers[i].digest;
        if (workers[i].longest_ns > longest)
            longest = workers[i].longest_ns;
    }
    printf("digest %08" PRIx32 "\n", digest);
    fprintf(stderr, "longest call %" PRIu64 " us\n", longest / 1000);
    /* Not 0, so that an exit code that is lost on the way shows. */
    return 3;
}
