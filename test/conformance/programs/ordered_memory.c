/* Memory in the order of a stream: allocated, used by kernels and copies, freed, used again. */
#include "program.h"

#include <stdlib.h>

enum { SHORT_NS = 2000, BLOCKS = 8 };

/* Each block's words are made, worked on and read within the stream. */
static void rounds(CUstream stream, uint32_t count) {
    uint32_t *seen = pinned_make(count * sizeof *seen);
    program_section("rounds");
    for (uint32_t i = 0; i < count; i++) {
        CUdeviceptr block;
        NEED(cuMemAllocAsync(&block, 4096 + 512 * (size_t)i, stream));
        NEED(cuMemsetD32Async(block, i, 1024, stream));
        NEED(mix(stream, SHORT_NS, block, 5));
        NEED(mix(stream, SHORT_NS, word_at(block, i), 7));
        NEED(cuMemcpyDtoHAsync(&seen[i], word_at(block, i), 4, stream));
        NEED(cuMemFreeAsync(block, stream));
    }
    SHOW(cuStreamSynchronize(stream));
    say("read %08" PRIx32, digest(seen, count * sizeof *seen));
    NEED(cuMemFreeHost(seen));
}

/* Several blocks that live at once, freed in another order. */
static void several(CUstream stream) {
    CUdeviceptr blocks[BLOCKS], sums = words_make(BLOCKS, 0);
    program_section("several");
    for (uint32_t i = 0; i < BLOCKS; i++) {
        NEED(cuMemAllocAsync(&blocks[i], 1 << (12 + i), stream));
        NEED(cuMemsetD32Async(blocks[i], i, 1 << (10 + i), stream));
    }
    for (uint32_t i = 0; i < BLOCKS; i++)
        NEED(mix(stream, SHORT_NS, blocks[i] + 4, i));
    for (uint32_t i = 0; i < BLOCKS; i++)
        NEED(cuMemcpyDtoDAsync(word_at(sums, i), blocks[i] + 4, 4, stream));
    for (uint32_t i = 0; i < BLOCKS; i++)
        NEED(cuMemFreeAsync(blocks[(i * 3) % BLOCKS], stream));
    SHOW(cuStreamSynchronize(stream));
    say_memory("sums", sums, BLOCKS * sizeof(uint32_t));
    NEED(cuMemFree(sums));
}

/* Made on one stream, used and freed on another, which an event leads there. */
static void two_streams(CUstream first, CUstream second) {
    CUevent made = event_make();
    uint32_t *seen = pinned_make(sizeof *seen);
    program_section("two streams");
    for (uint32_t i = 0; i < 20; i++) {
        CUdeviceptr block;
        NEED(cuMemAllocAsync(&block, 4096, first));
        NEED(cuMemsetD32Async(block, *seen + i, 1024, first));
        NEED(mix(first, SHORT_NS, block, 3));
        NEED(cuEventRecord(made, first));
        NEED(cuStreamWaitEvent(second, made, 0));
        NEED(mix(second, SHORT_NS, block, 4));
        NEED(cuMemcpyDtoHAsync(seen, block, 4, second));
        NEED(cuMemFreeAsync(block, second));
        NEED(cuStreamSynchronize(second));
    }
    say("read %08" PRIx32, *seen);
    NEED(cuEventDestroy(made));
    NEED(cuMemFreeHost(seen));
}

/* Freed by an ordinary call after all, and the reverse. */
static void both_allocators(CUstream stream) {
    CUdeviceptr block;
    program_section("both allocators");
    SHOW(cuMemAllocAsync(&block, 4096, stream));
    SHOW(cuMemsetD32Async(block, 9, 1024, stream));
    SHOW(cuStreamSynchronize(stream));
    say_memory("block", block, 4096);
    SHOW(cuMemFree(block));
    SHOW(cuMemAlloc(&block, 4096));
    SHOW(cuMemsetD32Async(block, 8, 1024, stream));
    SHOW(mix(stream, SHORT_NS, block, 1));
    SHOW(cuMemFreeAsync(block, stream));
    SHOW(cuStreamSynchronize(stream));
}

/* The thread's own default stream has its own forms of the calls. */
static void own_stream(void) {
    CUresult (*allocate)(CUdeviceptr *, size_t, CUstream);
    CUresult (*release)(CUdeviceptr, CUstream);
    CUdeviceptr block, word = words_make(1, 0);
    FIND(allocate, "cuMemAllocAsync_ptsz");
    FIND(release, "cuMemFreeAsync_ptsz");
    program_section("own stream");
    SHOW(allocate(&block, 4096, NULL));
    SHOW(cuMemsetD32Async(block, 5, 1024, CU_STREAM_PER_THREAD));
    SHOW(mix_own(NULL, SHORT_NS, block, 6));
    SHOW(cuMemcpyDtoDAsync(word, block, 4, CU_STREAM_PER_THREAD));
    SHOW(release(block, NULL));
    SHOW(cuStreamSynchronize(CU_STREAM_PER_THREAD));
    say_memory("word", word, 4);
    NEED(cuMemFree(word));
}

int main(void) {
    program_start("ordered_memory");
    if (program_find("cuMemAllocAsync") == NULL) {
        SKIP("no cuMemAllocAsync");
        return 0;
    }
    CUstream first = stream_make(CU_STREAM_NON_BLOCKING, 0);
    CUstream second = stream_make(CU_STREAM_NON_BLOCKING, -1);
    rounds(first, 60);
    several(first);
    two_streams(first, second);
    both_allocators(first);
    own_stream();
    return 0;
}
