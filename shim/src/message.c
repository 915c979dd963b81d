#define XSP_DEFINE_TABLES
#include "message.h"

#include <stdio.h>
#include <string.h>

/* Format bytes of msgpack (the public specification's names). */
enum {
    FIXSTR = 0xa0,
    FIXARRAY = 0x90,
    FALSE_BYTE = 0xc2,
    TRUE_BYTE = 0xc3,
    FLOAT32 = 0xca,
    FLOAT64 = 0xcb,
    UINT8 = 0xcc,
    INT8 = 0xd0,
    STR8 = 0xd9,
    STR16 = 0xda,
    STR32 = 0xdb,
    ARRAY16 = 0xdc,
};

struct writer {
    uint8_t *at;
    size_t left;
    bool full;
};

struct reader {
    const uint8_t *at;
    size_t left;
};

static const xsp_spec *spec_of(unsigned opcode) {
    for (size_t i = 0; i < sizeof(xsp_specs) / sizeof(xsp_specs[0]); i++) {
        if ((unsigned)xsp_specs[i].opcode == opcode)
            return &xsp_specs[i];
    }
    return NULL;
}

static void put(struct writer *writer, const void *bytes, size_t count) {
    if (writer->full || count > writer->left) {
        writer->full = true;
        return;
    }
    memcpy(writer->at, bytes, count);
    writer->at += count;
    writer->left -= count;
}

