/* Words that streams write and wait for: between streams, from the host, in batches. */
#include "program.h"

#include <sched.h>

enum { SHORT_NS = 2000, ROUNDS = 20 };

typedef CUresult (*value_call64)(CUstream, CUdeviceptr, cuuint64_t, unsigned);

static CUstream a, b;

static void between_streams(const char *where, CUdeviceptr flags) {
    CUdeviceptr word = words_make(1, 0);
    program_section(where);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        NEED(mix(a, SHORT_NS, word, i));
        NEED(cuStreamWriteValue32(a, flags, i + 1, 0));
        NEED(cuStreamWaitValue32(b, flags, i + 1, CU_STREAM_WAIT_VALUE_GEQ));
        NEED(mix(b, SHORT_NS, word, 2 * i));
        NEED(cuStreamWriteValue32(b, flags + 4, i + 1, 0));
        NEED(cuStreamWaitValue32(a, flags + 4, i + 1, CU_STREAM_WAIT_VALUE_EQ));
    }
    SHOW(cuStreamSynchronize(a));
    SHOW(cuStreamSynchronize(b));
    say_memory("word", word, 4);
    say_memory("flags", flags, 8);
    NEED(cuMemFree(word));
}

/* The stream waits first, for what is only put on the other one afterwards. */
static void waits_first(CUdeviceptr flags) {
    CUdeviceptr word = words_make(1, 0);
    program_section("waits first");
    words_set(flags, 2, 0);
    for (uint32_t i = 0; i < 5; i++) {
        NEED(cuStreamWaitValue32(b, flags, 1U << i, CU_STREAM_WAIT_VALUE_AND));
        NEED(mix(b, SHORT_NS, word, i));
        SHOW(cuStreamQuery(b));
        NEED(mix(a, SHORT_NS, flags + 4, i));
        NEED(cuStreamWriteValue32(a, flags, 1U << i, 0));
        SHOW(cuStreamSynchronize(b));
    }
    say_memory("word", word, 4);
    say_memory("flags", flags, 8);
    NEED(cuMemFree(word));
}

/* The host looks at what a stream writes and writes what a stream waits for. */
static void with_host(void) {
    CUdeviceptr word = words_make(1, 0);
    _Atomic uint32_t *flags = pinned_make(2 * sizeof(uint32_t));
    CUdeviceptr address = (CUdeviceptr)(uintptr_t)flags;
    program_section("with the host");
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        NEED(mix(a, SHORT_NS, word, i));
        NEED(cuStreamWriteValue32(a, address, i, 0));
        NEED(cuStreamWaitValue32(a, address + 4, i, CU_STREAM_WAIT_VALUE_GEQ));
        NEED(mix(a, SHORT_NS, word, i));
        while (flags[0] < i)
            sched_yield();
        flags[1] = i;
    }
    SHOW(cuStreamSynchronize(a));
    say_memory("word", word, 4);
    NEED(cuMemFreeHost((void *)flags));
    NEED(cuMemFree(word));
}

static void wide(void) {
    value_call64 write_value, wait_value;
    CUdeviceptr words = words_make(4, 0);
    program_section("wide");
    if (!FIND(write_value, "cuStreamWriteValue64_v2") ||
        !FIND(wait_value, "cuStreamWaitValue64_v2")) {
        SKIP("no values of 64 bits");
        return;
    }
    SHOW(mix(a, SHORT_NS, words + 8, 5));
    SHOW(write_value(a, words, 0x123456789abcdef0, 0));
    SHOW(wait_value(b, words, 0x123456789abcdef0, CU_STREAM_WAIT_VALUE_EQ));
    SHOW(mix(b, SHORT_NS, words + 8, 6));
    SHOW(cuStreamSynchronize(b));
    say_memory("words", words, 16);
    NEED(cuMemFree(words));
}

static void batch(void) {
    CUresult (*batch_call)(CUstream, unsigned, CUstreamBatchMemOpParams *, unsigned);
    CUdeviceptr words = words_make(4, 0);
    CUstreamBatchMemOpParams writes[3] = {
        {.writeValue = {CU_STREAM_MEM_OP_WRITE_VALUE_32, words, {7}, 0, 0}},
        {.writeValue = {CU_STREAM_MEM_OP_WRITE_VALUE_32, word_at(words, 1), {8}, 0, 0}},
        {.waitValue = {
             CU_STREAM_MEM_OP_WAIT_VALUE_32, word_at(words, 1), {8}, CU_STREAM_WAIT_VALUE_EQ, 0}}};
    CUstreamBatchMemOpParams waits[2] = {
        {.waitValue = {CU_STREAM_MEM_OP_WAIT_VALUE_32, words, {7}, CU_STREAM_WAIT_VALUE_GEQ, 0}},
        {.waitValue = {
             CU_STREAM_MEM_OP_WAIT_VALUE_32, word_at(words, 1), {8}, CU_STREAM_WAIT_VALUE_EQ, 0}}};
    program_section("batch");
    if (!FIND(batch_call, "cuStreamBatchMemOp_v2")) {
        SKIP("no cuStreamBatchMemOp");
        return;
    }
    SHOW(mix(a, SHORT_NS, words + 8, 5));
    SHOW(batch_call(a, 3, writes, 0));
    SHOW(batch_call(b, 2, waits, 0));
    SHOW(mix(b, SHORT_NS, words + 8, 6));
    SHOW(cuStreamSynchronize(b));
    say_memory("words", words, 16);
    NEED(cuMemFree(words));
}

int main(void) {
    program_start("values");
    a = stream_make(CU_STREAM_NON_BLOCKING, 0);
    b = stream_make(CU_STREAM_NON_BLOCKING, -1);
    CUdeviceptr flags = words_make(2, 0);
    between_streams("in device memory", flags);
    between_streams("in pinned memory", (CUdeviceptr)(uintptr_t)pinned_make(8));
    waits_first(flags);
    with_host();
    wide();
    batch();
    return 0;
}
