#include "agent.h"

#include "check.h"
#include "clock.h"
#include "identity.h"
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Longer than a daemon takes for anything. */
enum { PATIENCE_MS = 20000 };

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(strlen(path) < sizeof(address.sun_path), "the path %s is too long for a socket", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int link = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(link >= 0, "no socket: %s", strerror(errno));
    CHECK(connect(link, (struct sockaddr *)&address, sizeof(address)) == 0, "%s: %s", path,
          strerror(errno));
    return link;
}

/* The child: connects, hands its link and its identity over, and sleeps until the parent ends it.
 */
static void lend_identity(int leash, const char *path) {
    struct identity identity;
    identity_read(&identity);
    int link = connect_to(path);
    struct iovec body = {&identity, sizeof(identity)};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &link, sizeof(link));
    CHECK(sendmsg(leash, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(identity), "no parent");
    close(link);
    char byte;
    while (read(leash, &byte, 1) < 0 && errno == EINTR) {
    }
    _exit(0);
}

static int borrow_identity(int leash, struct identity *identity) {
    struct iovec body = {identity, sizeof(*identity)};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    CHECK(recvmsg(leash, &message, MSG_CMSG_CLOEXEC) == (ssize_t)sizeof(*identity),
          "a process came to nothing");
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    CHECK(rights != NULL && rights->cmsg_type == SCM_RIGHTS, "a process has no link");
    int link;
    memcpy(&link, CMSG_DATA(rights), sizeof(link));
    return link;
}

