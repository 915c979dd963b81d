/* The little of JSON that the shim reads: one string at a path of keys. */
#ifndef XSCHED_JSON_H
#define XSCHED_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_DEPTH_MAX = 64 };

/*
 * Finds the string at `path`, keys that lead from the outermost object inwards, the last one NULL.
 * Copies it with a terminator. False where there is none, where it does not fit in `capacity`,
 * where it or a key on the way has an escape, and where the text is no JSON or is nested deeper
 * than JSON_DEPTH_MAX.
 */
bool json_find_string(const char *text, size_t length, const char *const *path, char *to,
                      size_t capacity);

#endif
