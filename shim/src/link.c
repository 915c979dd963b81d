#include "link.h"

#include "clock.h"
#include "config.h"
#include "descriptor.h"
#include "frame.h"
#include "identity.h"
#include "label.h"
#include "ledger.h"
#include "log.h"
#include "reports.h"
#include "thread.h"
#include "worker.h"
#include "zmtp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { PENDING_BYTES = 256 * 1024 };

static const uint64_t BACKOFF_MIN_NS = 50 * NS_PER_MS;
static const uint64_t BACKOFF_MAX_NS = 1 * NS_PER_S;
/* After the daemon has said that it will not serve this process. */
static const uint64_t BACKOFF_REFUSED_NS = 30 * NS_PER_S;
static const uint64_t REPEAT_NS = XSP_READY_REPEAT_MS * NS_PER_MS;
static const uint64_t SILENCE_NS = XSP_SILENCE_MS * NS_PER_MS;

enum state { DOWN, SHAKING, UP };

static _Atomic int state;
static atomic_bool heard;         /* What link_is_heard answers, but for fail-closed. */
static _Atomic uint64_t heard_at; /* The last decision or welcome, not merely any byte. */
static atomic_bool broken;        /* A sender found the connection unusable. */
static atomic_bool leaving;       /* BYE was said: nothing more is. */

/* Guarded by send_lock. */
static pthread_mutex_t send_lock = PTHREAD_MUTEX_INITIALIZER;
static struct descriptor socket_now = {-1, 0};
static uint8_t pending[PENDING_BYTES];
static size_t pending_length;

/* The worker's, and link_start's before there is a worker. */
static struct zmtp zmtp;
static uint64_t next_try;
static uint64_t backoff;
static uint64_t hello_at;
static bool welcomed, refused, nonsense;
static uint64_t shaking_since;
/* Whether a connection is likely to be answered: not after one that was not. */
static bool trusted = true;

bool link_is_heard(void) {
    return config.fail_closed || atomic_load_explicit(&heard, memory_order_acquire);
}

void link_set_enabled(bool on) {
    atomic_store(&hot.is_off, !on);
}

bool link_is_up(void) {
    return atomic_load(&state) == UP;
}

/* Sends or keeps what the socket does not take. send_lock is held. */
static void send_bytes(const uint8_t *bytes, size_t length) {
    size_t sent = 0;
    if (pending_length == 0 && descriptor_is_ours(socket_now)) {
        ssize_t count = send(socket_now.number, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0)
            sent = (size_t)count;
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            atomic_store(&broken, true);
    }
    size_t rest = length - sent;
    if (rest == 0)
        return;
    if (rest > sizeof(pending) - pending_length) {
        /* The daemon has stopped reading; a fresh connection will tell it everything anew. */
        atomic_store(&broken, true);
        return;
    }
    memcpy(pending + pending_length, bytes + sent, rest);
    pending_length += rest;
}

void link_send(const xsp_any *message) {
    struct frame frame;
    if (!frame_make(&frame, message))
        return;
    int cancel = thread_hold_cancel();
    pthread_mutex_lock(&send_lock);
    if (atomic_load(&state) == UP && !atomic_load(&leaving))
        send_bytes(frame.begin, frame.length);
    bool left = pending_length > 0 || atomic_load(&broken);
    pthread_mutex_unlock(&send_lock);
    if (left)
        worker_poke();
    thread_allow_cancel(cancel);
}

static void say_hello(void) {
    hello_at = clock_now();
    report_hello();
}

static void register_one(struct queue *queue, void *data) {
    (void)data;
    report_registration(queue);
}

static void disconnect(const char *why, uint64_t pause) {
    pthread_mutex_lock(&send_lock);
    bool was = atomic_load(&state) != DOWN;
    atomic_store(&state, DOWN);
    descriptor_close(&socket_now);
    pending_length = 0;
    atomic_store(&broken, false);
    pthread_mutex_unlock(&send_lock);
    atomic_store(&heard, false);
    atomic_store(&hot.is_off, false);
    trusted = welcomed;
    welcomed = false;
    nonsense = false;
    next_try = clock_now() + pause;
    if (was)
        log_line(LOG_INFO, "no daemon any more (%s): launches pass", why);
    queue_open_all();
}

