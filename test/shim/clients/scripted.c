/*
 * A program that does what it is told, so that a test decides what happens before what.
 *
 * Orders come on standard input, a line each; the first word is a single letter, the thread that
 * obeys it. A thread answers each order with a line: its letter, the order and perhaps a result.
 *
 *   a create S PRIORITY        a stream, called by a digit; 0 is the legacy one, 9 the thread's own
 *   a launch S COUNT NS        kernels that last NS each
 *   a trickle S COUNT NS       the same, one each 50 us, as who is slower than the GPU
 *   a flood S NS               launches one after the other until somebody says `stop`
 *   a sync S | destroy S
 *   a read S                   a number that follows from all that the stream's kernels did
 *   a begin S MODE | end S | replay S     a capture, the graph that it made, one launch of it
 *   a record S COUNT           puts that many events on it, all of them one event
 *   a recorded S               how many of them are there
 *   a join S T                 S waits for an event of T, and joins a capture of it
 *   a host S COUNT | allocate S COUNT | copy S COUNT | await S COUNT | rejected S COUNT
 *                              host functions, memory, copies, a value that the stream waits for,
 *                              launches that the driver refuses
 *   a green G S                a green context, called by a digit too, with a stream S of its own
 *   a enter G | leave G | finish G | part G
 *                              it is made current, the primary one is again, what is current is
 *                              waited for, the green one is destroyed
 *   a move G S                 an event of S is recorded anew, in all of G, and waited for
 *   a asked S 1 | given S 1    its CUDA priority, as the driver says or as the simulated GPU has it
 *   a upload S MEGABYTES       one copy to the device, and back
 *   a ahead S COUNT | question S COUNT    functions of a driver of the future
 *   a close LOW HIGH           closes descriptors
 *   a shut LOW                 closes all from that one on, in one call
 *   a sockets COUNT | heard    opens pairs of sockets; how many of them have something to read
 *   a write FOLDER COUNT       writes files: each holds its own name
 *   a fork CODE                a child that ends with that code, and its status
 *   a exec PROGRAM ARGUMENT…   the same with a program in it; its output is ours
 *   a exit CODE
 *   a cancel L | reap L        another thread, by its letter; whether a cancellation ended it
 *
 * It may be a server of models too, whose backend launches on the streams above. `none` stands for
 * a name or a priority that there is none of; M is a model, V its version, I its instance:
 *
 *   a core FILE                the library of the core, before anything else of these
 *   a load M V I PRIORITY S    its initialisation launches a kernel on S
 *   a refuse M V I PRIORITY S  the same, and the backend answers with an error
 *   a replace M V I PRIORITY S in the place of the instance of that name, which nobody finalizes
 *   a execute I S COUNT NS
 *   a make I S 1 PRIORITY      an execution in which the stream S is created
 *   a nest I J S               an execution of J in the middle of one of I, three kernels in all
 *   a unload I
 *   a objects                  whether errors and messages are left that nobody deleted
 */
#include "calls.h"
#include "driver.h"

#include "check.h"
#include "clock.h"
#include "green.h"
#include "server.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STREAMS = 10, LETTERS = 26, LINE_BYTES = 1024, OWN = 9, EXEC_ARGUMENTS = 8 };
enum { TRICKLE_NS = 50000 };

struct mailbox {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool started;
    bool full;
    char line[LINE_BYTES];
};

static struct mailbox boxes[LETTERS];
static CUstream streams[STREAMS];
static CUgraphExec graphs[STREAMS];
static CUdeviceptr words;
static atomic_bool stopped;
static atomic_uint launched[STREAMS];
static atomic_uint recorded[STREAMS];

/* One write a line, so that lines of several threads do not mix. */
static void answer(char letter, const char *order, const char *result) {
    char line[LINE_BYTES + 64];
    int length = snprintf(line, sizeof(line), "%c %s%s%s\n", letter, order,
                          result[0] != '\0' ? " " : "", result);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        exit(1);
}

static size_t stream_number(const char *word) {
    CHECK(word != NULL, "a stream is missing");
    uint64_t number = check_argument(word);
    CHECK(number < STREAMS, "there is no stream %s", word);
    return number;
}

static CUresult launch(size_t number, uint64_t ns) {
    uint32_t value = atomic_fetch_add(&launched[number], 1);
    return driver_mix(number == OWN ? NULL : streams[number], number == OWN, ns, words + 4 * number,
                      value);
}

/* A stream, of a priority that is said without its sign. */
static CUresult create(size_t number, uint64_t priority) {
    return cuda.cuStreamCreateWithPriority(&streams[number], NON_BLOCKING, -(int)priority);
}

static CUresult record(size_t number, uint64_t count) {
    CUevent event;
    CUresult status = cuda.cuEventCreate(&event, NO_TIMING);
    for (uint64_t i = 0; i < count && status == CUDA_SUCCESS; i++) {
        status = cuda.cuEventRecord(event, streams[number]);
        atomic_fetch_add(&recorded[number], 1);
    }
    return status;
}

