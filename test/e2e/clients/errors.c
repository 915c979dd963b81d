/* Calls the driver with what it must refuse, and with what it must not, and prints every answer.
 * Two runs print the same unless something between the program and the driver changed one. (Handles
 * that are none may crash a real driver.) */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

extern CUresult cuCtxGetCurrent(CUcontext *context);
extern CUresult cuCtxPushCurrent_v2(CUcontext context);
extern CUresult cuCtxPopCurrent_v2(CUcontext *context);
extern CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest);
extern CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
extern CUresult cuDevicePrimaryCtxReset_v2(CUdevice device);
extern CUresult cuModuleUnload(CUmodule module);
extern CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *size, CUmodule module,
                                     const char *name);
extern CUresult cuStreamGetPriority(CUstream stream, int *priority);
extern CUresult cuStreamGetFlags(CUstream stream, unsigned *flags);
extern CUresult cuStreamGetCtx(CUstream stream, CUcontext *context);
extern CUresult cuStreamQuery_ptsz(CUstream stream);
extern CUresult cuStreamSynchronize_ptsz(CUstream stream);
extern CUresult cuEventRecord_ptsz(CUevent event, CUstream stream);
extern CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags);
extern CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function, void **params,
                                 void **extra);
extern CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gx, unsigned gy,
                                          unsigned gz, unsigned bx, unsigned by, unsigned bz,
                                          unsigned shared, CUstream stream, void **params);
extern CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream);
extern CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size,
                                     CUstream stream);
extern CUresult cuGraphCreate(CUgraph *graph, unsigned flags);
extern CUresult cuGraphUpload(CUgraphExec exec, CUstream stream);

#define SHOW(call) printf("%s: %d\n", #call, (int)(call))

/* Handles that nobody ever gave out: an odd number, an address that can be read, one that cannot.
 */
static char readable[256];
static CUstream bad_streams[] = {(CUstream)0xdead, (CUstream)readable, (CUstream)0x7f0000001000};
static CUevent bad_event = (CUevent)0xbeef;
static CUfunction bad_function = (CUfunction)readable;
static CUcontext bad_context = (CUcontext)readable;
static CUgraphExec bad_exec = (CUgraphExec)0x1234;
static CUdeviceptr nowhere = 0x10;

static struct client c;
static uint64_t ns = 1000;
static void *params[] = {&ns};

static CUresult spin_on(CUstream stream) {
    return client_spin(&c, stream, 1000);
}

