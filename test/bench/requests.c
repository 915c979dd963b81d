/*
 * What a request costs the thread that serves it.
 *
 *   requests COUNT LAUNCHES GAP_US PAUSE_US
 *   requests idle
 *
 * The first serves so many requests on a stream of its own: launches of an empty kernel, one each
 * GAP_US microseconds as from a framework that prepares them, and waits for the stream. Before each
 * it sleeps for PAUSE_US. The other makes a stream, launches once, and waits for the end of its
 * input.
 *
 * Each request is served twice, in turns: by the functions that the program finds, which may be a
 * shim's, and by the driver's own. Prints what both took beyond the gaps, in nanoseconds, a line
 * for each: the first launch, the others together, and waiting for the stream; then the same of the
 * driver's own. For every driver: the kernels are those of the file $CLIENT_PTX.
 */
#include "clients/driver.h"

#include "check.h"
#include "idle.h"
#include "moment.h"
#include "own_symbol.h"

#include <string.h>

#define USAGE "usage: requests COUNT LAUNCHES GAP_US PAUSE_US, or requests idle"

enum { NS_PER_US = 1000, NS_PER_S = 1000000000 };

/* The driver's functions, its own or a shim's. */
struct functions {
    __typeof__(cuda.cuLaunchKernel) launch;
    __typeof__(cuda.cuStreamSynchronize) synchronize;
};

struct request {
    uint64_t launches;
    uint64_t gap_ns;
    uint64_t pause_ns;
    CUstream stream;
    CUdeviceptr word;
};

/* In nanoseconds. */
struct cost {
    uint64_t first;
    uint64_t others;
    uint64_t wait;
};

static uint64_t time_launch(const struct functions *by, const struct request *request) {
    uint64_t ns = 0;
    uint32_t value = 1;
    CUdeviceptr word = request->word;
    void *parameters[] = {&ns, &word, &value};
    uint64_t began = now();
    DRIVER_CHECK(by->launch(cuda.mix, 1, 1, 1, 1, 1, 1, 0, request->stream, parameters, NULL));
    return now() - began;
}

static struct cost serve(const struct functions *by, const struct request *request) {
    struct timespec pause = {(time_t)(request->pause_ns / NS_PER_S),
                             (long)(request->pause_ns % NS_PER_S)};
    nanosleep(&pause, NULL);
    struct cost cost = {time_launch(by, request), 0, 0};
    for (uint64_t i = 1; i < request->launches; i++) {
        await_moment(now() + request->gap_ns);
        cost.others += time_launch(by, request);
    }
    await_moment(now() + request->gap_ns);
    uint64_t began = now();
    DRIVER_CHECK(by->synchronize(request->stream));
    cost.wait = now() - began;
    return cost;
}

int main(int count, char **arguments) {
    CHECK(count >= 2, USAGE);
    driver_start();
    struct request request;
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&request.stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&request.word, sizeof(uint32_t)));
    if (strcmp(arguments[1], "idle") == 0) {
        stay_idle(request.stream, request.word);
        return 0;
    }
    CHECK(count == 5, USAGE);
    uint64_t requests = check_argument(arguments[1]);
    request.launches = check_argument(arguments[2]);
    request.gap_ns = check_argument(arguments[3]) * NS_PER_US;
    request.pause_ns = check_argument(arguments[4]) * NS_PER_US;
    CHECK(request.launches > 0, "no launches");
    const struct functions found = {cuda.cuLaunchKernel, cuda.cuStreamSynchronize};
    struct functions own;
    own_symbol("libcuda.so", "cuLaunchKernel", &own.launch);
    own_symbol("libcuda.so", "cuStreamSynchronize", &own.synchronize);
    for (uint64_t i = 0; i < requests; i++) {
        struct cost by_found, by_own;
        if (i % 2 == 0) {
            by_found = serve(&found, &request);
            by_own = serve(&own, &request);
        } else {
            by_own = serve(&own, &request);
            by_found = serve(&found, &request);
        }
        printf("%llu %llu %llu %llu %llu %llu\n", (unsigned long long)by_found.first,
               (unsigned long long)by_found.others, (unsigned long long)by_found.wait,
               (unsigned long long)by_own.first, (unsigned long long)by_own.others,
               (unsigned long long)by_own.wait);
    }
    return 0;
}
