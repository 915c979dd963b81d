/* Generated from protocol/messages.ts by protocol/generate.ts: change the table instead. */
// clang-format off
#ifndef XSCHED_PROTOCOL_H
#define XSCHED_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XSP_VERSION 6
#define XSP_MESSAGE_BYTES (16384)
#define XSP_REPLY_BYTES (16777216)
#define XSP_QUEUES_PER_CLIENT (1024)
#define XSP_CLIENTS (4096)
#define XSP_PRIORITY_MIN (-255)
#define XSP_PRIORITY_MAX (255)
#define XSP_WINDOW_MAX (1021)
#define XSP_LATENCY_MAX_US (1000000)
#define XSP_LATENCY_US (200)
#define XSP_ROUTING_ID_BYTES (32)
#define XSP_READY_REPEAT_MS (200)
#define XSP_SILENCE_MS (800)
#define XSP_STATS_MS (500)
#define XSP_CALLS_MS (2000)
#define XSP_BOARD_DEVICES (64)
#define XSP_BOARD_SLOTS (64)
#define XSP_BEAT_MS (250)
#define XSP_BEAT_QUIET_MS (500)
#define XSP_BEATLESS_MS (1000)
#define XSP_FUNCTIONS (512)
#define XSP_FUNCTION_BYTES (96)
#define XSP_LABELS (1024)
#define XSP_LABEL_BYTES (256)
#define XSP_VERSION_BYTES (32)
#define XSP_LEVEL_MAX_PRIORITY (100)
#define XSP_LEVEL_MIN_PRIORITY (-100)
#define XSP_LEVEL_NONE 0
#define XSP_LEVEL_MIN 1
#define XSP_LEVEL_DEFAULT 2
#define XSP_LEVEL_MAX 3
#define XSP_ERROR_MALFORMED 1
#define XSP_ERROR_VERSION 2
#define XSP_ERROR_IDENTITY 3
#define XSP_ERROR_STATE 4
#define XSP_ERROR_LIMIT 5
#define XSP_ERROR_FORBIDDEN 6
#define XSP_ERROR_NOT_FOUND 7
#define XSP_ERROR_INVALID 8
#define XSP_ERROR_INTERNAL 9

enum xsp_opcode {
    XSP_OP_HELLO = 1,
    XSP_OP_REGISTER = 2,
    XSP_OP_READY = 3,
    XSP_OP_IDLE = 4,
    XSP_OP_UNREGISTER = 5,
    XSP_OP_STATS = 6,
    XSP_OP_BYE = 7,
    XSP_OP_SERVE = 8,
    XSP_OP_UNSERVE = 9,
    XSP_OP_CALLS = 10,
    XSP_OP_WELCOME = 16,
    XSP_OP_PERMIT = 17,
    XSP_OP_SUSPEND = 18,
    XSP_OP_ERROR = 19,
    XSP_OP_SERVED = 20,
};

/* A slice of bytes that belongs to somebody else; not terminated. */
typedef struct {
    const char *data;
    uint32_t len;
} xsp_str;

/* The first message of a link. A process that was known before is replaced. */
typedef struct {
    uint32_t version;
    uint32_t pid;
    uint64_t start_time;
    xsp_str exe;
    xsp_str command;
    xsp_str name;
    bool has_priority;
    int32_t priority;
    xsp_str shim;
    uint64_t board;
} xsp_hello;

/* A queue exists. Answered by PERMIT or SUSPEND; repeated until then. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
    xsp_str device;
    uint64_t context;
    uint64_t stream;
    int32_t stream_priority;
    xsp_str label;
    xsp_str model_version;
    xsp_str instance;
    uint8_t level;
    bool ready;
    bool mps;
} xsp_register;

/* The queue has work: sent at once where `notify` is set, and some time later where it is not. Repeated every READY_REPEAT_MS while a thread waits at the gate. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
    bool waiting;
} xsp_ready;

/* All work of the queue has left the GPU and no thread is at the gate. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
} xsp_idle;

/* The queue is gone: its stream or context was destroyed. */
typedef struct {
    uint32_t queue;
} xsp_unregister;

