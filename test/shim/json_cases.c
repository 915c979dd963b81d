/* Finding one string in JSON: what a server says, and what only an enemy would say. */
#include "json.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static const char *const priority[] = {"optimization", "priority", NULL};

static void expect(const char *text, const char *const *path, const char *wanted) {
    char found[16] = "untouched";
    bool is = json_find_string(text, strlen(text), path, found, sizeof(found));
    CHECK(is == (wanted != NULL), "%s: %s", text, is ? found : "nothing was found");
    if (wanted != NULL)
        CHECK(strcmp(found, wanted) == 0, "%s: found '%s', expected '%s'", text, found, wanted);
}

/* Whatever is cut off a text is not found, or is what stands there; nothing else is read. */
static void cut_everywhere(const char *text) {
    for (size_t length = 0; length < strlen(text); length++) {
        /* Its own allocation, so that a sanitizer sees one byte too far. */
        char *copy = malloc(length + 1);
        CHECK(copy != NULL, "out of memory");
        char *exact = realloc(copy, length > 0 ? length : 1);
        memcpy(exact, text, length);
        char found[16];
        if (json_find_string(exact, length, priority, found, sizeof(found)))
            CHECK(strcmp(found, "PRIORITY_MAX") == 0, "found '%s'", found);
        free(exact);
    }
}

static void nest(size_t depth) {
    static char text[4096];
    const char *const last[] = {"b", NULL};
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"a\":");
    memset(text + at, '[', depth);
    memset(text + at + depth, ']', depth);
    snprintf(text + at + 2 * depth, sizeof(text) - at - 2 * depth, ",\"b\":\"x\"}");
    expect(text, last, depth <= JSON_DEPTH_MAX ? "x" : NULL);
}

int main(void) {
    static const char config[] =
        "{\"name\":\"m\", \"max_batch_size\" : 0,\"input\":[{\"dims\":[1,-1],\"x\":{}},{}],"
        "\"optimization\":{\"graph\":{\"level\":-1.5e3},\"priority\":\"PRIORITY_MAX\","
        "\"eager_batching\":false},\"parameters\":{\"priority\":{\"string_value\":\"no\"}}}";
    const char *const parameter[] = {"parameters", "priority", "string_value", NULL};
    const char *const number[] = {"max_batch_size", NULL};
    const char *const deeper[] = {"name", "priority", NULL};
    const char *const missing[] = {"optimization", "cuda", NULL};
    expect(config, priority, "PRIORITY_MAX");
    expect(config, parameter, "no");
    expect(config, number, NULL);
    expect(config, deeper, NULL);
    expect(config, missing, NULL);
    cut_everywhere(config);

    expect("{\"optimization\":{\"priority\":\"\"}}", priority, "");
    expect("{\"a\\\"b\":\"\\\\\",\"optimization\":{\"priority\":\"MAX\"}}", priority, "MAX");
    expect("{\"x\":\"\\\"optimization\",\"optimization\":{\"priority\":\"MAX\"}}", priority, "MAX");
    expect("{\"optimization\":{\"priority\":\"M\\u0041X\"}}", priority, NULL);
    expect("{\"optimization\":{\"priority\":\"sixteen letters!\"}}", priority, NULL);
    expect("{\"optimization\":{\"priority\":\"fifteen letters\"}}", priority, "fifteen letters");
    expect("[{\"optimization\":{\"priority\":\"MAX\"}}]", priority, NULL);
    expect("{\"optimization\":[{\"priority\":\"MAX\"}]}", priority, NULL);
    expect("{\"optimization\":null}", priority, NULL);
    expect("", priority, NULL);
    expect("{", priority, NULL);
    expect("{}", priority, NULL);
    expect("nonsense", priority, NULL);
    nest(1);
    nest(JSON_DEPTH_MAX);
    nest(JSON_DEPTH_MAX + 1);
    nest(1000);
    return 0;
}
