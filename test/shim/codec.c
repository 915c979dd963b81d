/*
 * Encodes and decodes messages as the shim does, a line of input to a line of output:
 *
 *   encode CAPACITY NAME field=value field=value …   the frame in hexadecimal, `-` if it does not
 * fit decode HEX                                        NAME field=value …, or `error` and the
 * sentence
 *
 * Numbers are decimal, booleans 0 and 1, strings hexadecimal. Fields that are not named are zero.
 */
#define XSP_DEFINE_TABLES
#include "message.h"

#include "check.h"

#include <inttypes.h>
#include <string.h>

enum { SPEC_COUNT = sizeof(xsp_specs) / sizeof(xsp_specs[0]) };

static const xsp_spec *spec_named(const char *name) {
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (strcmp(xsp_specs[i].name, name) == 0)
            return &xsp_specs[i];
    }
    CHECK(false, "no message is called %s", name);
    return NULL;
}

static const xsp_spec *spec_numbered(enum xsp_opcode opcode) {
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (xsp_specs[i].opcode == opcode)
            return &xsp_specs[i];
    }
    CHECK(false, "no message has opcode %d", (int)opcode);
    return NULL;
}

static const xsp_field *field_named(const xsp_spec *spec, const char *name) {
    for (uint32_t i = 0; i < spec->count; i++) {
        if (strcmp(spec->fields[i].name, name) == 0)
            return &spec->fields[i];
    }
    CHECK(false, "%s has no field %s", spec->name, name);
    return NULL;
}

static unsigned digit_of(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c);
    CHECK(found != NULL, "'%c' is no hexadecimal digit", c);
    return (unsigned)(found - digits);
}

/* Turns hexadecimal digits into bytes in place; returns how many. */
static size_t unhex(char *text) {
    size_t length = strlen(text);
    CHECK(length % 2 == 0, "an odd number of hexadecimal digits");
    for (size_t i = 0; i < length; i += 2)
        text[i / 2] = (char)(digit_of(text[i]) << 4 | digit_of(text[i + 1]));
    return length / 2;
}

static void print_hex(const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        printf("%02x", ((const uint8_t *)bytes)[i]);
}

/* The value stays in the line's memory. */
static void set_field(const xsp_field *field, char *fields, char *text) {
    char *place = fields + field->offset;
    long long number = 0;
    xsp_str slice;
    if (field->type == XSP_STR) {
        slice.len = (uint32_t)unhex(text);
        slice.data = text;
        memcpy(place, &slice, sizeof(slice));
        return;
    }
    char *end;
    number = strtoll(text, &end, 10);
    CHECK(*text != '\0' && *end == '\0', "%s=%s is not a number", field->name, text);
    switch (field->type) {
    case XSP_U8:
        *(uint8_t *)place = (uint8_t)number;
        break;
    case XSP_U32:
        *(uint32_t *)place = (uint32_t)number;
        break;
    case XSP_U64:
        *(uint64_t *)place = (uint64_t)number;
        break;
    case XSP_I32:
        *(int32_t *)place = (int32_t)number;
        break;
    default:
        *(bool *)place = number != 0;
        break;
    }
}

static void print_field(const xsp_field *field, const char *fields) {
    const char *place = fields + field->offset;
    xsp_str slice;
    printf(" %s=", field->name);
    switch (field->type) {
    case XSP_STR:
        memcpy(&slice, place, sizeof(slice));
        print_hex(slice.data, slice.len);
        break;
    case XSP_U8:
        printf("%u", *(const uint8_t *)place);
        break;
    case XSP_U32:
        printf("%" PRIu32, *(const uint32_t *)place);
        break;
    case XSP_U64:
        printf("%" PRIu64, *(const uint64_t *)place);
        break;
    case XSP_I32:
        printf("%" PRId32, *(const int32_t *)place);
        break;
    case XSP_BOOL:
        printf("%d", *(const bool *)place);
        break;
    }
}

static void encode(char *rest) {
    char *save;
    size_t capacity = check_argument(strtok_r(rest, " ", &save));
    const xsp_spec *spec = spec_named(strtok_r(NULL, " ", &save));
    xsp_any message;
    memset(&message, 0, sizeof(message));
    message.opcode = spec->opcode;
    for (char *pair; (pair = strtok_r(NULL, " ", &save)) != NULL;) {
        char *equals = strchr(pair, '=');
        CHECK(equals != NULL, "'%s' is not field=value", pair);
        *equals = '\0';
        set_field(field_named(spec, pair), (char *)&message.as, equals + 1);
    }
    /* A buffer of just that size, so that a sanitizer sees a byte too many. */
    uint8_t *frame = malloc(capacity > 0 ? capacity : 1);
    CHECK(frame != NULL, "out of memory");
    size_t length = message_encode(&message, frame, capacity);
    if (length == 0)
        putchar('-');
    print_hex(frame, length);
    free(frame);
}

static void decode(char *hex) {
    size_t length = unhex(hex);
    uint8_t *frame = malloc(length > 0 ? length : 1);
    CHECK(frame != NULL, "out of memory");
    memcpy(frame, hex, length);
    xsp_any message;
    char error[MESSAGE_ERROR_BYTES];
    if (message_decode(frame, length, &message, error)) {
        const xsp_spec *spec = spec_numbered(message.opcode);
        printf("%s", spec->name);
        for (uint32_t i = 0; i < spec->count; i++)
            print_field(&spec->fields[i], (const char *)&message.as);
    } else {
        printf("error %s", error);
    }
    free(frame);
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        if (strncmp(line, "encode ", 7) == 0) {
            encode(line + 7);
        } else if (strncmp(line, "decode ", 7) == 0) {
            decode(line + 7);
        } else {
            CHECK(false, "'%.20s' is neither encode nor decode", line);
        }
        putchar('\n');
    }
    free(line);
    return 0;
}
