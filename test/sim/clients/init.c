/* Many threads that all begin with cuInit and then use the device. Prints "ok". */
#include <pthread.h>

#include "client.h"

enum { THREADS = 16 };

static pthread_barrier_t together;

static void *begin(void *unused) {
    CUdevice device;
    CUcontext context;
    (void)unused;
    pthread_barrier_wait(&together);
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    CHECK(cuCtxSynchronize());
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, begin, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("ok\n");
    return 0;
}
