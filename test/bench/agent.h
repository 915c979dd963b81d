/*
 * A process with a link to the daemon, driven from outside: a child connects, so that the kernel
 * calls it the peer, and sleeps; its parent speaks for it. So one thread drives many processes.
 * Whatever fails ends the program with a message.
 */
#ifndef BENCH_AGENT_H
#define BENCH_AGENT_H

#include "xsched_protocol.h"
#include "zmtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct agent_queue {
    uint32_t seq; /* The newest that was said. */
    bool ready;   /* What was said last. */
    /* What the daemon said last. */
    bool permit;
    uint32_t decision;   /* Its seq; 0 before the first. */
    uint32_t acks;       /* The newest seq that it had seen. */
    uint64_t decided_ns; /* When it was read. */
};

struct agent {
    int link;
    int leash; /* Closed, it ends the child. */
    pid_t pid;
    bool welcomed;
    struct zmtp zmtp;
    /* What the socket did not take yet. */
    uint8_t pending[512];
    size_t pending_length;
    uint32_t queue_count;
    struct agent_queue *queues; /* Queue n is at n - 1. */
    uint64_t sent;              /* Messages so far. */
    uint64_t decisions;         /* PERMITs and SUSPENDs so far. */
};

/*
 * Starts a process that is connected to the socket at `path` and said HELLO with a priority. It has
 * room for `queue_count` queues, of which none is registered.
 */
void agent_start(struct agent *agent, const char *path, int32_t priority, uint32_t queue_count);

/* Registers queue `number`, 1 to queue_count, without work. */
void agent_register(struct agent *agent, uint32_t number, const char *device);

/*
 * Says READY of a queue that has no work, IDLE of one that has. Returns false and changes nothing
 * while the socket is full.
 */
bool agent_turn(struct agent *agent, uint32_t number);

/* Says all of a queue, as shims do every XSP_STATS_MS; waits while the socket is full. */
void agent_tell(struct agent *agent, uint32_t number);

/* The same in a way that is answered, and waits for the answer. */
void agent_ask(struct agent *agent, uint32_t number);

/* Reads what has arrived, without waiting; whether it was anything. */
bool agent_read(struct agent *agent);

/*
 * Closes the link and waits for the end of the process. Those that were started last have to go
 * first, since each holds what was open when it was started.
 */
void agent_stop(struct agent *agent);

#endif
