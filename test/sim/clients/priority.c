/* Five kernels on a stream of low priority, then five on one of high priority, all waiting for one
 * event: prints the streams' numbers, for the device's log to be read by. */
#include "client.h"

#include <stdatomic.h>

extern CUresult cuStreamGetId(CUstream stream, unsigned long long *id);
extern CUresult cuStreamGetPriority(CUstream stream, int *priority);
extern CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest);

int main(void) {
    struct client client;
    CUstream gate, low, high;
    CUevent event;
    _Atomic uint32_t *held;
    unsigned long long low_id, high_id;
    int least, greatest, priority;
    client_start(&client);
    CHECK(cuCtxGetStreamPriorityRange(&least, &greatest));
    EXPECT(least, 0);
    EXPECT(greatest, -5);
    CHECK(cuMemAllocHost((void **)&held, 4096));
    CHECK(cuStreamCreate(&gate, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamCreateWithPriority(&low, CU_STREAM_NON_BLOCKING, 3)); /* becomes 0 */
    CHECK(cuStreamCreateWithPriority(&high, CU_STREAM_NON_BLOCKING, -9));
    CHECK(cuStreamGetPriority(low, &priority));
    EXPECT(priority, 0);
    CHECK(cuStreamGetPriority(high, &priority));
    EXPECT(priority, -5);
    CHECK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    CHECK(cuStreamWaitValue32(gate, (CUdeviceptr)(uintptr_t)held, 1, CU_STREAM_WAIT_VALUE_EQ));
    CHECK(cuEventRecord(event, gate));
    CHECK(cuStreamWaitEvent(low, event, 0));
    CHECK(cuStreamWaitEvent(high, event, 0));
    for (int i = 0; i < 5; i++)
        CHECK(client_spin(&client, low, 10000));
    for (int i = 0; i < 5; i++)
        CHECK(client_spin(&client, high, 10000));
    *held = 1;
    CHECK(cuCtxSynchronize());
    CHECK(cuStreamGetId(low, &low_id));
    CHECK(cuStreamGetId(high, &high_id));
    printf("{\"low\":%llu,\"high\":%llu}\n", low_id, high_id);
    return 0;
}
