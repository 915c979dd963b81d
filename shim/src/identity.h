/* Who this process is, as /proc tells it, and random names. */
#ifndef XSCHED_IDENTITY_H
#define XSCHED_IDENTITY_H

#include "xsched_protocol.h"

struct identity {
    uint32_t pid;
    uint64_t start_time; /* Clock ticks since boot. */
    char exe[4097];
    char command[4097]; /* Arguments joined by spaces. */
};

/* Reads everything anew: an exec or a fork changes it. What cannot be read stays empty. */
void identity_read(struct identity *identity);

/* 128 random bits as lower-case hexadecimal digits. */
void identity_random(char id[XSP_ROUTING_ID_BYTES + 1]);

#endif
