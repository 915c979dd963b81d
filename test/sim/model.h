/* The model of the simulated GPU: every figure in one place, with what it was fitted to.
 *
 * All times are simulated nanoseconds; one of them lasts XSCHED_SIM_SCALE real nanoseconds. The
 * figures describe an NVIDIA H200 with driver 580. Fitted rows are standalone and native ones only;
 * README.md lists the rows that are kept out and checked by test/bench/sim-fit.ts. */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

/* Host cost of the calls: how long the calling thread is held. Measured: a bare launch 3.1 to
 * 4.2 us, with an event after every launch 3.9 us, with StreamWriteValue32 4.8 us. */
#define SIM_HOST_LAUNCH_NS 3200
#define SIM_HOST_EVENT_NS 500
#define SIM_HOST_WRITE_VALUE_NS 1200
#define SIM_HOST_FUNC_NS 2000
#define SIM_HOST_COPY_NS 2500
#define SIM_HOST_GRAPH_NS 5000

/* From entering a launch to the start of the kernel on an idle device, and from the end of an
 * operation to the moment when the host can see it. Measured together: a 20 us kernel is seen 29.0
 * us after its launch began (event polled), and 28.0 us with a polled write of a value. */
#define SIM_START_LATENCY_NS 6000
#define SIM_VISIBLE_LATENCY_NS 2300
#define SIM_EVENT_NS 600
#define SIM_WRITE_VALUE_NS 200
/* A graph's first node starts later than a launch does; a lead, no figure of its own. */
#define SIM_GRAPH_LATENCY_NS 8000
/* Measured: a 20 us kernel followed by a host function is seen after 63.7 us: the function starts
 * about 36 us after its predecessor ended. */
#define SIM_HOST_FUNC_LATENCY_NS 35000

/* Between two kernels of one stream that are both queued, the device idles about a microsecond. */
#define SIM_KERNEL_GAP_NS 900

/* A kernel whose PTX does not say how long it runs. */
#define SIM_DEFAULT_KERNEL_NS 5000

/* Launches of one stream that the hardware queue takes before the launching thread blocks.
 * Measured: 1021. */
#define SIM_QUEUE_LAUNCHES 1021

/* Time slices between processes without MPS, and the cost of a switch. Fitted to the native row of
 * two processes (0.45 ms beside continuous 33 us kernels: 1.47/2.69 ms at P50/P99; the programs of
 * this folder on an H200: 0.50 ms becomes 1.67/2.78): the requester waits for what is left of the
 * other's slice, uniform in 0 to 2 ms, then for the switch. A slice
 * that ends while nobody else has work starts again, as the hardware's timer does. */
#define SIM_SLICE_NS 2000000
#define SIM_SWITCH_NS 120000

/* Jitter of each kernel (log-normal, sigma) and of the device's speed, which is redrawn every
 * epoch. Fitted to the standalone row 0.46/0.56 ms: 75 independent kernels average out, so what
 * makes P99 1.22 times P50 must be common to a request: ln(1.22) / 2.33 = 0.085. */
#define SIM_KERNEL_SIGMA 0.05
#define SIM_SPEED_SIGMA 0.085
#define SIM_SPEED_EPOCH_NS 5000000

/* Copy engines (one for each direction): PCIe 5 x16 with pinned memory, about 55 GB/s, and a start
 * cost. Copies inside the device: about 2 TB/s (HBM3e, read and write). */
#define SIM_COPY_START_NS 1500
#define SIM_COPY_BYTES_PER_US 55000
#define SIM_DEVICE_COPY_BYTES_PER_US 2000000

/* What the device says of itself. */
#define SIM_DEVICE_NAME "xsched simulated GPU"
#define SIM_DEVICE_MEMORY (141ull << 30)
#define SIM_MULTIPROCESSORS 132
#define SIM_DRIVER_VERSION 12080
#define SIM_PRIORITY_GREATEST (-5)

#endif
