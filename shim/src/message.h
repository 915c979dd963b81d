/* The shim's messages to msgpack and back, by the generated table. */
#ifndef XSCHED_MESSAGE_H
#define XSCHED_MESSAGE_H

#include "xsched_protocol.h"

enum { MESSAGE_ERROR_BYTES = 160 };

/*
 * Packs a message into at most `capacity` bytes. Strings over their limit are cut at a character's
 * boundary, numbers are cut to their range. Returns the length, 0 when it does not fit.
 */
size_t message_encode(const xsp_any *message, uint8_t *to, size_t capacity);

/*
 * Unpacks one frame that the daemon may send. Strings point into `from`. On failure writes a
 * sentence that names the field, the value and the limit to `error` and returns false.
 */
bool message_decode(const uint8_t *from, size_t length, xsp_any *message,
                    char error[MESSAGE_ERROR_BYTES]);

#endif
