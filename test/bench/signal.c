/*
 * The programs of the benchmark of signals, over the driver that does nothing (null_driver.c). This
 * program is that driver's device: it says how long a stream has work, and sees every launch that
 * comes through.
 *
 *   signal low FILE
 *   signal high FILE BURSTS HOLD_US PAUSE_US sync|event|poll|never
 *   signal both FILE BURSTS HOLD_US PAUSE_US sync|event|poll|never
 *
 * `low` launches in a loop until its input ends. `high` makes bursts: it launches once, has work
 * for so long, and is idle for half to one and a half times the pause. It finds out that its work
 * is done by waiting for the stream, by an event that another thread waits for, by asking over and
 * over, or not at all. `both` does all that in one process, on two streams. FILE is memory that
 * both share.
 *
 * Prints for each burst, in nanoseconds: from the moment before the high launch to the last low one
 * that reached the driver while there was high work (0 for none after that moment); from the end of
 * the high work to the first low one after it; and what processor time the low process took
 * meanwhile, of how much.
 */
#include "clients/driver.h"

#include "check.h"
#include "moment.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LOW_PRIORITY = 0, HIGH_PRIORITY = -1 };

/* What the two share; each word in a line of its own. */
struct shared {
    _Atomic uint64_t last __attribute__((aligned(64)));    /* When a low launch came last. */
    _Atomic uint64_t resumed __attribute__((aligned(64))); /* When the first after a pause did. */
    _Atomic int pid __attribute__((aligned(64)));
};

/* Low launches come closer than this, unless they are held back. */
static const uint64_t GAP_NS = 200000;

static struct shared *shared;
static CUstream low_stream, high_stream;
static CUdeviceptr word;
static atomic_bool is_busy; /* The high stream has work. */
static atomic_bool ended;

static void rest_until(uint64_t when) {
    uint64_t at = now();
    if (at >= when)
        return;
    struct timespec pause = {(time_t)((when - at) / 1000000000U),
                             (long)((when - at) % 1000000000U)};
    nanosleep(&pause, NULL);
}

/* The driver calls these. */
__attribute__((visibility("default"))) void bench_launched(CUstream stream);
void bench_launched(CUstream stream) {
    if (stream != low_stream)
        return;
    uint64_t at = now();
    if (at - atomic_load_explicit(&shared->last, memory_order_relaxed) > GAP_NS)
        atomic_store_explicit(&shared->resumed, at, memory_order_release);
    atomic_store_explicit(&shared->last, at, memory_order_release);
}

__attribute__((visibility("default"))) bool bench_is_busy(CUstream stream);
bool bench_is_busy(CUstream stream) {
    return (stream == NULL || stream == high_stream) && atomic_load(&is_busy);
}

static void share(const char *path) {
    int file = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(file >= 0 && ftruncate(file, sizeof(struct shared)) == 0, "cannot use %s", path);
    shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(shared != MAP_FAILED, "cannot map %s", path);
    close(file);
}

/* Of two processors or more each side has one, so that neither keeps the other from launching. The
 * shim's own threads, which began before, and the daemon go where there is room. */
static void stay_on(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        CHECK(sched_setaffinity(0, sizeof(set), &set) == 0, "there is no processor %d", processor);
}

static void *launch_on(void *unused) {
    (void)unused;
    driver_join_thread();
    DRIVER_CHECK(driver_mix(low_stream, 0, 0, word, 1));
    stay_on(0);
    while (!atomic_load_explicit(&ended, memory_order_relaxed))
        DRIVER_CHECK(driver_mix(low_stream, 0, 0, word, 1));
    return NULL;
}

/* Processor time that a process has taken. */
static uint64_t time_taken(int pid) {
    clockid_t clock;
    struct timespec taken;
    CHECK(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &taken) == 0,
          "process %d has no clock", pid);
    return (uint64_t)taken.tv_sec * 1000000000U + (uint64_t)taken.tv_nsec;
}

