#include "board.h"

#include "../../protocol/board.h"
#include "clock.h"
#include "config.h"
#include "device.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

_Static_assert(XSP_SLOT_COUNT == XSP_BOARD_SLOTS && XSP_DEVICE_COUNT == XSP_BOARD_DEVICES,
               "the layout is not the protocol's");

static const uint64_t BEATLESS_NS = XSP_BEATLESS_MS * NS_PER_MS;

/* What queues without a slot look at. Their mask is zero whatever the bits may be. */
static _Atomic uint64_t no_bits;
static const _Atomic uint64_t no_mask;

/* An announcement takes a few instructions. A thread that has not come to its end when others have
 * had the processor so often never will. */
enum { ANNOUNCEMENT_YIELDS = 1000000 };

/* A file and the memory that it is. */
struct mapping {
    void *start;
    uint64_t volume, number; /* Which file it is. */
};

/* The worker's; others come by the memory through their queues only, and it is never unmapped: a
 * thread may be about to read it. */
static struct mapping board_file, ready_file;

static _Atomic(const struct xsp_board *) board;
static _Atomic(struct xsp_board_ready *) ready;
static atomic_bool is_stale; /* No sign of life for too long. */
static _Atomic uint32_t stale_beat;

/* Where a slot is. */
struct place {
    uint32_t device;
    uint32_t at;
};

static struct place place_of(uint32_t slot) {
    return (struct place){(slot - 1) / XSP_BOARD_SLOTS, (slot - 1) % XSP_BOARD_SLOTS};
}