static void write_files(const char *folder, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        char path[LINE_BYTES];
        snprintf(path, sizeof(path), "%s/%d", folder, (int)i);
        int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        CHECK(file >= 0, "cannot make %s", path);
        CHECK(write(file, path, strlen(path)) == (ssize_t)strlen(path), "cannot write %s", path);
        /* It stays open: a number that somebody else might mistake for his own. */
    }
}

static int highest_socket;

static void open_sockets(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "no sockets");
        highest_socket = pair[1];
    }
}

static unsigned count_heard(void) {
    unsigned heard = 0;
    for (int i = STDERR_FILENO + 1; i <= highest_socket; i++) {
        char byte;
        heard += recv(i, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
    }
    return heard;
}

static int wait_for(pid_t child) {
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child, "no child");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run_program(char **save) {
    char *arguments[EXEC_ARGUMENTS + 1] = {NULL};
    for (int i = 0; i < EXEC_ARGUMENTS; i++)
        arguments[i] = strtok_r(NULL, " ", save);
    CHECK(arguments[0] != NULL, "no program");
    pid_t child = fork();
    if (child == 0) {
        execv(arguments[0], arguments);
        _exit(127);
    }
    return wait_for(child);
}

static void obey_driver(char letter, const char *order, const char *name, char **save) {
    char result[32] = "";
    size_t number = stream_number(strtok_r(NULL, " ", save));
    const char *second = strtok_r(NULL, " ", save);
    const char *third = strtok_r(NULL, " ", save);
    CUresult status = CUDA_SUCCESS;
    if (strcmp(name, "read") == 0) {
        uint32_t value = 0;
        DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(&value, words + 4 * number, sizeof(value)));
        snprintf(result, sizeof(result), "%08x", value);
        answer(letter, order, result);
        return;
    }
    if (strcmp(name, "create") == 0) {
        status = create(number, check_argument(second));
    } else if (strcmp(name, "launch") == 0) {
        uint64_t count = check_argument(second), ns = check_argument(third);
        for (uint64_t i = 0; i < count && status == CUDA_SUCCESS; i++)
            status = launch(number, ns);
    } else if (strcmp(name, "trickle") == 0) {
        uint64_t count = check_argument(second), ns = check_argument(third);
        uint64_t due = clock_now();
        for (uint64_t i = 0; i < count && status == CUDA_SUCCESS; i++) {
            status = launch(number, ns);
            for (due += TRICKLE_NS; clock_now() < due;) {
            }
        }
    } else if (strcmp(name, "flood") == 0) {
        uint64_t ns = check_argument(second);
        answer(letter, order, "began");
        while (!atomic_load(&stopped) && status == CUDA_SUCCESS)
            status = launch(number, ns);
        order = "flood";
    } else if (strcmp(name, "sync") == 0) {
        status = number == OWN ? cuda.cuStreamSynchronize_ptsz(NULL)
                               : cuda.cuStreamSynchronize(streams[number]);
    } else if (strcmp(name, "destroy") == 0) {
        status = cuda.cuStreamDestroy_v2(streams[number]);
    } else if (strcmp(name, "begin") == 0) {
        int mode = (int)check_argument(second);
        status = number == OWN ? cuda.cuStreamBeginCapture_v2_ptsz(NULL, mode)
                               : cuda.cuStreamBeginCapture_v2(streams[number], mode);
    } else if (strcmp(name, "end") == 0) {
        CUgraph graph = NULL;
        status = number == OWN ? cuda.cuStreamEndCapture_ptsz(NULL, &graph)
                               : cuda.cuStreamEndCapture(streams[number], &graph);
        if (status == CUDA_SUCCESS)
            status = cuda.cuGraphInstantiateWithFlags(&graphs[number], graph, 0);
    } else if (strcmp(name, "record") == 0) {
        status = record(number, check_argument(second));
    } else if (strcmp(name, "recorded") == 0) {
        status = (CUresult)atomic_load(&recorded[number]);
    } else if (strcmp(name, "join") == 0) {
        CUevent event;
        DRIVER_CHECK(cuda.cuEventCreate(&event, NO_TIMING));
        status = cuda.cuEventRecord(event, streams[stream_number(second)]);
        if (status == CUDA_SUCCESS)
            status = cuda.cuStreamWaitEvent(streams[number], event, 0);
        DRIVER_CHECK(cuda.cuEventDestroy_v2(event));
    } else if (strcmp(name, "replay") == 0) {
        status = cuda.cuGraphLaunch(graphs[number], streams[number]);
    } else if (strcmp(name, "green") == 0) {
        status = green_make(number, &streams[stream_number(second)]);
    } else if (strcmp(name, "move") == 0) {
        status = green_move_event(number, streams[stream_number(second)]);
    } else if (!green_obey(name, number, &status)) {
        uint64_t count = check_argument(second);
        CHECK(calls_obey(name, count, streams[number], words + 4 * number, &status),
              "'%s' is no order", name);
    }
    snprintf(result, sizeof(result), "%d", status);
    answer(letter, order, result);
}