/* The whole state of a queue: repairs lost messages and feeds `xsched top`. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
    bool ready;
    bool waiting;
    uint64_t submitted;
    uint64_t completed;
    uint64_t ready_ns;
    uint64_t waited_ns;
    uint64_t suspends;
    uint32_t applied;
    uint32_t latency_p50;
    uint32_t latency_p99;
} xsp_stats;

/* The process leaves; all its queues go. */
typedef struct {
    uint8_t unused;
} xsp_bye;

/* The process serves a model instance, in itself or in a child. Answered by SERVED. */
typedef struct {
    uint32_t label;
    xsp_str model;
    xsp_str model_version;
    xsp_str instance;
    uint8_t level;
} xsp_serve;

/* The model instance is unloaded. */
typedef struct {
    uint32_t label;
} xsp_unserve;

/* What one function of the driver has been called for so far. Sent every CALLS_MS when it changed. */
typedef struct {
    xsp_str function;
    uint64_t passed;
    uint64_t gated;
    uint64_t bypassed;
    uint64_t captured;
    uint64_t unknown;
} xsp_calls;

/* Answers HELLO. */
typedef struct {
    uint32_t version;
    uint64_t generation;
    bool enabled;
    bool stream_priority;
} xsp_welcome;

/* The queue may launch. Level-triggered: it carries the whole state. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
    uint32_t acks;
    int32_t priority;
    uint32_t window;
    uint32_t latency;
    bool watched;
    bool notify;
    bool enabled;
    uint32_t slot;
} xsp_permit;

/* The queue may not launch. Level-triggered: it carries the whole state. */
typedef struct {
    uint32_t queue;
    uint32_t seq;
    uint32_t acks;
    int32_t priority;
    uint32_t window;
    uint32_t latency;
    bool watched;
    bool notify;
    bool enabled;
    uint32_t slot;
} xsp_suspend;

/* What was wrong with a message; after VERSION or IDENTITY the client is not served. */
typedef struct {
    uint32_t code;
    xsp_str message;
} xsp_error;

/* Answers SERVE. */
typedef struct {
    uint32_t label;
} xsp_served;

/* Any message; `opcode` says which member holds. */
typedef struct {
    enum xsp_opcode opcode;
    union {
        xsp_hello hello;
        xsp_register registration;
        xsp_ready ready;
        xsp_idle idle;
        xsp_unregister unregister;
        xsp_stats stats;
        xsp_bye bye;
        xsp_serve serve;
        xsp_unserve unserve;
        xsp_calls calls;
        xsp_welcome welcome;
        xsp_permit permit;
        xsp_suspend suspend;
        xsp_error error;
        xsp_served served;
    } as;
} xsp_any;

enum xsp_type { XSP_U8, XSP_U32, XSP_U64, XSP_I32, XSP_BOOL, XSP_STR };

/* One field: its place in the struct and its range; for strings `max` is the limit in bytes. */
typedef struct {
    const char *name;
    enum xsp_type type;
    size_t offset;
    int64_t min;
    int64_t max;
} xsp_field;

typedef struct {
    const char *name;
    enum xsp_opcode opcode;
    bool up;
    uint32_t count;
    size_t size;
    const xsp_field *fields;
} xsp_spec;

/* The tables are wanted in one file only. */
#ifdef XSP_DEFINE_TABLES
static const xsp_field xsp_hello_fields[] = {
    {"version", XSP_U32, offsetof(xsp_hello, version), 0, 0xffffffff},
    {"pid", XSP_U32, offsetof(xsp_hello, pid), 0, 0xffffffff},
    {"startTime", XSP_U64, offsetof(xsp_hello, start_time), 0, 0x1fffffffffffff},
    {"exe", XSP_STR, offsetof(xsp_hello, exe), 0, 4096},
    {"command", XSP_STR, offsetof(xsp_hello, command), 0, 4096},
    {"name", XSP_STR, offsetof(xsp_hello, name), 0, 256},
    {"hasPriority", XSP_BOOL, offsetof(xsp_hello, has_priority), 0, 1},
    {"priority", XSP_I32, offsetof(xsp_hello, priority), -255, 255},
    {"shim", XSP_STR, offsetof(xsp_hello, shim), 0, 64},
    {"board", XSP_U64, offsetof(xsp_hello, board), 0, 0x1fffffffffffff},
};