/* Maps a file of the runtime directory. True when it is another one than before. */
static bool map_file(struct mapping *mapping, const char *name, size_t size, int access) {
    char path[sizeof(config.runtime_dir) + 16];
    snprintf(path, sizeof(path), "%s/%s", config.runtime_dir, name);
    struct mapping fresh = {NULL, 0, 0};
    struct statx found; /* Not stat: of that, old libraries have another function. */
    int file = open(path, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        log_line(LOG_DEBUG, "no board at %s: %s", path, strerror(errno));
        /* The file is as it was; only it can't be looked at just now. */
        if (mapping->start != NULL && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
            return false;
    }
    /* A file of another size would be no memory in part. */
    if (file >= 0 &&
        statx(file, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_SIZE, &found) == 0 &&
        S_ISREG(found.stx_mode) && found.stx_size == size) {
        fresh.volume = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor;
        fresh.number = found.stx_ino;
        if (mapping->start != NULL && mapping->volume == fresh.volume &&
            mapping->number == fresh.number) {
            close(file);
            return false;
        }
        int protection = access == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
        void *start = mmap(NULL, size, protection, MAP_SHARED, file, 0);
        fresh.start = start == MAP_FAILED ? NULL : start;
    }
    if (file >= 0)
        close(file);
    bool changed = fresh.start != mapping->start;
    *mapping = fresh;
    return changed;
}

static void leave_slot(struct queue *queue, void *unused) {
    (void)unused;
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    board_assign(queue, 0, false);
    pthread_mutex_unlock(&device->lock);
    device_wake(device);
}

/* Whether the memory is a board as this shim knows it. */
static bool is_understood(const struct xsp_board *on, const struct xsp_board_ready *off) {
    return on->magic == XSP_BOARD_MAGIC && on->layout == XSP_BOARD_LAYOUT &&
           off->magic == XSP_READY_MAGIC && off->layout == XSP_BOARD_LAYOUT;
}

uint64_t board_open(void) {
    if (!config.board || config.runtime_dir[0] == '\0')
        return 0;
    bool changed = map_file(&board_file, XSP_BOARD_FILE, sizeof(struct xsp_board), O_RDONLY);
    changed |= map_file(&ready_file, XSP_READY_FILE, sizeof(struct xsp_board_ready), O_RDWR);
    if (changed) {
        /* The slots that queues have are on the board before. */
        queue_each(leave_slot, NULL);
        bool both = board_file.start != NULL && ready_file.start != NULL;
        atomic_store(&board, both ? board_file.start : NULL);
        atomic_store(&ready, both ? ready_file.start : NULL);
    }
    const struct xsp_board *now = atomic_load(&board);
    if (now == NULL || !is_understood(now, atomic_load(&ready)))
        return 0;
    return atomic_load(&now->nonce);
}

void board_start(struct queue *queue) {
    queue->slot = 0;
    atomic_store(&queue->hot->place, XSP_BOARD_SLOTS);
    atomic_store_explicit(&queue->hot->mask, &no_mask, memory_order_relaxed);
    atomic_store_explicit(&queue->hot->bits, &no_bits, memory_order_release);
}

/* Sets the slot's bit, or takes it back where none of its queues has work: then others are to be
 * woken. False when it is as it should be. */
static bool write_bit(struct device *device, uint32_t slot) {
    struct xsp_ready_device *shared = atomic_load(&device->shared);
    uint32_t at = place_of(slot).at;
    uint64_t bit = UINT64_C(1) << at;
    if (device->busy[at] > 0)
        return (atomic_fetch_or(&shared->bits, bit) & bit) == 0;
    return (atomic_fetch_and(&shared->bits, ~bit) & bit) != 0;
}

/* So many queues of the slot more, or less, have work. */
static void count(struct device *device, uint32_t slot, int change) {
    uint16_t *busy = &device->busy[place_of(slot).at];
    bool had_work = *busy > 0;
    *busy = (uint16_t)(*busy + change);
    if ((*busy > 0) != had_work)
        write_bit(device, slot);
}

void board_show(struct queue *queue) {
    if (queue->slot != 0)
        count(queue->device, queue->slot, 1);
}

void board_hide(struct queue *queue) {
    if (queue->slot != 0)
        count(queue->device, queue->slot, -1);
}

void board_mend(struct queue *queue) {
    struct device *device = queue->device;
    pthread_mutex_lock(&device->lock);
    bool mended = atomic_load(&queue->alive) && queue->slot != 0 && write_bit(device, queue->slot);
    pthread_mutex_unlock(&device->lock);
    if (mended)
        device_wake(device);
}

/* Whether the slot is one of this device, and there is a board. */
static bool may_have(struct device *device, uint32_t slot) {
    struct xsp_board_ready *now = atomic_load(&ready);
    if (now == NULL ||
        strcmp(atomic_load(&board)->devices[place_of(slot).device].uuid, device->uuid) != 0)
        return false;
    struct xsp_ready_device *shared = &now->devices[place_of(slot).device];
    if (device->slotted == 0)
        atomic_store(&device->shared, shared);
    return atomic_load(&device->shared) == shared;
}

/* No thread is about to set the bit of the slot that the queue had. */
static void await_announcers(const struct queue *queue) {
    for (int i = 0; i < ANNOUNCEMENT_YIELDS && atomic_load(&queue->hot->announcers) > 0; i++)
        sched_yield();
}

void board_assign(struct queue *queue, uint32_t slot, bool anew) {
    struct device *device = queue->device;
    struct hot_queue *line = queue->hot;
    uint32_t before = queue->slot;
    int work = queue_shows_work(queue) ? 1 : 0;
    if (slot == before) {
        if (anew && slot != 0)
            write_bit(device, slot);
        return;
    }
    if (slot != 0 && !may_have(device, slot)) {
        log_line(LOG_WARN, "slot %u of the board is not on device %s; stream %u goes by messages",
                 slot, device->uuid, atomic_load(&queue->id));
        slot = 0;
    }
    if (slot == before)
        return;
    struct place place = {0, XSP_BOARD_SLOTS};
    /* Into the new one first: its work must not be out of sight meanwhile. */
    if (slot != 0) {
        place = place_of(slot);
        device->slotted++;
        count(device, slot, work);
        /* Whatever program the process was before may have left a bit there. */
        write_bit(device, slot);
        atomic_store(&line->mask, &atomic_load(&board)->devices[place.device].masks[place.at]);
        atomic_store(&line->bits, &atomic_load(&device->shared)->bits);
    }
    queue->slot = slot;
    atomic_store(&line->place, (uint8_t)place.at);
    if (before != 0) {
        await_announcers(queue);
        count(device, before, -work);
        write_bit(device, before);
        device->slotted--;
    }
    if (slot == 0) {
        atomic_store(&line->mask, &no_mask);
        atomic_store(&line->bits, &no_bits);
    }
    atomic_store(&device->sleeps_on, device->slotted > 0 ? atomic_load(&device->shared) : NULL);
}

void board_wake(struct device *device) {
    /* Also when the last slot there has just gone: others wait for its bit. */
    struct xsp_ready_device *shared = atomic_load(&device->shared);
    if (shared == NULL)
        return;
    atomic_fetch_add(&shared->wake_seq, 1);
    if (atomic_load(&shared->waiters) > 0)
        futex_wake_shared(&shared->wake_seq);
}

bool board_counts(void) {
    return config.fail_closed || !atomic_load(&is_stale);
}

struct pulse board_listen(void) {
    const struct xsp_board *now = atomic_load(&board);
    return (struct pulse){now == NULL ? 0 : atomic_load(&now->beat), 0};
}

void board_check_pulse(struct pulse *pulse, uint64_t lived_ns) {
    uint32_t beat = board_listen().beat;
    pulse->lasted_ns += lived_ns;
    if (beat != pulse->beat)
        *pulse = (struct pulse){beat, 0};
    if (config.fail_closed || pulse->lasted_ns < BEATLESS_NS || atomic_load(&is_stale))
        return;
    atomic_store(&stale_beat, beat);
    atomic_store(&is_stale, true);
    log_line(LOG_WARN, "the daemon gave no sign of life for %d ms: the board holds nobody back",
             XSP_BEATLESS_MS);
}

void board_look(void) {
    if (!atomic_load(&is_stale) || board_listen().beat == atomic_load(&stale_beat))
        return;
    atomic_store(&is_stale, false);
}

void board_reset_after_fork(void) {
    /* Nobody else is here who could be reading it. */
    if (board_file.start != NULL)
        munmap(board_file.start, sizeof(struct xsp_board));
    if (ready_file.start != NULL)
        munmap(ready_file.start, sizeof(struct xsp_board_ready));
    board_file = ready_file = (struct mapping){NULL, 0, 0};
    atomic_store(&board, NULL);
    atomic_store(&ready, NULL);
    atomic_store(&is_stale, false);
}
