/*
 * The load that the daemon's benchmark puts on it: many processes with many queues, all driven by
 * one thread, which spins where it measures times.
 *
 *   crowd SOCKET QUEUES CLIENTS
 *
 * QUEUES in all, 10 at least: two pairs, where a high one's READY and IDLE suspend and resume a low
 * one; one that is always ready; the rest, all of one priority, spread over CLIENTS processes. The
 * first pair shares its device with the rest, the other has one of its own.
 *
 * Does what its input says, a line each, and answers each with a line of JSON:
 *   register         all queues
 *   calm EVENTS      READY or IDLE of random queues of the rest, which change nobody's permit
 *   decide EVENTS    READY and IDLE of the first pair's high queue, each of which changes a permit
 *   latency EVENTS RATE   both kinds, with the second pair, so many a second at random times
 *   quiet            IDLE of all that are ready
 *   state            what each queue said and was told last, and how many messages were sent
 */
#include "agent.h"

#include "check.h"
#include "clock.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>

enum { LOW, HIGH, LOW_APART, HIGH_APART, KEEPER, REST };
enum { PRIORITY_LOW = -2, PRIORITY_HIGH = -1, PRIORITY_REST = 0 };
/* One event of so many is one of the pair. */
enum { PAIR_SHARE = 10 };
/* Messages between two looks at what has arrived. */
enum { READ_EVERY = 32 };

static struct agent *agents;
static uint32_t agent_count;
static uint64_t seed = 1;

static void start_agents(const char *path, uint32_t queues, uint32_t clients) {
    agent_count = REST + clients;
    agents = calloc(agent_count, sizeof(*agents));
    CHECK(agents != NULL, "no memory for %u processes", agent_count);
    for (uint32_t i = 0; i < agent_count; i++) {
        bool low = i == LOW || i == LOW_APART;
        bool high = i == HIGH || i == HIGH_APART;
        int32_t priority = low ? PRIORITY_LOW : high ? PRIORITY_HIGH : PRIORITY_REST;
        /* The first few of the rest have one more where it does not come out even. */
        uint32_t share = (queues - REST) / clients + (i - REST < (queues - REST) % clients);
        agent_start(&agents[i], path, priority, i < REST ? 1 : share);
    }
}

/* After it nothing that was said before, or came of it, is on its way any more. */
static void ask_all(void) {
    /* When all have answered, the first may not have been told yet what the last one changed. */
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < agent_count; i++)
            agent_ask(&agents[i], 1);
    }
}

static void register_all(void) {
    for (uint32_t i = 0; i < agent_count; i++) {
        bool apart = i == LOW_APART || i == HIGH_APART;
        for (uint32_t number = 1; number <= agents[i].queue_count; number++)
            agent_register(&agents[i], number, apart ? "GPU-apart" : "GPU-shared");
    }
    ask_all();
}

static void insist_turn(struct agent *agent, uint32_t number) {
    while (!agent_turn(agent, number)) {
        struct pollfd wanted = {agent->link, POLLOUT, 0};
        poll(&wanted, 1, -1);
    }
}

static void set_ready(struct agent *agent, uint32_t number, bool ready) {
    if (agent->queues[number - 1].ready != ready)
        insist_turn(agent, number);
}

/*
 * The keeper outranks the first pair: while it is ready, nothing that others of its priority do
 * changes a permit, and without it the pair is left to itself.
 */
static void set_stage(bool keep) {
    set_ready(&agents[LOW], 1, true);
    set_ready(&agents[LOW_APART], 1, true);
    set_ready(&agents[KEEPER], 1, keep);
    ask_all();
}

/* Whoever has work and says nothing loses its precedence: shims say STATS meanwhile. */
static void keep_alive(void) {
    static uint64_t said_ns;
    uint64_t now = clock_now();
    if (now - said_ns < XSP_STATS_MS * NS_PER_MS)
        return;
    said_ns = now;
    agent_tell(&agents[LOW], 1);
    agent_tell(&agents[LOW_APART], 1);
    agent_tell(&agents[KEEPER], 1);
}

/* Until one of the agents from `first` on can be written to. */
static void await_room(uint32_t first, uint32_t count) {
    struct pollfd wanted[count];
    for (uint32_t i = 0; i < count; i++)
        wanted[i] = (struct pollfd){agents[first + i].link, POLLOUT, 0};
    CHECK(poll(wanted, count, -1) > 0, "poll: %s", strerror(errno));
}

static uint32_t random_queue(const struct agent *agent) {
    return 1 + (uint32_t)random_below(&seed, agent->queue_count);
}

static void send_calm(uint64_t events) {
    uint32_t rest = agent_count - REST;
    uint64_t sent = 0;
    uint32_t full = 0;
    for (uint32_t turn = 0; sent < events; turn = (turn + 1) % rest) {
        struct agent *agent = &agents[REST + turn];
        if (agent_turn(agent, random_queue(agent))) {
            sent++;
            full = 0;
        } else if (++full == rest) {
            await_room(REST, rest);
            full = 0;
        }
        if (sent % READ_EVERY == 0)
            keep_alive();
    }
}

static void send_decide(uint64_t events) {
    for (uint64_t sent = 0; sent < events; sent++) {
        while (!agent_turn(&agents[HIGH], 1)) {
            agent_read(&agents[LOW]);
            await_room(HIGH, 1);
        }
        if (sent % READ_EVERY == 0) {
            agent_read(&agents[LOW]);
            keep_alive();
        }
    }
}

