/* Allocations of the process: device memory lives in the process's own address space, so that a
 * device pointer is the address of its bytes. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include "runtime.h"

enum memory_kind { MEMORY_DEVICE, MEMORY_PINNED, MEMORY_MANAGED };

/* Allocates zeroed memory. CUDA_ERROR_OUT_OF_MEMORY where the device's memory (for pinned memory:
 * the host's) does not suffice. */
CUresult memory_allocate(struct context *context, enum memory_kind kind, uint64_t size,
                         uint64_t *address);
/* Whether an allocation of that kind starts at an address. */
bool memory_starts_at(enum memory_kind kind, uint64_t address);
/* Whether memory is the device's and nobody else's: only the driver can show what is in it. */
bool memory_is_private(uint64_t address);
/* Simulated bytes in use on a device by all processes. */
uint64_t memory_in_use(int device);

#endif