/* A thread that waits for events: told that there is one, it waits, and says so. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    CUevent event;
    bool wanted;
} waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, false};

static void *wait_for_events(void *unused) {
    (void)unused;
    driver_join_thread();
    pthread_mutex_lock(&waiter.lock);
    for (;;) {
        while (!waiter.wanted)
            pthread_cond_wait(&waiter.changed, &waiter.lock);
        pthread_mutex_unlock(&waiter.lock);
        DRIVER_CHECK(cuda.cuEventSynchronize(waiter.event));
        pthread_mutex_lock(&waiter.lock);
        waiter.wanted = false;
        pthread_cond_broadcast(&waiter.changed);
    }
    return NULL;
}

static void want_event(void) {
    pthread_mutex_lock(&waiter.lock);
    waiter.wanted = true;
    pthread_cond_broadcast(&waiter.changed);
    pthread_mutex_unlock(&waiter.lock);
}

static void await_event(void) {
    pthread_mutex_lock(&waiter.lock);
    while (waiter.wanted)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
}

static void make_bursts(uint64_t count, uint64_t hold_ns, uint64_t pause_ns, const char *way) {
    CHECK(pause_ns > 0, "the pause has to be over 0");
    bool by_event = strcmp(way, "event") == 0;
    bool polls = strcmp(way, "poll") == 0;
    bool never = strcmp(way, "never") == 0;
    pthread_t thread;
    if (by_event) {
        DRIVER_CHECK(cuda.cuEventCreate(&waiter.event, NO_TIMING));
        CHECK(pthread_create(&thread, NULL, wait_for_events, NULL) == 0, "no thread");
    }
    stay_on(1);
    CUresult (*query)(CUstream);
    *(void **)&query = dlsym(dlopen("libcuda.so.1", RTLD_NOW), "cuStreamQuery");
    CHECK(query != NULL, "the driver has no cuStreamQuery");
    int pid = atomic_load(&shared->pid);
    uint64_t state = 1;
    for (uint64_t i = 0; i < count; i++) {
        rest_until(now() + pause_ns / 2 + random_below(&state, pause_ns));
        uint64_t began = now();
        atomic_store(&is_busy, true);
        DRIVER_CHECK(driver_mix(high_stream, 0, 0, word, 1));
        if (by_event) {
            DRIVER_CHECK(cuda.cuEventRecord(waiter.event, high_stream));
            want_event();
        }
        uint64_t half = began + hold_ns / 2, end = began + hold_ns;
        /* The first half is for what spins before it sleeps. */
        while (polls && now() < half)
            query(high_stream);
        rest_until(half);
        uint64_t took_half = time_taken(pid), seen_half = now();
        while (polls && now() < end)
            query(high_stream);
        rest_until(end);
        uint64_t last = atomic_load(&shared->last);
        uint64_t took = time_taken(pid), seen = now();
        uint64_t idle = now();
        atomic_store(&is_busy, false);
        if (by_event)
            await_event();
        else if (polls)
            CHECK(query(high_stream) == CUDA_SUCCESS, "the work is not done");
        else if (!never)
            DRIVER_CHECK(cuda.cuStreamSynchronize(high_stream));
        while (atomic_load_explicit(&shared->resumed, memory_order_acquire) < idle) {
            struct timespec pause = {0, 20000};
            CHECK(now() - idle < 5000000000U, "the low program does not go on");
            nanosleep(&pause, NULL);
        }
        printf("%llu %llu %llu %llu\n", (unsigned long long)(last > began ? last - began : 0),
               (unsigned long long)(atomic_load(&shared->resumed) - idle),
               (unsigned long long)(took - took_half), (unsigned long long)(seen - seen_half));
    }
}

int main(int count, char **arguments) {
    const char *role = count > 1 ? arguments[1] : "";
    bool is_low = strcmp(role, "low") == 0 || strcmp(role, "both") == 0;
    bool is_high = strcmp(role, "high") == 0 || strcmp(role, "both") == 0;
    CHECK((is_high && count == 7) || (is_low && !is_high && count == 3),
          "usage: signal low FILE, or signal high|both FILE BURSTS HOLD_US PAUSE_US WAY");
    share(arguments[2]);
    driver_start();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&word, sizeof(uint32_t)));
    pthread_t thread;
    if (is_low) {
        atomic_store(&shared->pid, getpid());
        DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&low_stream, NON_BLOCKING, LOW_PRIORITY));
        CHECK(pthread_create(&thread, NULL, launch_on, NULL) == 0, "no thread");
    }
    if (is_high) {
        DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&high_stream, NON_BLOCKING, HIGH_PRIORITY));
        DRIVER_CHECK(driver_mix(high_stream, 0, 0, word, 1));
        DRIVER_CHECK(cuda.cuStreamSynchronize(high_stream));
    }
    puts("launches");
    fflush(stdout);
    if (is_high)
        make_bursts(check_argument(arguments[3]), 1000 * check_argument(arguments[4]),
                    1000 * check_argument(arguments[5]), arguments[6]);
    while (!is_high && getchar() != EOF) {
    }
    atomic_store(&ended, true);
    if (is_low)
        pthread_join(thread, NULL);
    return 0;
}
