#include "reports.h"

#include "board.h"
#include "clock.h"
#include "config.h"
#include "identity.h"
#include "link.h"
#include "message.h"

#include <string.h>

/* What of a handle a JavaScript peer can hold; a pointer fits wholly. */
static const uint64_t HANDLE_BITS = (UINT64_C(1) << 53) - 1;

static xsp_str slice(const char *text) {
    return (xsp_str){text, (uint32_t)strlen(text)};
}

void report_hello(void) {
    static struct identity self;
    identity_read(&self);
    xsp_any message = {.opcode = XSP_OP_HELLO};
    message.as.hello = (xsp_hello){
        .version = XSP_VERSION,
        .pid = self.pid,
        .start_time = self.start_time,
        .exe = slice(self.exe),
        .command = slice(self.command),
        .name = slice(config.name),
        .has_priority = config.has_priority,
        .priority = config.priority,
        .shim = {XSCHED_VERSION, sizeof(XSCHED_VERSION) - 1},
        .board = board_open(),
    };
    link_send(&message);
}

static void send_end(uint32_t id) {
    xsp_any message = {.opcode = XSP_OP_UNREGISTER};
    message.as.unregister.queue = id;
    link_send(&message);
}

void report_registration(struct queue *queue) {
    if (!link_is_up())
        return;
    xsp_any message = {.opcode = XSP_OP_REGISTER};
    pthread_mutex_lock(&queue->device->lock);
    uint32_t id = atomic_load(&queue->id);
    bool ready = atomic_load(&queue->hot->ready);
    atomic_store(&queue->reported_ready, ready);
    message.as.registration = (xsp_register){
        .queue = id,
        .seq = queue->state_seq,
        .device = slice(queue->device->uuid),
        .context = (uint64_t)(uintptr_t)queue->context & HANDLE_BITS,
        .stream = (uint64_t)(uintptr_t)queue->stream & HANDLE_BITS,
        .stream_priority = queue->stream_priority,
        .label = slice(queue->label.model),
        .model_version = slice(queue->label.version),
        .instance = slice(queue->label.instance),
        .level = queue->label.level,
        .ready = ready,
        .mps = queue->device->mps,
    };
    queue->asked_at = clock_now();
    pthread_mutex_unlock(&queue->device->lock);
    link_send(&message);
    /* Its end may have overtaken this, and then nobody would ever end it, ready as it may look. */
    if (!atomic_load(&queue->alive) || atomic_load(&queue->id) != id)
        send_end(id);
}

void report_served(const struct label *label) {
    if (!link_is_up())
        return;
    xsp_any message = {.opcode = XSP_OP_SERVE};
    message.as.serve = (xsp_serve){
        .label = label->id,
        .model = slice(label->model),
        .model_version = slice(label->version),
        .instance = slice(label->instance),
        .level = label->level,
    };
    link_send(&message);
}

static void serve_untold(const struct label *label, void *data) {
    if (label->told || label->instance[0] == '\0')
        return;
    *(bool *)data = true;
    report_served(label);
}

bool report_untold(void) {
    bool untold = false;
    label_each(serve_untold, &untold);
    return untold;
}

void report_served_no_more(uint32_t label) {
    if (!link_is_up())
        return;
    xsp_any message = {.opcode = XSP_OP_UNSERVE};
    message.as.unserve.label = label;
    link_send(&message);
}

void report_end(struct queue *queue) {
    if (link_is_up())
        send_end(atomic_load(&queue->id));
}

void report_state(struct queue *queue, bool ready) {
    if (!link_is_up())
        return;
    xsp_any message = {.opcode = XSP_OP_IDLE};
    pthread_mutex_lock(&queue->device->lock);
    bool now_ready = atomic_load(&queue->hot->ready);
    bool told = atomic_load(&queue->reported_ready);
    /* Somebody else may have moved on, and told it, since the caller decided to. */
    bool needed = now_ready == ready && told != ready;
    if (needed)
        atomic_store(&queue->reported_ready, ready);
    uint32_t seq = queue->state_seq;
    pthread_mutex_unlock(&queue->device->lock);
    if (!needed)
        return;
    if (ready) {
        message.opcode = XSP_OP_READY;
        message.as.ready = (xsp_ready){atomic_load(&queue->id), seq, false};
    } else {
        message.as.idle = (xsp_idle){atomic_load(&queue->id), seq};
    }
    link_send(&message);
}

void report_waiting(struct queue *queue) {
    if (!link_is_up())
        return;
    if (!atomic_load(&queue->registered))
        return; /* REGISTER is on its way and asks the same. */
    xsp_any message = {.opcode = XSP_OP_READY};
    pthread_mutex_lock(&queue->device->lock);
    atomic_store(&queue->reported_ready, true);
    queue->asked_at = clock_now();
    message.as.ready = (xsp_ready){atomic_load(&queue->id), queue->state_seq, true};
    pthread_mutex_unlock(&queue->device->lock);
    link_send(&message);
}

void report_calls(const struct ledger_line *line) {
    xsp_any message = {.opcode = XSP_OP_CALLS};
    message.as.calls = (xsp_calls){
        .function = slice(line->function),
        .passed = line->counts[CALL_PASSED],
        .gated = line->counts[CALL_GATED],
        .bypassed = line->counts[CALL_BYPASSED],
        .captured = line->counts[CALL_CAPTURED],
        .unknown = line->unknown,
    };
    link_send(&message);
}

void report_stats(struct queue *queue) {
    if (!link_is_up())
        return;
    xsp_any message = {.opcode = XSP_OP_STATS};
    pthread_mutex_lock(&queue->device->lock);
    bool ready = atomic_load(&queue->hot->ready);
    uint64_t submitted = atomic_load(&queue->hot->returned);
    uint64_t completed = atomic_load(&queue->completed);
    atomic_store(&queue->reported_ready, ready);
    message.as.stats = (xsp_stats){
        .queue = atomic_load(&queue->id),
        .seq = queue->state_seq,
        .ready = ready,
        .waiting = atomic_load(&queue->waiting) > 0,
        .submitted = submitted,
        .completed = completed < submitted ? completed : submitted,
        .ready_ns = queue->ready_ns + (ready ? clock_now() - queue->ready_at : 0),
        .waited_ns = atomic_load(&queue->waited_ns),
        .suspends = atomic_load(&queue->suspends),
        /* What was said on another link is no answer on this one. */
        .applied = atomic_load(&queue->registered) ? queue->permit_seq : 0,
        .latency_p50 = spread_percentile(&queue->flight.kept, 50),
        .latency_p99 = spread_percentile(&queue->flight.kept, 99),
    };
    pthread_mutex_unlock(&queue->device->lock);
    link_send(&message);
}
