/*
 * A job on two devices that works as collectives do: in each round either side launches, tells the
 * other, and waits on the device until the other has told it.
 *
 *   collective ROUNDS
 *
 * Prints what the kernels of each device have computed.
 */
#include "driver.h"

#include "check.h"

#include <pthread.h>

enum { SIDES = 2 };

struct side {
    CUcontext context;
    CUfunction mix;
    CUdeviceptr word;   /* What its kernels compute. */
    CUdeviceptr signal; /* What the other side writes. */
};

static struct side sides[SIDES];
static uint32_t rounds;

static void open_side(int number) {
    struct side *side = &sides[number];
    CUdevice device;
    DRIVER_CHECK(cuda.cuDeviceGet(&device, number));
    DRIVER_CHECK(cuda.cuDevicePrimaryCtxRetain(&side->context, device));
    DRIVER_CHECK(cuda.cuCtxSetCurrent(side->context));
    side->mix = driver_load_mix();
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&side->word, sizeof(uint32_t)));
    DRIVER_CHECK(cuda.cuMemAlloc_v2(&side->signal, sizeof(uint32_t)));
    DRIVER_CHECK(cuda.cuMemsetD32_v2(side->word, 0, 1));
    DRIVER_CHECK(cuda.cuMemsetD32_v2(side->signal, 0, 1));
    DRIVER_CHECK(cuda.cuCtxSynchronize());
}

static void *work(void *data) {
    enum { AT_LEAST = 0 };
    struct side *side = data;
    const struct side *other = &sides[1 - (side - sides)];
    CUstream stream;
    DRIVER_CHECK(cuda.cuCtxSetCurrent(side->context));
    DRIVER_CHECK(cuda.cuStreamCreateWithPriority(&stream, NON_BLOCKING, 0));
    for (uint32_t round = 1; round <= rounds; round++) {
        uint64_t ns = 10000;
        void *parameters[] = {&ns, &side->word, &round};
        DRIVER_CHECK(cuda.cuLaunchKernel(side->mix, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
        DRIVER_CHECK(cuda.cuStreamWriteValue32_v2(stream, other->signal, round, 0));
        DRIVER_CHECK(cuda.cuStreamWaitValue32_v2(stream, side->signal, round, AT_LEAST));
    }
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    return NULL;
}

int main(int count, char **words) {
    CHECK(count == 2, "usage: collective ROUNDS");
    rounds = (uint32_t)check_argument(words[1]);
    driver_start();
    for (int i = 0; i < SIDES; i++)
        open_side(i);
    pthread_t threads[SIDES];
    for (int i = 0; i < SIDES; i++)
        CHECK(pthread_create(&threads[i], NULL, work, &sides[i]) == 0, "no thread");
    for (int i = 0; i < SIDES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SIDES; i++) {
        uint32_t value = 0;
        DRIVER_CHECK(cuda.cuCtxSetCurrent(sides[i].context));
        DRIVER_CHECK(cuda.cuMemcpyDtoH_v2(&value, sides[i].word, sizeof(value)));
        printf("%d: %08x\n", i, value);
    }
    return 0;
}