static void put_big_endian(struct writer *writer, uint8_t format, uint64_t value, int bytes) {
    uint8_t packed[9] = {format};
    for (int i = 0; i < bytes; i++)
        packed[1 + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    put(writer, packed, 1 + (size_t)bytes);
}

static void put_unsigned(struct writer *writer, uint64_t value) {
    if (value < 0x80) {
        uint8_t byte = (uint8_t)value;
        put(writer, &byte, 1);
    } else if (value <= 0xff) {
        put_big_endian(writer, UINT8, value, 1);
    } else if (value <= 0xffff) {
        put_big_endian(writer, UINT8 + 1, value, 2);
    } else if (value <= 0xffffffff) {
        put_big_endian(writer, UINT8 + 2, value, 4);
    } else {
        put_big_endian(writer, UINT8 + 3, value, 8);
    }
}

static void put_integer(struct writer *writer, int64_t value) {
    if (value >= 0) {
        put_unsigned(writer, (uint64_t)value);
    } else if (value >= -32) {
        uint8_t byte = (uint8_t)value;
        put(writer, &byte, 1);
    } else if (value >= INT8_MIN) {
        put_big_endian(writer, INT8, (uint64_t)value, 1);
    } else if (value >= INT16_MIN) {
        put_big_endian(writer, INT8 + 1, (uint64_t)value, 2);
    } else {
        put_big_endian(writer, INT8 + 2, (uint64_t)value, 4);
    }
}

static void put_string(struct writer *writer, xsp_str text, uint32_t limit) {
    uint32_t length = text.len;
    if (length > limit) {
        length = limit;
        /* Bytes 10xxxxxx continue a character; the cut goes before one that does not. */
        while (length > 0 && ((uint8_t)text.data[length] & 0xc0) == 0x80)
            length--;
    }
    if (length < 32) {
        uint8_t byte = (uint8_t)(FIXSTR | length);
        put(writer, &byte, 1);
    } else if (length <= 0xff) {
        put_big_endian(writer, STR8, length, 1);
    } else {
        put_big_endian(writer, STR16, length, 2);
    }
    if (length > 0)
        put(writer, text.data, length);
}

static void put_field(struct writer *writer, const xsp_field *field, const char *fields) {
    const char *place = fields + field->offset;
    int64_t value = 0;
    switch (field->type) {
    case XSP_STR: {
        xsp_str text;
        memcpy(&text, place, sizeof(text));
        put_string(writer, text, (uint32_t)field->max);
        return;
    }
    case XSP_BOOL: {
        uint8_t byte = *(const bool *)place ? TRUE_BYTE : FALSE_BYTE;
        put(writer, &byte, 1);
        return;
    }
    case XSP_U8:
        value = *(const uint8_t *)place;
        break;
    case XSP_U32:
        value = *(const uint32_t *)place;
        break;
    case XSP_U64: {
        uint64_t wide = *(const uint64_t *)place;
        value = wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
        break;
    }
    case XSP_I32:
        value = *(const int32_t *)place;
        break;
    }
    if (value < field->min)
        value = field->min;
    if (value > field->max)
        value = field->max;
    put_integer(writer, value);
}

size_t message_encode(const xsp_any *message, uint8_t *to, size_t capacity) {
    const xsp_spec *spec = spec_of((unsigned)message->opcode);
    if (spec == NULL)
        return 0;
    struct writer writer = {to, capacity, false};
    uint8_t head = (uint8_t)(FIXARRAY | (spec->count + 1));
    put(&writer, &head, 1);
    put_unsigned(&writer, (uint64_t)spec->opcode);
    for (uint32_t i = 0; i < spec->count; i++) {
        put_field(&writer, &spec->fields[i], (const char *)&message->as);
    }
    return writer.full ? 0 : capacity - writer.left;
}

static bool take(struct reader *reader, size_t count, const uint8_t **bytes) {
    if (count > reader->left)
        return false;
    *bytes = reader->at;
    reader->at += count;
    reader->left -= count;
    return true;
}

static bool take_big_endian(struct reader *reader, size_t count, uint64_t *value) {
    const uint8_t *bytes;
    if (!take(reader, count, &bytes))
        return false;
    *value = 0;
    for (size_t i = 0; i < count; i++)
        *value = *value << 8 | bytes[i];
    return true;
}

/* A whole number, also one that a JavaScript peer packed as a float because it passes 2^32. */
static bool take_integer(struct reader *reader, int64_t *value) {
    const uint8_t *byte;
    uint64_t raw;
    if (!take(reader, 1, &byte))
        return false;
    uint8_t format = *byte;
    if (format < 0x80 || format >= 0xe0) {
        *value = format < 0x80 ? format : format - 0x100;
        return true;
    }
    if (format >= UINT8 && format < UINT8 + 4) {
        if (!take_big_endian(reader, (size_t)1 << (format - UINT8), &raw))
            return false;
        *value = (int64_t)raw;
        return raw <= INT64_MAX;
    }
    if (format >= INT8 && format < INT8 + 4) {
        int bytes = 1 << (format - INT8);
        if (!take_big_endian(reader, (size_t)bytes, &raw))
            return false;
        int shift = 64 - 8 * bytes;
        *value = (int64_t)(raw << shift) >> shift;
        return true;
    }
    if (format == FLOAT64) {
        double real;
        if (!take_big_endian(reader, 8, &raw))
            return false;
        memcpy(&real, &raw, sizeof(real));
        if (!(real >= -9007199254740992.0 && real <= 9007199254740992.0))
            return false;
        *value = (int64_t)real;
        return (double)*value == real;
    }
    return false;
}

static bool take_string(struct reader *reader, xsp_str *text) {
    const uint8_t *bytes;
    uint64_t length;
    if (!take(reader, 1, &bytes))
        return false;
    uint8_t format = *bytes;
    if ((format & 0xe0) == FIXSTR) {
        length = format & 0x1f;
    } else if (format >= STR8 && format <= STR32) {
        if (!take_big_endian(reader, (size_t)1 << (format - STR8), &length))
            return false;
    } else {
        return false;
    }
    if (!take(reader, length, &bytes))
        return false;
    *text = (xsp_str){(const char *)bytes, (uint32_t)length};
    return true;
}

static bool take_field(struct reader *reader, const xsp_spec *spec, const xsp_field *field,
                       char *fields, char *error) {
    char *place = fields + field->offset;
    if (field->type == XSP_STR) {
        xsp_str text;
        if (!take_string(reader, &text)) {
            snprintf(error, MESSAGE_ERROR_BYTES, "%s.%s is not a string", spec->name, field->name);
            return false;
        }
        if ((int64_t)text.len > field->max) {
            snprintf(error, MESSAGE_ERROR_BYTES, "%s.%s has %u bytes, the limit is %lld",
                     spec->name, field->name, text.len, (long long)field->max);
            return false;
        }
        memcpy(place, &text, sizeof(text));
        return true;
    }
    if (field->type == XSP_BOOL) {
        const uint8_t *byte;
        if (!take(reader, 1, &byte) || (*byte != TRUE_BYTE && *byte != FALSE_BYTE)) {
            snprintf(error, MESSAGE_ERROR_BYTES, "%s.%s is not a boolean", spec->name, field->name);
            return false;
        }
        *(bool *)place = *byte == TRUE_BYTE;
        return true;
    }
    int64_t value;
    if (!take_integer(reader, &value)) {
        snprintf(error, MESSAGE_ERROR_BYTES, "%s.%s is not a whole number", spec->name,
                 field->name);
        return false;
    }
    if (value < field->min || value > field->max) {
        snprintf(error, MESSAGE_ERROR_BYTES, "%s.%s is %lld, expected %lld to %lld", spec->name,
                 field->name, (long long)value, (long long)field->min, (long long)field->max);
        return false;
    }
    switch (field->type) {
    case XSP_U8:
        *(uint8_t *)place = (uint8_t)value;
        break;
    case XSP_U32:
        *(uint32_t *)place = (uint32_t)value;
        break;
    case XSP_U64:
        *(uint64_t *)place = (uint64_t)value;
        break;
    default:
        *(int32_t *)place = (int32_t)value;
        break;
    }
    return true;
}

bool message_decode(const uint8_t *from, size_t length, xsp_any *message,
                    char error[MESSAGE_ERROR_BYTES]) {
    struct reader reader = {from, length};
    const uint8_t *head;
    int64_t opcode;
    uint64_t count = 0;
    bool array = take(&reader, 1, &head);
    if (array && (*head & 0xf0) == FIXARRAY) {
        count = *head & 0x0f;
    } else {
        array = array && *head == ARRAY16 && take_big_endian(&reader, 2, &count);
    }
    if (!array || count == 0 || !take_integer(&reader, &opcode)) {
        snprintf(error, MESSAGE_ERROR_BYTES, "not an array that begins with an opcode");
        return false;
    }
    const xsp_spec *spec = opcode >= 0 && opcode <= 0xff ? spec_of((unsigned)opcode) : NULL;
    if (spec == NULL || spec->up) {
        snprintf(error, MESSAGE_ERROR_BYTES, "opcode %lld is none that a daemon sends",
                 (long long)opcode);
        return false;
    }
    if (count != spec->count + 1) {
        snprintf(error, MESSAGE_ERROR_BYTES, "%s has %llu fields, expected %u", spec->name,
                 (unsigned long long)count - 1, spec->count);
        return false;
    }
    memset(message, 0, sizeof(*message));
    message->opcode = spec->opcode;
    for (uint32_t i = 0; i < spec->count; i++) {
        if (!take_field(&reader, spec, &spec->fields[i], (char *)&message->as, error))
            return false;
    }
    if (reader.left != 0) {
        snprintf(error, MESSAGE_ERROR_BYTES, "%s is followed by %zu stray bytes", spec->name,
                 reader.left);
        return false;
    }
    return true;
}
