/*
 * Sockets that live inside somebody else's process.
 *
 * A host may close every descriptor and reuse the numbers (daemonising programs do). So ours sit
 * high, are close-on-exec, and are checked by their socket cookie, which the kernel never reuses,
 * before each burst of use; and they are only ever written to with send(MSG_NOSIGNAL).
 */
#ifndef XSCHED_DESCRIPTOR_H
#define XSCHED_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

struct descriptor {
    int number; /* -1: none. */
    uint64_t cookie;
};

/* Takes over a socket's number, moving it out of the way of the host's. */
struct descriptor descriptor_adopt(int number);

/* Whether the number still is our socket. */
bool descriptor_is_ours(struct descriptor descriptor);

/* Closes it if it still is ours. */
void descriptor_close(struct descriptor *descriptor);

/* A connected, non-blocking stream socket to a path; number -1 and errno where that fails. */
struct descriptor descriptor_connect(const char *path);

#endif
