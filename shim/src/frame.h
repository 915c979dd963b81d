/* A message as the socket takes it: packed, in a frame of the transport. */
#ifndef XSCHED_FRAME_H
#define XSCHED_FRAME_H

#include "message.h"
#include "zmtp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
    uint8_t bytes[ZMTP_HEAD_BYTES + XSP_MESSAGE_BYTES];
    uint8_t *begin;
    size_t length;
};

/* False, with a line in the log, when the message is longer than any may be. */
bool frame_make(struct frame *frame, const xsp_any *message);

#endif
