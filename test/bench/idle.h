/* The program that is only there: the high one beside which a low one is measured. */
#ifndef BENCH_IDLE_H
#define BENCH_IDLE_H

#include "clients/driver.h"

#include "check.h"

#include <stdio.h>

/* Launches one kernel, says so, and stays until the input ends. */
static inline void stay_idle(CUstream stream, CUdeviceptr word) {
    DRIVER_CHECK(driver_mix(stream, 0, 0, word, 1));
    DRIVER_CHECK(cuda.cuStreamSynchronize(stream));
    puts("idle");
    fflush(stdout);
    while (getchar() != EOF) {
    }
}

#endif