static const xsp_field xsp_register_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_register, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_register, seq), 0, 0xffffffff},
    {"device", XSP_STR, offsetof(xsp_register, device), 0, 64},
    {"context", XSP_U64, offsetof(xsp_register, context), 0, 0x1fffffffffffff},
    {"stream", XSP_U64, offsetof(xsp_register, stream), 0, 0x1fffffffffffff},
    {"streamPriority", XSP_I32, offsetof(xsp_register, stream_priority), -0x7fffffff - 1, 0x7fffffff},
    {"label", XSP_STR, offsetof(xsp_register, label), 0, 256},
    {"modelVersion", XSP_STR, offsetof(xsp_register, model_version), 0, 32},
    {"instance", XSP_STR, offsetof(xsp_register, instance), 0, 256},
    {"level", XSP_U8, offsetof(xsp_register, level), 0, 3},
    {"ready", XSP_BOOL, offsetof(xsp_register, ready), 0, 1},
    {"mps", XSP_BOOL, offsetof(xsp_register, mps), 0, 1},
};

static const xsp_field xsp_ready_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_ready, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_ready, seq), 0, 0xffffffff},
    {"waiting", XSP_BOOL, offsetof(xsp_ready, waiting), 0, 1},
};

static const xsp_field xsp_idle_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_idle, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_idle, seq), 0, 0xffffffff},
};

static const xsp_field xsp_unregister_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_unregister, queue), 0, 0xffffffff},
};

static const xsp_field xsp_stats_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_stats, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_stats, seq), 0, 0xffffffff},
    {"ready", XSP_BOOL, offsetof(xsp_stats, ready), 0, 1},
    {"waiting", XSP_BOOL, offsetof(xsp_stats, waiting), 0, 1},
    {"submitted", XSP_U64, offsetof(xsp_stats, submitted), 0, 0x1fffffffffffff},
    {"completed", XSP_U64, offsetof(xsp_stats, completed), 0, 0x1fffffffffffff},
    {"readyNs", XSP_U64, offsetof(xsp_stats, ready_ns), 0, 0x1fffffffffffff},
    {"waitedNs", XSP_U64, offsetof(xsp_stats, waited_ns), 0, 0x1fffffffffffff},
    {"suspends", XSP_U64, offsetof(xsp_stats, suspends), 0, 0x1fffffffffffff},
    {"applied", XSP_U32, offsetof(xsp_stats, applied), 0, 0xffffffff},
    {"latencyP50", XSP_U32, offsetof(xsp_stats, latency_p50), 0, 0xffffffff},
    {"latencyP99", XSP_U32, offsetof(xsp_stats, latency_p99), 0, 0xffffffff},
};

static const xsp_field xsp_serve_fields[] = {
    {"label", XSP_U32, offsetof(xsp_serve, label), 0, 0xffffffff},
    {"model", XSP_STR, offsetof(xsp_serve, model), 0, 256},
    {"modelVersion", XSP_STR, offsetof(xsp_serve, model_version), 0, 32},
    {"instance", XSP_STR, offsetof(xsp_serve, instance), 0, 256},
    {"level", XSP_U8, offsetof(xsp_serve, level), 0, 3},
};

static const xsp_field xsp_unserve_fields[] = {
    {"label", XSP_U32, offsetof(xsp_unserve, label), 0, 0xffffffff},
};

static const xsp_field xsp_calls_fields[] = {
    {"function", XSP_STR, offsetof(xsp_calls, function), 0, 96},
    {"passed", XSP_U64, offsetof(xsp_calls, passed), 0, 0x1fffffffffffff},
    {"gated", XSP_U64, offsetof(xsp_calls, gated), 0, 0x1fffffffffffff},
    {"bypassed", XSP_U64, offsetof(xsp_calls, bypassed), 0, 0x1fffffffffffff},
    {"captured", XSP_U64, offsetof(xsp_calls, captured), 0, 0x1fffffffffffff},
    {"unknown", XSP_U64, offsetof(xsp_calls, unknown), 0, 0x1fffffffffffff},
};

static const xsp_field xsp_welcome_fields[] = {
    {"version", XSP_U32, offsetof(xsp_welcome, version), 0, 0xffffffff},
    {"generation", XSP_U64, offsetof(xsp_welcome, generation), 0, 0x1fffffffffffff},
    {"enabled", XSP_BOOL, offsetof(xsp_welcome, enabled), 0, 1},
    {"streamPriority", XSP_BOOL, offsetof(xsp_welcome, stream_priority), 0, 1},
};