static void try_connect(void) {
    if (config.socket_path[0] == '\0' || atomic_load(&leaving)) {
        next_try = UINT64_MAX;
        return;
    }
    uint64_t now = clock_now();
    struct descriptor fresh = descriptor_connect(config.socket_path);
    if (fresh.number < 0) {
        backoff = backoff == 0 ? BACKOFF_MIN_NS : backoff * 2;
        if (backoff > BACKOFF_MAX_NS)
            backoff = BACKOFF_MAX_NS;
        next_try = now + backoff;
        log_line(LOG_DEBUG, "no daemon at %s: %s", config.socket_path, strerror(errno));
        return;
    }
    /* A routing id is never used twice: a ROUTER would ignore the second peer for ever. */
    char id[XSP_ROUTING_ID_BYTES + 1];
    identity_random(id);
    zmtp_start(&zmtp, ZMTP_PLAIN, id);
    refused = welcomed = false;
    pthread_mutex_lock(&send_lock);
    socket_now = fresh;
    pending_length = 0;
    atomic_store(&broken, false);
    atomic_store(&state, SHAKING);
    send_bytes(zmtp.out, zmtp.out_length);
    pthread_mutex_unlock(&send_lock);
    zmtp.out_length = 0;
    shaking_since = now;
    atomic_store(&heard_at, now);
    atomic_store(&heard, trusted);
}

void link_start(void) {
    try_connect();
}

static void refuse(const char *text, int length) {
    refused = true;
    log_line(LOG_ERROR, "the daemon does not serve this process: %.*s", length, text);
}

static void take_error(const xsp_error *error) {
    int length = (int)error->message.len;
    if (error->code == XSP_ERROR_VERSION || error->code == XSP_ERROR_IDENTITY) {
        refuse(error->message.data, length);
    } else if (error->code == XSP_ERROR_STATE) {
        /* HELLO was lost: say it again, and everything after it. */
        if (clock_now() - hello_at < REPEAT_NS)
            return;
        say_hello();
        queue_each(register_one, NULL);
    } else {
        log_line(LOG_WARN, "the daemon says: %.*s", length, error->message.data);
    }
}

/* The daemon does its work: its word counts. */
static void mark_heard(void) {
    atomic_store(&heard_at, clock_now());
    atomic_store_explicit(&heard, true, memory_order_release);
}

static void take_message(void *data, const uint8_t *bytes, size_t length) {
    (void)data;
    /* The rest of what came together with it says nothing new. */
    if (nonsense || refused)
        return;
    xsp_any message;
    char error[MESSAGE_ERROR_BYTES];
    if (!message_decode(bytes, length, &message, error)) {
        /* Nonsense: drop the link and fail open. */
        log_line(LOG_WARN, "a message from the daemon is refused: %s", error);
        nonsense = true;
        atomic_store(&broken, true);
        return;
    }
    switch (message.opcode) {
    case XSP_OP_WELCOME:
        if (message.as.welcome.version != XSP_VERSION) {
            log_line(LOG_ERROR, "the daemon speaks version %u of the protocol, this shim %d",
                     message.as.welcome.version, XSP_VERSION);
            refused = true;
            break;
        }
        welcomed = true;
        backoff = 0;
        mark_heard();
        atomic_store(&hot.is_off, !message.as.welcome.enabled);
        if (config.stream_priority < 0) {
            queue_use_stream_priorities(message.as.welcome.stream_priority || config.local_policy);
        }
        log_line(LOG_INFO, "served by daemon generation %llu",
                 (unsigned long long)message.as.welcome.generation);
        break;
    case XSP_OP_PERMIT:
    case XSP_OP_SUSPEND: {
        /* Both carry the same fields. */
        const xsp_permit *permit = &message.as.permit;
        mark_heard();
        struct queue *queue = queue_by_id(permit->queue);
        if (queue != NULL) {
            queue_apply(queue, message.opcode == XSP_OP_PERMIT, permit);
            queue_release(queue);
        }
        break;
    }
    case XSP_OP_SERVED:
        label_mark(message.as.served.label, true);
        break;
    case XSP_OP_ERROR:
        take_error(&message.as.error);
        break;
    default:
        break;
    }
}

/* The connection has just become usable: introduce the process and its queues. */
static void introduce(void) {
    atomic_store(&state, UP);
    say_hello();
    queue_each(register_one, NULL);
    label_mark(0, false);
    report_untold();
    ledger_repeat();
}