/* Whether the socket took all that it had left over. */
static bool flush_pending(struct agent *agent) {
    if (agent->pending_length == 0)
        return true;
    ssize_t count =
        send(agent->link, agent->pending, agent->pending_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    CHECK(count >= 0 || errno == EAGAIN, "process %d lost its link: %s", agent->pid,
          strerror(errno));
    if (count <= 0)
        return false;
    agent->pending_length -= (size_t)count;
    memmove(agent->pending, agent->pending + count, agent->pending_length);
    return agent->pending_length == 0;
}

/* Sends at once, all or nothing; the rest of what was begun is kept. */
static bool send_bytes(struct agent *agent, const uint8_t *bytes, size_t length) {
    if (!flush_pending(agent))
        return false;
    ssize_t count = send(agent->link, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    CHECK(count >= 0 || errno == EAGAIN, "process %d lost its link: %s", agent->pid,
          strerror(errno));
    if (count <= 0)
        return false;
    agent->pending_length = length - (size_t)count;
    CHECK(agent->pending_length <= sizeof(agent->pending), "a message of %zu bytes", length);
    memcpy(agent->pending, bytes + count, agent->pending_length);
    return true;
}

static void await(struct agent *agent, short events) {
    struct pollfd wanted = {agent->link, events, 0};
    int count = poll(&wanted, 1, PATIENCE_MS);
    CHECK(count == 1, "the daemon is silent to process %d for %d ms", agent->pid, PATIENCE_MS);
}

static bool send_message(struct agent *agent, const xsp_any *message) {
    uint8_t bytes[ZMTP_HEAD_BYTES + XSP_MESSAGE_BYTES];
    uint8_t *body = bytes + ZMTP_HEAD_BYTES;
    size_t length = message_encode(message, body, XSP_MESSAGE_BYTES);
    CHECK(length > 0, "a message is too long");
    uint8_t head[ZMTP_HEAD_BYTES];
    size_t head_length = zmtp_head(head, length);
    memcpy(body - head_length, head, head_length);
    if (!send_bytes(agent, body - head_length, head_length + length))
        return false;
    agent->sent++;
    return true;
}

/* While the daemon does not read it may have written: whoever waits has to read, too. */
static void insist(struct agent *agent, const xsp_any *message) {
    while (!send_message(agent, message)) {
        await(agent, POLLIN | POLLOUT);
        agent_read(agent);
    }
}

static void take_message(void *data, const uint8_t *bytes, size_t length) {
    struct agent *agent = data;
    xsp_any message;
    char error[MESSAGE_ERROR_BYTES];
    CHECK(message_decode(bytes, length, &message, error), "from the daemon: %s", error);
    if (message.opcode == XSP_OP_WELCOME) {
        agent->welcomed = true;
        return;
    }
    CHECK(message.opcode != XSP_OP_ERROR, "the daemon refuses process %d: %.*s", agent->pid,
          (int)message.as.error.message.len, message.as.error.message.data);
    if (message.opcode != XSP_OP_PERMIT && message.opcode != XSP_OP_SUSPEND)
        return;
    /* Both carry the same fields. */
    const xsp_permit *permit = &message.as.permit;
    CHECK(permit->queue - 1 < agent->queue_count, "there is no queue %u", permit->queue);
    struct agent_queue *queue = &agent->queues[permit->queue - 1];
    CHECK(permit->seq >= queue->decision, "decision %u came after %u", permit->seq,
          queue->decision);
    queue->permit = message.opcode == XSP_OP_PERMIT;
    queue->decision = permit->seq;
    queue->acks = permit->acks;
    queue->decided_ns = clock_now();
    agent->decisions++;
}

bool agent_read(struct agent *agent) {
    bool any = false;
    for (;;) {
        size_t room;
        uint8_t *to = zmtp_room(&agent->zmtp, &room);
        ssize_t count = recv(agent->link, to, room, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN)
            return any;
        CHECK(count > 0, "process %d lost its link", agent->pid);
        CHECK(zmtp_input(&agent->zmtp, (size_t)count, take_message, agent), "process %d: %s",
              agent->pid, agent->zmtp.error);
        any = true;
        if ((size_t)count < room)
            return any;
    }
}

static void shake_hands(struct agent *agent) {
    char id[XSP_ROUTING_ID_BYTES + 1];
    identity_random(id);
    zmtp_start(&agent->zmtp, ZMTP_PLAIN, id);
    while (agent->zmtp.phase != ZMTP_OPEN) {
        if (agent->zmtp.out_length > 0)
            CHECK(send_bytes(agent, agent->zmtp.out, agent->zmtp.out_length), "the socket is full");
        agent->zmtp.out_length = 0;
        await(agent, POLLIN);
        agent_read(agent);
    }
}

void agent_start(struct agent *agent, const char *path, int32_t priority, uint32_t queue_count) {
    int pair[2];
    memset(agent, 0, sizeof(*agent));
    agent->queue_count = queue_count;
    agent->queues = calloc(queue_count, sizeof(*agent->queues));
    CHECK(agent->queues != NULL, "no memory for %u queues", queue_count);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "no sockets: %s",
          strerror(errno));
    agent->pid = fork();
    CHECK(agent->pid >= 0, "no process: %s", strerror(errno));
    if (agent->pid == 0) {
        close(pair[0]);
        lend_identity(pair[1], path);
    }
    close(pair[1]);
    agent->leash = pair[0];
    struct identity identity;
    agent->link = borrow_identity(agent->leash, &identity);
    shake_hands(agent);
    xsp_any hello = {.opcode = XSP_OP_HELLO};
    hello.as.hello.version = XSP_VERSION;
    hello.as.hello.pid = identity.pid;
    hello.as.hello.start_time = identity.start_time;
    hello.as.hello.exe = (xsp_str){identity.exe, (uint32_t)strlen(identity.exe)};
    hello.as.hello.command = (xsp_str){identity.command, (uint32_t)strlen(identity.command)};
    hello.as.hello.has_priority = true;
    hello.as.hello.priority = priority;
    hello.as.hello.shim = (xsp_str){"crowd", 5};
    insist(agent, &hello);
    while (!agent->welcomed) {
        await(agent, POLLIN);
        agent_read(agent);
    }
}

void agent_register(struct agent *agent, uint32_t number, const char *device) {
    struct agent_queue *queue = &agent->queues[number - 1];
    queue->seq = 1;
    xsp_any message = {.opcode = XSP_OP_REGISTER};
    message.as.registration = (xsp_register){
        .queue = number,
        .seq = queue->seq,
        .device = {device, (uint32_t)strlen(device)},
        .context = 1,
        .stream = number + 2,
    };
    insist(agent, &message);
    agent_read(agent);
}

bool agent_turn(struct agent *agent, uint32_t number) {
    struct agent_queue *queue = &agent->queues[number - 1];
    xsp_any message = {.opcode = queue->ready ? XSP_OP_IDLE : XSP_OP_READY};
    if (queue->ready) {
        message.as.idle = (xsp_idle){number, queue->seq + 1};
    } else {
        message.as.ready = (xsp_ready){number, queue->seq + 1, false};
    }
    if (!send_message(agent, &message))
        return false;
    queue->seq++;
    queue->ready = !queue->ready;
    return true;
}

/* Says all of a queue, and which decision it has applied. */
static void say_stats(struct agent *agent, uint32_t number, uint32_t applied) {
    struct agent_queue *queue = &agent->queues[number - 1];
    xsp_any message = {.opcode = XSP_OP_STATS};
    queue->seq++;
    message.as.stats = (xsp_stats){
        .queue = number,
        .seq = queue->seq,
        .ready = queue->ready,
        /* It moves, or the daemon would take it for stalled. */
        .submitted = queue->seq,
        .completed = queue->seq,
        .applied = applied,
    };
    insist(agent, &message);
}

void agent_tell(struct agent *agent, uint32_t number) {
    say_stats(agent, number, agent->queues[number - 1].decision);
}

void agent_ask(struct agent *agent, uint32_t number) {
    struct agent_queue *queue = &agent->queues[number - 1];
    /* Who has applied nothing has missed all decisions, and is told the last one. */
    say_stats(agent, number, 0);
    while (queue->acks != queue->seq) {
        await(agent, POLLIN);
        agent_read(agent);
        flush_pending(agent);
    }
}

void agent_stop(struct agent *agent) {
    close(agent->link);
    close(agent->leash);
    waitpid(agent->pid, NULL, 0);
    free(agent->queues);
}
