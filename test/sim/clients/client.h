/* What the client programs share: starting, launching, checking, the clock. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cuda_api.h"

struct client {
    CUcontext context;
    CUmodule module;
    CUfunction spin, mix, add, store, fail;
};

/* Initialises the driver on device 0 and loads the kernels; ends the program where that fails. */
void client_start(struct client *client);

/* Launches one block of one thread. */
CUresult client_spin(const struct client *client, CUstream stream, uint64_t ns);
CUresult client_mix(const struct client *client, CUstream stream, uint64_t ns, CUdeviceptr word,
                    uint32_t value);
/* The word at a device address, after all work. */
uint32_t client_read(CUdeviceptr word);

/* CLOCK_MONOTONIC in ns. */
uint64_t client_now(void);

/* Ends the program with exit code 1 and the place where a call did not return what it should; with
 * $CLIENT_KEEP_GOING set it only prints that, to compare with a real driver. */
#define EXPECT(call, wanted) client_expect((long)(call), (long)(wanted), #call, __FILE__, __LINE__)
#define CHECK(call) EXPECT(call, CUDA_SUCCESS)
void client_expect(long got, long wanted, const char *text, const char *file, int line);

#endif
