/* Events: the order that they make between streams, what they answer, and their lives. */
#include "program.h"

enum { SHORT_NS = 2000, MANY = 300 };

/* Two streams take turns on one word, forty times. */
static void turns(void) {
    CUdeviceptr word = words_make(1, 0);
    CUstream a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream b = stream_make(CU_STREAM_NON_BLOCKING, -2);
    CUevent to_b = event_make(), to_a = event_make();
    program_section("turns");
    for (uint32_t i = 0; i < 40; i++) {
        NEED(mix(a, (uint64_t)SHORT_NS * (i % 5), word, 2 * i));
        NEED(cuEventRecord(to_b, a));
        NEED(cuStreamWaitEvent(b, to_b, 0));
        NEED(mix(b, SHORT_NS, word, 2 * i + 1));
        NEED(cuEventRecord(to_a, b));
        NEED(cuStreamWaitEvent(a, to_a, 0));
    }
    SHOW(cuEventSynchronize(to_a));
    say_memory("word", word, 4);
    NEED(cuEventDestroy(to_a));
    NEED(cuEventDestroy(to_b));
    NEED(cuStreamDestroy(a));
    NEED(cuStreamDestroy(b));
}

static void answers(void) {
    CUdeviceptr word = words_make(1, 0);
    CUstream a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream b = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream idle = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUevent event = event_make();
    struct hold hold = hold_make();
    program_section("answers");
    SHOW(cuEventQuery(event));
    SHOW(cuEventSynchronize(event));
    SHOW(cuStreamWaitEvent(a, event, 0));
    hold_stream(hold, a);
    SHOW(mix(a, SHORT_NS, word, 1));
    SHOW(cuEventRecord(event, a));
    SHOW(cuEventQuery(event));
    SHOW(cuStreamWaitEvent(b, event, 0));
    SHOW(mix(b, SHORT_NS, word, 2));
    SHOW(cuStreamQuery(b));
    /* Recorded anew elsewhere: b goes on waiting for what the event was. */
    SHOW(cuEventRecord(event, idle));
    SHOW(cuEventSynchronize(event));
    SHOW(cuEventQuery(event));
    SHOW(cuStreamQuery(b));
    hold_release(hold);
    SHOW(cuStreamSynchronize(b));
    say_memory("word", word, 4);
    /* Destroyed while something waits for it. */
    hold_stream(hold, a);
    SHOW(mix(a, SHORT_NS, word, 3));
    SHOW(cuEventRecord(event, a));
    SHOW(cuStreamWaitEvent(b, event, 0));
    SHOW(cuEventDestroy(event));
    SHOW(mix(b, SHORT_NS, word, 4));
    SHOW(cuStreamQuery(b));
    hold_release(hold);
    SHOW(cuStreamSynchronize(b));
    say_memory("without the event", word, 4);
    NEED(cuStreamDestroy(a));
    NEED(cuStreamDestroy(b));
    NEED(cuStreamDestroy(idle));
}

static void elapsed(void) {
    CUstream stream = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUevent first, last, silent = event_make();
    float ms = -1;
    struct hold hold = hold_make();
    program_section("elapsed");
    SHOW(cuEventCreate(&first, 0));
    SHOW(cuEventCreate(&last, CU_EVENT_BLOCKING_SYNC));
    SHOW(cuEventElapsedTime(&ms, first, last));
    hold_stream(hold, stream);
    SHOW(cuEventRecord(first, stream));
    SHOW(launch(program.kernels.spin, stream, 2000000, 0, 0));
    SHOW(cuEventRecord(last, stream));
    SHOW(cuEventRecord(silent, stream));
    SHOW(cuEventElapsedTime(&ms, first, last));
    hold_release(hold);
    SHOW(cuEventSynchronize(last));
    SHOW(cuEventElapsedTime(&ms, first, last));
    say("as long as its kernel: %d", ms > 1);
    SHOW(cuEventElapsedTime(&ms, last, first));
    say("backwards is negative: %d", ms < -1);
    SHOW(cuStreamSynchronize(stream));
    SHOW(cuEventElapsedTime(&ms, first, silent));
    NEED(cuEventDestroy(first));
    NEED(cuEventDestroy(last));
    NEED(cuEventDestroy(silent));
    NEED(cuStreamDestroy(stream));
}

static void with_flags(void) {
    typedef CUresult (*record_with_flags)(CUevent, CUstream, unsigned);
    CUdeviceptr word = words_make(1, 0);
    CUstream a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream b = stream_make(CU_STREAM_DEFAULT, 0);
    CUevent event = event_make(), bad;
    record_with_flags record, record_own;
    program_section("with flags");
    SHOW(cuEventCreate(&bad, 0x40));
    if (!FIND(record, "cuEventRecordWithFlags") ||
        !FIND(record_own, "cuEventRecordWithFlags_ptsz")) {
        SKIP("no cuEventRecordWithFlags");
        return;
    }
    SHOW(mix(a, SHORT_NS, word, 1));
    SHOW(record(event, a, 0));
    SHOW(cuStreamWaitEvent(b, event, 0));
    SHOW(mix(b, SHORT_NS, word, 2));
    SHOW(record(event, b, 0));
    SHOW(cuStreamWaitEvent(CU_STREAM_PER_THREAD, event, 0));
    SHOW(mix_own(NULL, SHORT_NS, word, 3));
    SHOW(record_own(event, NULL, 0));
    SHOW(cuEventSynchronize(event));
    SHOW(record(event, a, 0x40));
    SHOW(cuStreamWaitEvent(a, event, 0x40));
    say_memory("word", word, 4);
    NEED(cuEventDestroy(event));
    NEED(cuStreamDestroy(a));
    NEED(cuStreamDestroy(b));
}

/* More than any table of events that are looked after, several times over. */
static void many(void) {
    CUdeviceptr word = words_make(1, 0);
    CUstream a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream b = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUevent events[MANY];
    program_section("many");
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < MANY; i++) {
            events[i] = event_make();
            NEED(mix(i % 2 ? a : b, 500, word, i));
            NEED(cuEventRecord(events[i], i % 2 ? a : b));
            NEED(cuStreamWaitEvent(i % 2 ? b : a, events[i], 0));
        }
        for (uint32_t i = 0; i < MANY; i += 2)
            NEED(cuEventDestroy(events[i]));
        NEED(cuEventSynchronize(events[MANY - 1]));
        for (uint32_t i = 1; i < MANY; i += 2)
            NEED(cuEventQuery(events[i]));
        for (uint32_t i = 1; i < MANY; i += 2)
            NEED(cuEventDestroy(events[i]));
        say_memory("word", word, 4);
    }
    NEED(cuStreamDestroy(a));
    NEED(cuStreamDestroy(b));
}

int main(void) {
    program_start("events");
    turns();
    answers();
    elapsed();
    with_flags();
    many();
    return 0;
}
