#include "frame.h"

#include "log.h"

#include <string.h>

bool frame_make(struct frame *frame, const xsp_any *message) {
    uint8_t *body = frame->bytes + ZMTP_HEAD_BYTES;
    size_t length = message_encode(message, body, XSP_MESSAGE_BYTES);
    if (length == 0) {
        log_line(LOG_ERROR, "message %d does not fit in %d bytes", (int)message->opcode,
                 XSP_MESSAGE_BYTES);
        return false;
    }
    uint8_t head[ZMTP_HEAD_BYTES];
    size_t head_length = zmtp_head(head, length);
    frame->begin = body - head_length;
    frame->length = head_length + length;
    memcpy(frame->begin, head, head_length);
    return true;
}
