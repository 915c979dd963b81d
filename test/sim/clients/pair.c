/* A high-priority model beside a low-priority one, as measured on an H200.
 *   pair high REQUESTS PAUSE_NS GATE     one process, the high model; prints its latencies as JSON
 *   pair low WINDOW GATE                 the low model, until its standard input ends; prints
 * launches pair both REQUESTS PAUSE_NS WINDOW GATE   both in one process, on streams with CUDA
 * priorities GATE is a file that holds the lab gate's word, or "-": the high model sets the word
 * while it has a request, the low one spins on it before each launch. WINDOW 0 leaves the launches
 * in flight to the driver. The high model launches 75 kernels of 6 us for a request (about 0.45 ms)
 * and waits for them; the low one launches kernels of 33 us without pause. Pauses are uniform in
 * 0.5 to 1.5 PAUSE_NS. $PAIR_HIGH_KERNEL_NS replaces the high model's kernels' duration,
 * $PAIR_LOW_GRID the low one's blocks (a real GPU is only filled by some thousand). Times are
 * divided by $XSCHED_SIM_SCALE. Runs on a real driver too. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define HIGH_KERNELS 75
#define HIGH_KERNEL_NS 5100
#define LOW_KERNEL_NS 32100
#define MAX_WINDOW 64

static struct client client;
static double scale = 1;
static atomic_uint *gate;
static atomic_bool stop;
static atomic_long low_launches;
static unsigned low_grid = 1;
static uint64_t high_kernel_ns = HIGH_KERNEL_NS;

static void gate_open(const char *path) {
    static atomic_uint own;
    if (strcmp(path, "-") == 0) {
        gate = &own;
        return;
    }
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    EXPECT(fd >= 0 && ftruncate(fd, 4096) == 0, 1);
    gate = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    EXPECT(gate != MAP_FAILED, 1);
}

static void *low_run(void *argument) {
    int window = *(int *)argument;
    CUstream stream;
    CUevent events[MAX_WINDOW];
    CHECK(cuCtxSetCurrent(client.context));
    CHECK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, 0));
    for (int i = 0; i < MAX_WINDOW; i++)
        CHECK(cuEventCreate(&events[i], CU_EVENT_DISABLE_TIMING));
    uint64_t ns = LOW_KERNEL_NS;
    void *params[] = {&ns};
    for (long i = 0; !stop; i++) {
        if (window && i >= window)
            while (cuEventQuery(events[i % window]) == CUDA_ERROR_NOT_READY)
                sched_yield();
        while (window && *gate && !stop)
            sched_yield();
        CHECK(cuLaunchKernel(client.spin, low_grid, 1, 1, 1, 1, 1, 0, stream, params, NULL));
        low_launches = i + 1;
        if (window)
            CHECK(cuEventRecord(events[i % window], stream));
    }
    CHECK(cuStreamSynchronize(stream));
    return NULL;
}

static void pause_for(double ns) {
    struct timespec pause = {(time_t)(ns / 1e9), (long)ns % 1000000000};
    nanosleep(&pause, NULL);
}

static void high_run(int requests, double pause_ns) {
    CUstream stream;
    CHECK(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -5));
    unsigned seed = 12345;
    printf("{\"latenciesNs\":[");
    for (int i = 0; i < requests; i++) {
        pause_for(pause_ns * scale * (0.5 + (double)rand_r(&seed) / RAND_MAX));
        uint64_t begin = client_now();
        *gate = 1;
        for (int k = 0; k < HIGH_KERNELS; k++)
            CHECK(client_spin(&client, stream, high_kernel_ns));
        CHECK(cuStreamSynchronize(stream));
        *gate = 0;
        printf("%s%.0f", i ? "," : "", (double)(client_now() - begin) / scale);
    }
    printf("],\"lowLaunches\":%ld}\n", (long)low_launches);
}

int main(int argc, char **argv) {
    const char *text = getenv("XSCHED_SIM_SCALE");
    if (text)
        scale = atof(text);
    const char *grid = getenv("PAIR_LOW_GRID");
    if (grid)
        low_grid = (unsigned)atoi(grid);
    const char *kernel = getenv("PAIR_HIGH_KERNEL_NS");
    if (kernel)
        high_kernel_ns = strtoull(kernel, NULL, 10);
    const char *role = argc > 1 ? argv[1] : "";
    pthread_t thread;
    if (strcmp(role, "high") == 0 && argc == 5) {
        gate_open(argv[4]);
        client_start(&client);
        high_run(atoi(argv[2]), atof(argv[3]));
    } else if (strcmp(role, "low") == 0 && argc == 4) {
        int window = atoi(argv[2]);
        gate_open(argv[3]);
        client_start(&client);
        pthread_create(&thread, NULL, low_run, &window);
        char byte;
        while (read(0, &byte, 1) > 0)
            ;
        stop = true;
        pthread_join(thread, NULL);
        printf("{\"lowLaunches\":%ld}\n", (long)low_launches);
    } else if (strcmp(role, "both") == 0 && argc == 6) {
        int window = atoi(argv[4]);
        gate_open(argv[5]);
        client_start(&client);
        pthread_create(&thread, NULL, low_run, &window);
        high_run(atoi(argv[2]), atof(argv[3]));
        stop = true;
        pthread_join(thread, NULL);
    } else {
        fprintf(stderr, "usage: pair high REQUESTS PAUSE_NS GATE | pair low WINDOW GATE | "
                        "pair both REQUESTS PAUSE_NS WINDOW GATE\n");
        return 2;
    }
    return 0;
}
