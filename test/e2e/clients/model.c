/* A program that does on its one stream what its standard input says, a line each, and answers:
 *   run COUNT NS   that many kernels of NS, then waits for them: "ran"
 *   loop NS        kernels of NS without pause until "stop": "looping"
 *   stop           ends the loop and waits for its kernels: "stopped"
 * The end of its input ends it. Who launched what and when tells the device's log. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

static struct client client;
static CUstream stream;
static atomic_bool stopping;
static uint64_t loop_ns;

static void *loop(void *unused) {
    (void)unused;
    CHECK(cuCtxSetCurrent(client.context));
    while (!stopping)
        CHECK(client_spin(&client, stream, loop_ns));
    CHECK(cuStreamSynchronize(stream));
    return NULL;
}

static void run(long count, uint64_t ns) {
    for (long i = 0; i < count; i++)
        CHECK(client_spin(&client, stream, ns));
    CHECK(cuStreamSynchronize(stream));
}

int main(void) {
    char line[128];
    pthread_t thread;
    bool looping = false;
    setvbuf(stdout, NULL, _IOLBF, 0);
    client_start(&client);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    printf("ready\n");
    while (fgets(line, sizeof line, stdin)) {
        char *rest;
        if (strncmp(line, "run ", 4) == 0 && !looping) {
            long count = strtol(line + 4, &rest, 10);
            run(count, strtoull(rest, NULL, 10));
            printf("ran\n");
        } else if (strncmp(line, "loop ", 5) == 0 && !looping) {
            loop_ns = strtoull(line + 5, NULL, 10);
            stopping = false;
            looping = true;
            EXPECT(pthread_create(&thread, NULL, loop, NULL), 0);
            printf("looping\n");
        } else if (strcmp(line, "stop\n") == 0 && looping) {
            stopping = true;
            EXPECT(pthread_join(thread, NULL), 0);
            looping = false;
            printf("stopped\n");
        } else {
            fprintf(stderr, "model: cannot do '%s' now\n", line);
            return 2;
        }
    }
    return 0;
}
