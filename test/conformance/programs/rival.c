/* No program of the suite but what they compete with: bursts of kernels and short pauses, drawn
 * from a seed, until its standard input ends. Prints "ready" when the first burst is done. */
#include "program.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t state;

/* A number below `limit`. */
static uint32_t draw(uint32_t limit) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % limit;
}

static bool is_over(void) {
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    char byte;
    return poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

int main(int argc, char **argv) {
    state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1;
    program_start("rival");
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    for (bool first = true; !is_over(); first = false) {
        for (uint32_t n = 1 + draw(12); n > 0; n--)
            NEED(launch(program.kernels.spin, stream, 20000 + draw(400000), 0, 0));
        NEED(cuStreamSynchronize(stream));
        if (first) {
            printf("ready\n");
            fflush(stdout);
        }
        usleep(draw(3000));
    }
    return 0;
}