static struct mailbox *box_of(const char *letter) {
    CHECK(letter != NULL && letter[0] >= 'a' && letter[0] <= 'z', "no letter of a thread");
    return &boxes[letter[0] - 'a'];
}

static void obey(char letter, char *line) {
    char order[LINE_BYTES];
    char result[32] = "";
    char *save;
    snprintf(order, sizeof(order), "%s", line);
    const char *name = strtok_r(line, " ", &save);
    CHECK(name != NULL, "an empty order");
    if (strcmp(name, "close") == 0) {
        uint64_t low = check_argument(strtok_r(NULL, " ", &save));
        uint64_t high = check_argument(strtok_r(NULL, " ", &save));
        for (uint64_t i = low; i <= high; i++)
            close((int)i);
    } else if (strcmp(name, "shut") == 0) {
        unsigned low = (unsigned)check_argument(strtok_r(NULL, " ", &save));
        CHECK(syscall(SYS_close_range, low, ~0U, 0) == 0, "no close_range");
    } else if (strcmp(name, "sockets") == 0) {
        open_sockets(check_argument(strtok_r(NULL, " ", &save)));
    } else if (strcmp(name, "heard") == 0) {
        snprintf(result, sizeof(result), "%u", count_heard());
    } else if (strcmp(name, "write") == 0) {
        const char *folder = strtok_r(NULL, " ", &save);
        write_files(folder, check_argument(strtok_r(NULL, " ", &save)));
    } else if (strcmp(name, "fork") == 0) {
        int code = (int)check_argument(strtok_r(NULL, " ", &save));
        pid_t child = fork();
        if (child == 0)
            exit(code);
        snprintf(result, sizeof(result), "%d", wait_for(child));
    } else if (strcmp(name, "cancel") == 0) {
        CHECK(pthread_cancel(box_of(strtok_r(NULL, " ", &save))->thread) == 0, "no such thread");
    } else if (strcmp(name, "reap") == 0) {
        void *end;
        CHECK(pthread_join(box_of(strtok_r(NULL, " ", &save))->thread, &end) == 0, "no thread");
        snprintf(result, sizeof(result), "%d", end == PTHREAD_CANCELED);
    } else if (strcmp(name, "exec") == 0) {
        snprintf(result, sizeof(result), "%d", run_program(&save));
    } else if (strcmp(name, "exit") == 0) {
        exit((int)check_argument(strtok_r(NULL, " ", &save)));
    } else if (!server_obey(name, &save, result, sizeof(result), launch, create)) {
        obey_driver(letter, order, name, &save);
        return;
    }
    answer(letter, order, result);
}

static void *serve(void *data) {
    struct mailbox *box = data;
    char line[LINE_BYTES];
    driver_join_thread();
    for (;;) {
        pthread_mutex_lock(&box->lock);
        while (!box->full)
            pthread_cond_wait(&box->news, &box->lock);
        memcpy(line, box->line, sizeof(line));
        box->full = false;
        pthread_cond_broadcast(&box->news);
        pthread_mutex_unlock(&box->lock);
        obey((char)('a' + (box - boxes)), line);
    }
    return NULL;
}

/* A thread that has not read its last order yet makes the next one wait. */
static void dispatch(const char *line) {
    CHECK(line[0] >= 'a' && line[0] <= 'z' && line[1] == ' ', "'%s' names no thread", line);
    struct mailbox *box = &boxes[line[0] - 'a'];
    if (!box->started) {
        box->started = true;
        pthread_mutex_init(&box->lock, NULL);
        pthread_cond_init(&box->news, NULL);
        CHECK(pthread_create(&box->thread, NULL, serve, box) == 0, "no thread");
    }
    pthread_mutex_lock(&box->lock);
    while (box->full)
        pthread_cond_wait(&box->news, &box->lock);
    snprintf(box->line, sizeof(box->line), "%s", line + 2);
    box->full = true;
    pthread_cond_broadcast(&box->news);
    pthread_mutex_unlock(&box->lock);
}

int main(void) {
    static char line[LINE_BYTES];
    driver_start();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&words, STREAMS * sizeof(uint32_t)));
    DRIVER_CHECK(cuda.cuMemsetD32_v2(words, 0, STREAMS));
    DRIVER_CHECK(cuda.cuCtxSynchronize());
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (strcmp(line, "stop") == 0)
            atomic_store(&stopped, true);
        else
            dispatch(line);
    }
    return 0;
}