static void before_init(void) {
    CUcontext context = NULL;
    CUstream stream;
    SHOW(cuCtxGetCurrent(&context));
    SHOW(cuStreamCreate(&stream, 0));
    SHOW(cuStreamQuery(NULL));
    SHOW(cuLaunchKernel(bad_function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    SHOW(cuEventQuery(bad_event));
    SHOW(cuInit(1));
    SHOW(cuInit(0));
}

static void without_context(void) {
    CUcontext context = NULL;
    CUdevice device;
    CUstream stream;
    CUevent event;
    CUdeviceptr word;
    SHOW(cuDeviceGet(&device, -1));
    SHOW(cuDeviceGet(&device, 99));
    SHOW(cuDeviceGet(&device, 0));
    SHOW(cuCtxGetCurrent(&context));
    SHOW(context == NULL);
    SHOW(cuCtxSynchronize());
    SHOW(cuStreamCreate(&stream, 0));
    SHOW(cuStreamSynchronize(NULL));
    SHOW(cuStreamQuery_ptsz(NULL));
    SHOW(cuStreamQuery(bad_streams[0]));
    SHOW(cuEventCreate(&event, 0));
    SHOW(cuMemAlloc(&word, 4));
    SHOW(cuMemsetD32(nowhere, 0, 1));
    SHOW(cuMemcpyDtoH(readable, nowhere, 4));
    SHOW(cuLaunchKernel(bad_function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    SHOW(cuCtxPopCurrent_v2(&context));
    SHOW(cuCtxSetCurrent(bad_context));
    SHOW(cuCtxPushCurrent_v2(bad_context));
    SHOW(cuDevicePrimaryCtxRetain(&context, 99));
}

static void launches(void) {
    CUlaunchConfig config = {1, 1, 1, 1, 1, 1, 0, bad_streams[0], NULL, 0};
    SHOW(cuLaunchKernel(NULL, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel(bad_function, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel(c.spin, 0, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel(c.spin, 1, 1, 1, 1025, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel(c.spin, 1, 70000, 1, 1, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel(c.spin, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL));
    SHOW(cuLaunchKernel(c.spin, 1, 1, 1, 1, 1, 1, 0, NULL, params, params));
    SHOW(cuLaunchKernel(c.spin, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    SHOW(cuLaunchKernel_ptsz(c.spin, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    for (size_t i = 0; i < sizeof bad_streams / sizeof *bad_streams; i++) {
        SHOW(spin_on(bad_streams[i]));
        SHOW(cuLaunchCooperativeKernel(c.spin, 1, 1, 1, 1, 1, 1, 0, bad_streams[i], params));
        SHOW(cuLaunchHostFunc(bad_streams[i], NULL, NULL));
    }
    SHOW(cuLaunchKernelEx(NULL, c.spin, params, NULL));
    SHOW(cuLaunchKernelEx(&config, c.spin, params, NULL));
    config.hStream = NULL;
    SHOW(cuLaunchKernelEx(&config, NULL, params, NULL));
    SHOW(cuLaunchKernelEx(&config, c.spin, params, NULL));
    SHOW(cuLaunchHostFunc(NULL, NULL, NULL));
    SHOW(cuStreamAddCallback(NULL, NULL, NULL, 0));
    SHOW(cuStreamAddCallback(NULL, NULL, NULL, 7));
    SHOW(cuCtxSynchronize());
}

static void streams_and_events(void) {
    CUstream stream, other;
    CUevent event, untimed;
    CUcontext context;
    unsigned flags;
    int priority;
    float ms;
    SHOW(cuStreamCreate(NULL, 0));
    SHOW(cuStreamCreate(&stream, 77));
    SHOW(cuStreamCreateWithPriority(&stream, CU_STREAM_NON_BLOCKING, -99));
    SHOW(cuStreamGetPriority(stream, &priority));
    SHOW(priority);
    SHOW(cuStreamGetPriority(stream, NULL));
    SHOW(cuStreamGetFlags(stream, &flags));
    SHOW(flags);
    SHOW(cuStreamGetCtx(stream, &context));
    SHOW(context == c.context);
    SHOW(cuStreamCreateWithPriority(&other, 0, 99));
    SHOW(cuStreamGetPriority(other, &priority));
    SHOW(priority);
    for (size_t i = 0; i < sizeof bad_streams / sizeof *bad_streams; i++) {
        SHOW(cuStreamQuery(bad_streams[i]));
        SHOW(cuStreamSynchronize(bad_streams[i]));
        SHOW(cuStreamSynchronize_ptsz(bad_streams[i]));
        SHOW(cuStreamDestroy(bad_streams[i]));
        SHOW(cuStreamGetCtx(bad_streams[i], &context));
    }
    SHOW(cuStreamDestroy(NULL));
    SHOW(cuStreamDestroy(CU_STREAM_LEGACY));
    SHOW(cuStreamDestroy(CU_STREAM_PER_THREAD));
    SHOW(cuEventCreate(NULL, 0));
    SHOW(cuEventCreate(&event, 0xffff));
    SHOW(cuEventCreate(&event, 0));
    SHOW(cuEventCreate(&untimed, CU_EVENT_DISABLE_TIMING));
    SHOW(cuEventQuery(event));
    SHOW(cuEventQuery(bad_event));
    SHOW(cuEventSynchronize(NULL));
    SHOW(cuEventRecord(NULL, stream));
    SHOW(cuEventRecord(bad_event, stream));
    SHOW(cuEventRecord(event, bad_streams[0]));
    SHOW(cuEventRecord_ptsz(event, bad_streams[1]));
    SHOW(cuEventRecordWithFlags(event, stream, 99));
    SHOW(cuStreamWaitEvent(stream, bad_event, 0));
    SHOW(cuStreamWaitEvent(bad_streams[0], event, 0));
    SHOW(cuEventRecord(untimed, stream));
    SHOW(cuEventElapsedTime(&ms, event, untimed));
    SHOW(cuEventElapsedTime(NULL, event, event));
    SHOW(spin_on(stream));
    SHOW(cuStreamDestroy(stream));
    SHOW(spin_on(stream));
    SHOW(cuStreamSynchronize(stream));
    SHOW(cuStreamDestroy(stream));
    SHOW(spin_on(other));
    SHOW(cuStreamSynchronize(other));
    SHOW(cuStreamDestroy(other));
    SHOW(cuEventDestroy(event));
    SHOW(cuEventDestroy(event));
    SHOW(cuEventRecord(event, NULL));
    SHOW(cuEventDestroy(NULL));
}

static void memory(void) {
    CUdeviceptr word;
    SHOW(cuMemAlloc(&word, 0));
    SHOW(cuMemAlloc(NULL, 4));
    SHOW(cuMemAlloc(&word, 64));
    SHOW(cuMemcpyHtoD(word, readable, 65));
    SHOW(cuMemcpyHtoD(nowhere, readable, 4));
    SHOW(cuMemcpyHtoDAsync(word, readable, 4, bad_streams[0]));
    SHOW(cuMemcpyDtoHAsync(readable, nowhere, 4, NULL));
    SHOW(cuMemcpyDtoDAsync_v2(word, nowhere, 4, NULL));
    SHOW(cuMemcpyAsync(word, word + 32, 4, bad_streams[1]));
    SHOW(cuMemcpyAsync(word, word + 32, 4, NULL));
    SHOW(cuMemsetD32Async(word, 7, 1, bad_streams[2]));
    SHOW(cuMemsetD32Async(nowhere, 7, 1, NULL));
    SHOW(cuMemsetD32(word, 7, 1000));
    SHOW(cuMemsetD32(word, 7, 16));
    SHOW(client_read(word));
    SHOW(cuMemFree(nowhere));
    SHOW(cuMemFreeHost(readable));
    SHOW(cuMemFree(word));
    SHOW(cuMemFree(word));
    SHOW(cuMemcpyDtoH(readable, word, 4));
}

static void graphs(void) {
    CUstream stream;
    CUgraph graph = NULL;
    CUgraphExec exec;
    CUstreamCaptureStatus status;
    CUstreamCaptureMode mode = 99;
    size_t count;
    SHOW(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    SHOW(cuStreamBeginCapture(bad_streams[0], 0));
    SHOW(cuStreamBeginCapture(stream, 99));
    SHOW(cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_RELAXED));
    SHOW(cuStreamEndCapture(stream, &graph));
    SHOW(cuStreamIsCapturing(bad_streams[0], &status));
    SHOW(cuThreadExchangeStreamCaptureMode(&mode));
    SHOW(cuThreadExchangeStreamCaptureMode(NULL));
    SHOW(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(spin_on(stream));
    SHOW(cuLaunchKernel(c.spin, 0, 1, 1, 1, 1, 1, 0, stream, params, NULL));
    SHOW(cuStreamEndCapture(stream, &graph));
    SHOW(cuGraphGetNodes(graph, NULL, &count));
    SHOW(count);
    SHOW(cuGraphInstantiateWithFlags(&exec, NULL, 0));
    SHOW(cuGraphInstantiateWithFlags(&exec, graph, 0));
    SHOW(cuGraphLaunch(NULL, stream));
    SHOW(cuGraphLaunch(bad_exec, stream));
    SHOW(cuGraphLaunch(exec, bad_streams[0]));
    SHOW(cuGraphUpload(exec, stream));
    SHOW(cuGraphLaunch(exec, stream));
    SHOW(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(cuCtxSynchronize());
    SHOW(spin_on(stream));
    SHOW(cuStreamEndCapture(stream, &graph));
    SHOW(cuStreamDestroy(stream));
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphExecDestroy(exec));
    SHOW(cuGraphExecDestroy(bad_exec));
    SHOW(cuGraphDestroy(graph));
}

static void names(void) {
    static const char *const asked[] = {
        "cuLaunchKernel", "cuLaunchKernel_ptsz", "cuGraphLaunch", "cuMemcpy3D_v2",
        "cuLaunchGrid",   "cuNoSuchCall",        "cuda",          ""};
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        void *function = NULL;
        CUdriverProcAddressQueryResult status = -1;
        CUresult result = cuGetProcAddress_v2(asked[i], &function, 12000, 0, &status);
        printf("'%s': in the library %d, answer %d, status %d, function %d\n", asked[i],
               dlsym(library, asked[i]) != NULL, result, status, function != NULL);
    }
    SHOW(cuGetProcAddress_v2(NULL, NULL, 12000, 0, NULL));
}

static void contexts(void) {
    CUcontext own, popped = NULL;
    CUmodule module;
    CUfunction spin;
    CUstream stream, foreign;
    CUdeviceptr address;
    size_t size;
    SHOW(cuModuleLoadData(&module, "no ptx"));
    SHOW(cuModuleGetFunction(&spin, c.module, "no such kernel"));
    SHOW(cuModuleGetGlobal_v2(&address, &size, c.module, "no such variable"));
    SHOW(cuStreamCreate(&foreign, 0));
    SHOW(cuCtxCreate(&own, 0, 99));
    SHOW(cuCtxCreate(&own, 0, 0));
    SHOW(cuStreamCreate(&stream, 0));
    SHOW(spin_on(stream)); /* The kernel belongs to the other context. */
    SHOW(spin_on(NULL));
    SHOW(spin_on(foreign));
    SHOW(cuStreamSynchronize(foreign));
    SHOW(cuCtxSynchronize());
    SHOW(cuCtxPopCurrent_v2(&popped));
    SHOW(popped == own);
    SHOW(cuCtxDestroy(own));
    SHOW(cuCtxDestroy(own));
    SHOW(cuStreamQuery(stream));
    SHOW(cuStreamSynchronize(stream));
    SHOW(spin_on(stream));
    SHOW(cuCtxSetCurrent(own));
    SHOW(cuCtxSetCurrent(c.context));
    SHOW(cuStreamSynchronize(foreign));
    SHOW(cuStreamDestroy(foreign));
}

/* Near the end, since it spoils the context for good. */
static void sticky(void) {
    CUstream stream;
    CUcontext context;
    SHOW(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    SHOW(cuLaunchKernel(c.fail, 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL));
    SHOW(cuStreamSynchronize(stream));
    SHOW(spin_on(stream));
    SHOW(spin_on(NULL));
    SHOW(cuStreamQuery(NULL));
    SHOW(cuCtxSynchronize());
    SHOW(cuMemsetD32(nowhere, 0, 1));
    SHOW(cuDevicePrimaryCtxReset_v2(0));
    SHOW(spin_on(stream));
    SHOW(cuDevicePrimaryCtxRelease_v2(0));
    SHOW(cuDevicePrimaryCtxRelease_v2(0));
    SHOW(cuStreamSynchronize(stream));
    SHOW(cuCtxGetCurrent(&context));
    /* A context made anew works. */
    client_start(&c);
    SHOW(spin_on(NULL));
    SHOW(cuCtxSynchronize());
}

/* Very last, since a capture whose stream is gone may stay open for ever. */
static void capture_left_open(void) {
    CUstream stream;
    SHOW(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    SHOW(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    SHOW(spin_on(stream));
    SHOW(cuStreamDestroy(stream));
    SHOW(spin_on(NULL));
    SHOW(spin_on(stream));
    SHOW(cuCtxSynchronize());
}

int main(void) {
    /* Each line on its own, so that a crash shows where it was. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    before_init();
    without_context();
    client_start(&c);
    launches();
    streams_and_events();
    memory();
    graphs();
    names();
    contexts();
    sticky();
    capture_left_open();
    return 7;
}
