#include "json.h"

#include <string.h>

struct cursor {
    const char *at;
    const char *end;
};

static void skip_space(struct cursor *cursor) {
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
                                        *cursor->at == '\n' || *cursor->at == '\r')) {
        cursor->at++;
    }
}

/* Takes one character if it is next, after any space. */
static bool take(struct cursor *cursor, char wanted) {
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

struct span {
    const char *text;
    size_t length;
    bool escaped;
};

static bool take_string(struct cursor *cursor, struct span *span) {
    if (!take(cursor, '"'))
        return false;
    *span = (struct span){cursor->at, 0, false};
    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\') {
            span->escaped = true;
            cursor->at++;
        }
        if (cursor->at < cursor->end)
            cursor->at++;
    }
    if (cursor->at >= cursor->end)
        return false;
    span->length = (size_t)(cursor->at - span->text);
    cursor->at++;
    return true;
}

/* A number, true, false or null: whatever ends with a separator. */
static bool skip_scalar(struct cursor *cursor) {
    const char *start = cursor->at;
    while (cursor->at < cursor->end && strchr(",]} \t\r\n", *cursor->at) == NULL)
        cursor->at++;
    return cursor->at > start;
}

/* Skips a value of any kind without recursion: the text may be nested by an enemy. */
static bool skip_value(struct cursor *cursor) {
    int depth = 0;
    do {
        struct span ignored;
        skip_space(cursor);
        if (cursor->at == cursor->end)
            return false;
        char next = *cursor->at;
        if (next == '{' || next == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return false;
            cursor->at++;
        } else if (next == '}' || next == ']') {
            depth--;
            cursor->at++;
        } else if (next == ',' || next == ':') {
            cursor->at++;
        } else if (next == '"' ? !take_string(cursor, &ignored) : !skip_scalar(cursor)) {
            return false;
        }
    } while (depth > 0);
    return depth == 0;
}

/* Goes to the value of a key of the object that is next. */
static bool enter_key(struct cursor *cursor, const char *key) {
    if (!take(cursor, '{'))
        return false;
    do {
        struct span name;
        if (!take_string(cursor, &name) || !take(cursor, ':'))
            return false;
        if (!name.escaped && name.length == strlen(key) &&
            memcmp(name.text, key, name.length) == 0) {
            return true;
        }
        if (!skip_value(cursor))
            return false;
    } while (take(cursor, ','));
    return false;
}

bool json_find_string(const char *text, size_t length, const char *const *path, char *to,
                      size_t capacity) {
    struct cursor cursor = {text, text + length};
    for (; *path != NULL; path++) {
        if (!enter_key(&cursor, *path))
            return false;
    }
    struct span value;
    if (!take_string(&cursor, &value) || value.escaped || value.length >= capacity)
        return false;
    memcpy(to, value.text, value.length);
    to[value.length] = '\0';
    return true;
}