static void receive(void) {
    for (;;) {
        size_t room;
        uint8_t *to = zmtp_room(&zmtp, &room);
        if (!descriptor_is_ours(socket_now))
            return;
        ssize_t count = recv(socket_now.number, to, room, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (count <= 0) {
            disconnect("it closed the connection", refused ? BACKOFF_REFUSED_NS : BACKOFF_MIN_NS);
            return;
        }
        bool was_open = zmtp.phase == ZMTP_OPEN;
        bool fine = zmtp_input(&zmtp, (size_t)count, take_message, NULL);
        pthread_mutex_lock(&send_lock);
        if (zmtp.out_length > 0)
            send_bytes(zmtp.out, zmtp.out_length);
        pthread_mutex_unlock(&send_lock);
        zmtp.out_length = 0;
        if (!fine) {
            refuse(zmtp.error, (int)strlen(zmtp.error));
            disconnect("the handshake failed", BACKOFF_MAX_NS);
            return;
        }
        if (refused) {
            disconnect("it refused us", BACKOFF_REFUSED_NS);
            return;
        }
        if (!was_open && zmtp.phase == ZMTP_OPEN)
            introduce();
    }
}

static void flush(void) {
    pthread_mutex_lock(&send_lock);
    if (pending_length > 0 && descriptor_is_ours(socket_now)) {
        ssize_t count =
            send(socket_now.number, pending, pending_length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            memmove(pending, pending + count, pending_length - (size_t)count);
            pending_length -= (size_t)count;
        } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
            atomic_store(&broken, true);
        }
    }
    pthread_mutex_unlock(&send_lock);
}

struct pollfd link_poll(void) {
    pthread_mutex_lock(&send_lock);
    short events = pending_length > 0 ? POLLIN | POLLOUT : POLLIN;
    struct pollfd wanted = {socket_now.number, events, 0};
    pthread_mutex_unlock(&send_lock);
    return wanted;
}

void link_service(short events) {
    if (atomic_load(&state) == DOWN)
        return;
    if ((events & POLLOUT) != 0)
        flush();
    if ((events & ~POLLOUT) != 0)
        receive();
}

struct silence link_listen(void) {
    return (struct silence){atomic_load(&heard_at), 0};
}

void link_check_silence(struct silence *silence, uint64_t lived_ns) {
    uint64_t last = atomic_load(&heard_at);
    silence->lasted_ns += lived_ns;
    if (silence->since != last)
        *silence = (struct silence){last, 0};
    if (config.fail_closed || !atomic_load(&heard) || silence->lasted_ns < SILENCE_NS)
        return;
    atomic_store(&heard, false);
    log_line(LOG_WARN, "the daemon has been silent for %d ms: launches pass", XSP_SILENCE_MS);
}

uint64_t link_maintain(uint64_t now) {
    /* By itself: its number may be a socket of the program's now, on which nothing happens. */
    if (atomic_load(&state) != DOWN && !descriptor_is_ours(socket_now))
        disconnect("its descriptor was closed by the program", BACKOFF_MIN_NS);
    if (atomic_load(&broken))
        disconnect("the connection broke", nonsense ? BACKOFF_MAX_NS : BACKOFF_MIN_NS);
    if (atomic_load(&state) == DOWN) {
        if (now >= next_try)
            try_connect();
        if (atomic_load(&state) == DOWN)
            return next_try;
    }
    if (atomic_load(&state) == SHAKING) {
        /* A peer that accepts and never answers is as good as none. */
        if (now > shaking_since + SILENCE_NS) {
            disconnect("it does not answer", BACKOFF_MAX_NS);
            return next_try;
        }
        return now + SILENCE_NS / 4;
    }
    if (!welcomed && now - hello_at >= REPEAT_NS)
        say_hello();
    return welcomed ? UINT64_MAX : hello_at + REPEAT_NS;
}

void link_say_goodbye(void) {
    xsp_any message = {.opcode = XSP_OP_BYE};
    struct frame frame;
    /* This very thread may hold the lock, in a signal handler that exits. */
    if (atomic_load(&state) != UP || !frame_make(&frame, &message) ||
        !thread_lock_briefly(&send_lock))
        return;
    send_bytes(frame.begin, frame.length);
    atomic_store(&leaving, true);
    pthread_mutex_unlock(&send_lock);
}

void link_reset_after_fork(void) {
    pthread_mutex_init(&send_lock, NULL);
    descriptor_close(&socket_now);
    pending_length = 0;
    atomic_store(&state, DOWN);
    atomic_store(&heard, false);
    atomic_store(&hot.is_off, false);
    atomic_store(&broken, false);
    atomic_store(&leaving, false);
    next_try = 0;
    backoff = 0;
}