static uint64_t cpu_now(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

static uint64_t count_decisions(void) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < agent_count; i++)
        count += agents[i].decisions;
    return count;
}

static void flood(void (*send)(uint64_t events), bool keep, uint64_t events) {
    set_stage(keep);
    uint64_t decisions = count_decisions();
    uint64_t began = clock_now();
    uint64_t cpu = cpu_now();
    send(events);
    uint64_t sending = cpu_now() - cpu;
    ask_all();
    uint64_t took = clock_now() - began;
    printf("{\"ns\":%llu,\"ownCpuNs\":%llu,\"decisions\":%llu}\n", (unsigned long long)took,
           (unsigned long long)sending,
           (unsigned long long)(count_decisions() - decisions - 2 * (uint64_t)agent_count));
}

/* Nanoseconds to the next event where they come at random at a mean rate. */
static uint64_t random_pause(double rate) {
    double uniform = ((double)(random_next(&seed) >> 11) + 1) / 9007199254740992.0;
    return (uint64_t)(-log(uniform) / rate * 1e9);
}

/* One measurement after the other: from an event of the high queue until the low one was told. */
struct probe {
    uint64_t count;
    uint64_t sent_ns; /* 0 while nothing is waited for. */
    uint32_t decision;
};

static void begin_probe(struct probe *probe) {
    probe->decision = agents[LOW_APART].queues[0].decision;
    probe->sent_ns = clock_now();
    insist_turn(&agents[HIGH_APART], 1);
}

/* Prints what it took, if the answer has come: whether it was a permit, and nanoseconds. */
static void end_probe(struct probe *probe) {
    const struct agent_queue *low = &agents[LOW_APART].queues[0];
    if (probe->sent_ns == 0 || low->decision == probe->decision)
        return;
    CHECK(low->permit == !agents[HIGH_APART].queues[0].ready, "the low queue was told otherwise");
    printf("%s[%d,%llu]", probe->count++ == 0 ? "" : ",", low->permit,
           (unsigned long long)(low->decided_ns - probe->sent_ns));
    probe->sent_ns = 0;
}

static void measure_latency(uint64_t events, double rate) {
    set_stage(true);
    struct probe probe = {0, 0, 0};
    uint64_t late = 0;
    uint64_t began = clock_now();
    uint64_t due = began;
    printf("{\"probes\":[");
    for (uint64_t sent = 0, spins = 0; sent < events || probe.sent_ns != 0; spins++) {
        agent_read(&agents[LOW_APART]);
        end_probe(&probe);
        agent_read(&agents[spins % agent_count]);
        keep_alive();
        uint64_t now = clock_now();
        if (now < due || sent == events)
            continue;
        late = now - due > late ? now - due : late;
        due += random_pause(rate);
        sent++;
        if (sent % PAIR_SHARE == 0 && probe.sent_ns == 0) {
            begin_probe(&probe);
        } else {
            struct agent *agent = &agents[REST + random_below(&seed, agent_count - REST)];
            insist_turn(agent, random_queue(agent));
        }
    }
    uint64_t took = clock_now() - began;
    ask_all();
    printf("],\"ns\":%llu,\"lateNs\":%llu}\n", (unsigned long long)took, (unsigned long long)late);
}

static void fall_quiet(void) {
    for (uint32_t i = 0; i < agent_count; i++) {
        for (uint32_t number = 1; number <= agents[i].queue_count; number++)
            set_ready(&agents[i], number, false);
    }
    ask_all();
    printf("{}\n");
}

/* A letter for each queue: idle, running, suspended. */
static void print_state(void) {
    uint64_t sent = 0;
    printf("{\"queues\":{");
    for (uint32_t i = 0; i < agent_count; i++) {
        sent += agents[i].sent;
        printf("%s\"%d\":\"", i == 0 ? "" : ",", agents[i].pid);
        for (uint32_t q = 0; q < agents[i].queue_count; q++) {
            const struct agent_queue *queue = &agents[i].queues[q];
            putchar(!queue->ready ? 'i' : queue->permit ? 'r' : 's');
        }
        putchar('"');
    }
    printf("},\"sent\":%llu}\n", (unsigned long long)sent);
}

static void obey(const char *line) {
    char word[16] = "";
    unsigned long long events = 0;
    double rate = 0;
    int count = sscanf(line, "%15s %llu %lf", word, &events, &rate);
    if (strcmp(word, "register") == 0) {
        register_all();
        printf("{}\n");
    } else if (strcmp(word, "calm") == 0 && count == 2) {
        flood(send_calm, true, events);
    } else if (strcmp(word, "decide") == 0 && count == 2) {
        flood(send_decide, false, events);
    } else if (strcmp(word, "latency") == 0 && count == 3 && rate > 0) {
        measure_latency(events, rate);
    } else if (strcmp(word, "quiet") == 0) {
        fall_quiet();
    } else if (strcmp(word, "state") == 0) {
        print_state();
    } else {
        CHECK(false, "no such command: %s", line);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    CHECK(argc == 4, "usage: crowd SOCKET QUEUES CLIENTS");
    uint64_t queues = check_argument(argv[2]);
    uint64_t clients = check_argument(argv[3]);
    CHECK(clients > 0 && queues >= REST + clients, "%s queues are too few for %s processes",
          argv[2], argv[3]);
    start_agents(argv[1], (uint32_t)queues, (uint32_t)clients);
    printf("{}\n");
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(line);
    for (uint32_t i = agent_count; i-- > 0;)
        agent_stop(&agents[i]);
    free(agents);
    return 0;
}
