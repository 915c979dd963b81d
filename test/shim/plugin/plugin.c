/* A library that finds the driver by itself, uses the GPU, and may be unloaded with work on it. */
#include "clients/work.h"

__attribute__((visibility("default"))) unsigned plugin_run(int pending);

unsigned plugin_run(int pending) {
    driver_start();
    struct work_stream work = work_open();
    work_launch(&work, 20, 1000);
    uint32_t value = work_read(&work);
    if (pending)
        work_launch(&work, 50, 100000);
    return value;
}
