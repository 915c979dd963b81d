/* A little work for the GPU whose result tells whether all of it was done, in its order. */
#ifndef TEST_WORK_H
#define TEST_WORK_H

#include "driver.h"

#include "check.h"

#include <unistd.h>

struct work_stream {
    CUstream stream;
    CUdeviceptr word;
    uint32_t launched;
};

static inline struct work_stream work_open(void) {
    struct work_stream work = {.launched = 0};
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&work.stream, NON_BLOCKING, 0));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&work.word, sizeof(uint32_t)));
    DRIVER_CHECK(cuda.cuMemsetD32_v2(work.word, 0, 1));
    DRIVER_CHECK(cuda.cuCtxSynchronize());
    return work;
}

static inline void work_launch(struct work_stream *work, unsigned count, uint64_t ns) {
    for (unsigned i = 0; i < count; i++)
        DRIVER_CHECK(driver_mix(work->stream, 0, ns, work->word, work->launched++));
}

/* What its launches have made of the word so far. */
static inline uint32_t work_read(struct work_stream *work) {
    uint32_t value = 0;
    DRIVER_CHECK(cuda.cuStreamSynchronize(work->stream));
    DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(&value, work->word, sizeof(value)));
    return value;
}

/* One line, in one write: nothing of it is left in a buffer that a child inherits. */
#define SAY(...)                                                                                   \
    do {                                                                                           \
        if (dprintf(STDOUT_FILENO, __VA_ARGS__) < 0)                                               \
            exit(1);                                                                               \
    } while (0)

/* A program's whole use of the GPU, and what came of it. */
static inline void work_all(const char *name) {
    driver_start();
    struct work_stream work = work_open();
    work_launch(&work, 20, 1000);
    SAY("%s: %08x\n", name, work_read(&work));
}

#endif