static const xsp_field xsp_permit_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_permit, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_permit, seq), 0, 0xffffffff},
    {"acks", XSP_U32, offsetof(xsp_permit, acks), 0, 0xffffffff},
    {"priority", XSP_I32, offsetof(xsp_permit, priority), -255, 255},
    {"window", XSP_U32, offsetof(xsp_permit, window), 0, 1021},
    {"latency", XSP_U32, offsetof(xsp_permit, latency), 0, 1000000},
    {"watched", XSP_BOOL, offsetof(xsp_permit, watched), 0, 1},
    {"notify", XSP_BOOL, offsetof(xsp_permit, notify), 0, 1},
    {"enabled", XSP_BOOL, offsetof(xsp_permit, enabled), 0, 1},
    {"slot", XSP_U32, offsetof(xsp_permit, slot), 0, 4096},
};

static const xsp_field xsp_suspend_fields[] = {
    {"queue", XSP_U32, offsetof(xsp_suspend, queue), 0, 0xffffffff},
    {"seq", XSP_U32, offsetof(xsp_suspend, seq), 0, 0xffffffff},
    {"acks", XSP_U32, offsetof(xsp_suspend, acks), 0, 0xffffffff},
    {"priority", XSP_I32, offsetof(xsp_suspend, priority), -255, 255},
    {"window", XSP_U32, offsetof(xsp_suspend, window), 0, 1021},
    {"latency", XSP_U32, offsetof(xsp_suspend, latency), 0, 1000000},
    {"watched", XSP_BOOL, offsetof(xsp_suspend, watched), 0, 1},
    {"notify", XSP_BOOL, offsetof(xsp_suspend, notify), 0, 1},
    {"enabled", XSP_BOOL, offsetof(xsp_suspend, enabled), 0, 1},
    {"slot", XSP_U32, offsetof(xsp_suspend, slot), 0, 4096},
};

static const xsp_field xsp_error_fields[] = {
    {"code", XSP_U32, offsetof(xsp_error, code), 0, 0xffffffff},
    {"message", XSP_STR, offsetof(xsp_error, message), 0, 1024},
};

static const xsp_field xsp_served_fields[] = {
    {"label", XSP_U32, offsetof(xsp_served, label), 0, 0xffffffff},
};

static const xsp_spec xsp_specs[] = {
    {"HELLO", XSP_OP_HELLO, 1, 10, sizeof(xsp_hello), xsp_hello_fields},
    {"REGISTER", XSP_OP_REGISTER, 1, 12, sizeof(xsp_register), xsp_register_fields},
    {"READY", XSP_OP_READY, 1, 3, sizeof(xsp_ready), xsp_ready_fields},
    {"IDLE", XSP_OP_IDLE, 1, 2, sizeof(xsp_idle), xsp_idle_fields},
    {"UNREGISTER", XSP_OP_UNREGISTER, 1, 1, sizeof(xsp_unregister), xsp_unregister_fields},
    {"STATS", XSP_OP_STATS, 1, 12, sizeof(xsp_stats), xsp_stats_fields},
    {"BYE", XSP_OP_BYE, 1, 0, sizeof(xsp_bye), NULL},
    {"SERVE", XSP_OP_SERVE, 1, 5, sizeof(xsp_serve), xsp_serve_fields},
    {"UNSERVE", XSP_OP_UNSERVE, 1, 1, sizeof(xsp_unserve), xsp_unserve_fields},
    {"CALLS", XSP_OP_CALLS, 1, 6, sizeof(xsp_calls), xsp_calls_fields},
    {"WELCOME", XSP_OP_WELCOME, 0, 4, sizeof(xsp_welcome), xsp_welcome_fields},
    {"PERMIT", XSP_OP_PERMIT, 0, 10, sizeof(xsp_permit), xsp_permit_fields},
    {"SUSPEND", XSP_OP_SUSPEND, 0, 10, sizeof(xsp_suspend), xsp_suspend_fields},
    {"ERROR", XSP_OP_ERROR, 0, 2, sizeof(xsp_error), xsp_error_fields},
    {"SERVED", XSP_OP_SERVED, 0, 1, sizeof(xsp_served), xsp_served_fields},
};
#endif

#endif
// clang-format on
