/*
 * The one kernel of the demo as PTX text, which the driver of any GPU since Volta assembles.
 *
 * One thread of each block watches the GPU's clock for the time given and the others wait for it at
 * a barrier, so a block holds its place on the multiprocessor and uses hardly any power. The clock
 * goes on while the GPU serves another process: a kernel that is switched out in its middle counts
 * that as its own time. With kernels of some microseconds and time slices of milliseconds that is
 * one kernel in hundreds.
 */
#ifndef XSCHED_DEMO_SPIN_PTX_H
#define XSCHED_DEMO_SPIN_PTX_H

#define SPIN_KERNEL "spin"

static const char SPIN_PTX[] = ".version 6.0\n"
                               ".target sm_70\n"
                               ".address_size 64\n"
                               ".visible .entry " SPIN_KERNEL "(.param .u64 duration_ns)\n"
                               ".maxntid 1024, 1, 1\n"
                               "{\n"
                               "    // sim.duration_ns param=0\n"
                               "    .reg .pred %p<3>;\n"
                               "    .reg .b32 %r<2>;\n"
                               "    .reg .b64 %rd<5>;\n"
                               "    ld.param.u64 %rd1, [duration_ns];\n"
                               "    mov.u32 %r1, %tid.x;\n"
                               "    setp.ne.u32 %p1, %r1, 0;\n"
                               "    @%p1 bra arrive;\n"
                               "    mov.u64 %rd2, %globaltimer;\n"
                               "watch:\n"
                               "    mov.u64 %rd3, %globaltimer;\n"
                               "    sub.u64 %rd4, %rd3, %rd2;\n"
                               "    setp.lt.u64 %p2, %rd4, %rd1;\n"
                               "    @%p2 bra watch;\n"
                               "arrive:\n"
                               "    bar.sync 0;\n"
                               "    ret;\n"
                               "}\n";

#endif
