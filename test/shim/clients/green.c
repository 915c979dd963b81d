#include "green.h"

#include "check.h"

#include <dlfcn.h>
#include <string.h>

enum { CONTEXTS = 10, SM = 1, DEFAULT_STREAM = 1 };

typedef struct CUgreenCtx_st *CUgreenCtx;
typedef struct CUdevResourceDesc_st *CUdevResourceDesc;
/* As large as the driver's. */
typedef struct {
    uint64_t words[18];
} CUdevResource;

static CUgreenCtx contexts[CONTEXTS];

/* Calls a function of the driver that is looked up each time: these are seldom called. */
#define CALL(name, parameters) ((CUresult(*) parameters)find(#name))
static void *find(const char *name) {
    void *found = dlsym(dlopen("libcuda.so.1", RTLD_NOW), name);
    CHECK(found != NULL, "the driver has no %s", name);
    return found;
}

CUresult green_make(size_t number, CUstream *stream) {
    CUdevResource whole;
    CUdevResourceDesc descriptor;
    DRIVER_CHECK(CALL(cuDeviceGetDevResource, (CUdevice, CUdevResource *, int))(0, &whole, SM));
    DRIVER_CHECK(CALL(cuDevResourceGenerateDesc,
                      (CUdevResourceDesc *, CUdevResource *, unsigned))(&descriptor, &whole, 1));
    DRIVER_CHECK(CALL(cuGreenCtxCreate, (CUgreenCtx *, CUdevResourceDesc, CUdevice, unsigned))(
        &contexts[number], descriptor, 0, DEFAULT_STREAM));
    return CALL(cuGreenCtxStreamCreate,
                (CUstream *, CUgreenCtx, unsigned, int))(stream, contexts[number], NON_BLOCKING, 0);
}

static CUresult enter(size_t number) {
    CUcontext context;
    DRIVER_CHECK(CALL(cuCtxFromGreenCtx, (CUcontext *, CUgreenCtx))(&context, contexts[number]));
    return cuda.cuCtxSetCurrent(context);
}

CUresult green_move_event(size_t number, CUstream stream) {
    CUevent event;
    DRIVER_CHECK(cuda.cuEventCreate(&event, NO_TIMING));
    DRIVER_CHECK(cuda.cuEventRecord(event, stream));
    DRIVER_CHECK(CALL(cuGreenCtxRecordEvent, (CUgreenCtx, CUevent))(contexts[number], event));
    return cuda.cuEventSynchronize(event);
}

bool green_obey(const char *name, size_t number, CUresult *status) {
    if (strcmp(name, "enter") == 0)
        *status = enter(number);
    else if (strcmp(name, "leave") == 0)
        *status = cuda.cuCtxSetCurrent(cuda.context);
    else if (strcmp(name, "finish") == 0)
        *status = cuda.cuCtxSynchronize();
    else if (strcmp(name, "part") == 0)
        *status = CALL(cuGreenCtxDestroy, (CUgreenCtx))(contexts[number]);
    else
        return false;
    return true;
}
