/* What the environment asks of the shim. */
#ifndef XSCHED_CONFIG_H
#define XSCHED_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct config {
    bool has_priority;   /* XSCHED_PRIORITY was given and is valid. */
    int priority;        /* -255 to 255. */
    uint32_t window;     /* Launches in flight while outranked, up to 1021; 0 means no limit. */
    bool has_window;     /* XSCHED_WINDOW was given: it goes before what the daemon says. */
    uint32_t latency_us; /* Budget of a window in GPU time, up to 1000000; 0: launches count. */
    bool has_latency;    /* XSCHED_PREEMPT_LATENCY_US was given: it goes before the daemon's. */
    /* 1 and 0 when XSCHED_STREAM_PRIORITY says so, -1 when the daemon or the policy decides. */
    int stream_priority;
    bool hardware_priority; /* Not with XSCHED_HARDWARE_PRIORITY=0; see hardware.h. */
    bool local_policy;      /* XSCHED_POLICY=HPF: ranks inside the process without a daemon. */
    bool fail_closed;       /* XSCHED_FAIL=closed: no daemon, no launch. */
    bool gate_copies; /* Copies and memsets pass the gate too; XSCHED_GATE_COPIES=0 lets them by. */
    /* Longest wait for a queue of the same process, or for a window that does not move; 0 means no
     * limit. */
    uint32_t gate_max_ms;
    char name[257];        /* Up to 256 bytes, as HELLO may carry. */
    bool board;            /* XSCHED_BOARD=off: all goes by messages. */
    char runtime_dir[108]; /* The daemon's; empty like the path of the socket in it. */
    char socket_path[108]; /* agent.sock, or empty when its path does not fit a socket address. */
};

/* Set once by config_load, then only read. */
extern struct config config;

/*
 * Reads the environment. A value that is not valid is named in a warning together with its limit
 * and then ignored, because a host program must not fail by our settings.
 */
void config_load(void);

/* Reads only where the log goes, for what is to be said before anything else is used. */
void config_load_log(void);

/* True when XSCHED_DISABLE is set to anything but 0, or the process is a debugger or MPS daemon. */
bool config_is_inert(void);

#endif
