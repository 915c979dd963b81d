/*
 * The board: shared memory by which programs tell each other that they have work, without a
 * message. Two files in the daemon's runtime directory, since one file has one mode:
 *
 *   board-1   written by the daemon, read by all: who has which slot, and what it yields to
 *   ready-1   written by a trusted group too: which slots have work, and a word to sleep on
 *
 * A slot is one (process, device, priority). Its name is 1 + device * XSP_SLOT_COUNT + place; 0
 * is none. The rules are those of test/board/README.md, where a model checks them. The files are
 * opened again and not replaced, since a container's bind mount would keep the old ones, but where
 * they make no sense; so a new layout gets new names, which end in XSP_BOARD_LAYOUT.
 */
#ifndef XSCHED_BOARD_LAYOUT_H
#define XSCHED_BOARD_LAYOUT_H

#ifdef __cplusplus
#include <atomic>
#include <cstdint>
#define XSP_ATOMIC(type) std::atomic<type>
#define XSP_ASSERT static_assert
#else
#include <stdatomic.h>
#include <stdint.h>
#define XSP_ATOMIC(type) _Atomic type
#define XSP_ASSERT _Static_assert
#endif

#define XSP_BOARD_FILE "board-1"
#define XSP_READY_FILE "ready-1"

enum {
    XSP_BOARD_MAGIC = 0x44425358, /* "XSBD" where the first byte is the lowest. */
    XSP_READY_MAGIC = 0x44525358, /* "XSRD" */
    XSP_BOARD_LAYOUT = 1,
    /* The protocol's LIMITS.BOARD_DEVICES, and BOARD_SLOTS of each: a word has a bit for each. */
    XSP_DEVICE_COUNT = 64,
    XSP_SLOT_COUNT = 64,
    XSP_BOARD_UUID_BYTES = 64,
};

struct xsp_board_owner {
    uint32_t pid; /* As the daemon sees it; 0 for a slot that is free. */
    int32_t priority;
    uint64_t start_time; /* Field 22 of /proc/PID/stat. */
};

struct xsp_board_device {
    char uuid[XSP_BOARD_UUID_BYTES]; /* Terminated; empty while no slot of it is given. */
    /* By place: the bits of the slots that it yields to. */
    XSP_ATOMIC(uint64_t) masks[XSP_SLOT_COUNT];
    struct xsp_board_owner owners[XSP_SLOT_COUNT];
};

/* The file XSP_BOARD_FILE. */
struct xsp_board {
    uint32_t magic;
    uint32_t layout;
    XSP_ATOMIC(uint64_t) nonce; /* Of the daemon's life; who reads another has another board. */
    XSP_ATOMIC(uint32_t) beat;  /* Counts up while the daemon lives, see LIMITS.BEAT_MS. */
    uint32_t unused[11];
    struct xsp_board_device devices[XSP_DEVICE_COUNT];
};

struct xsp_ready_device {
    XSP_ATOMIC(uint64_t) bits;     /* By place: whether the slot has work. */
    XSP_ATOMIC(uint32_t) wake_seq; /* Counts whatever may open a gate; gates sleep on it. */
    XSP_ATOMIC(uint32_t) waiters;  /* Threads asleep on it. */
    uint32_t unused[12];           /* A line of the processor's cache for each device. */
};

/* The file XSP_READY_FILE. */
struct xsp_board_ready {
    uint32_t magic;
    uint32_t layout;
    uint32_t unused[14];
    struct xsp_ready_device devices[XSP_DEVICE_COUNT];
};

XSP_ASSERT(sizeof(struct xsp_board_device) == 1600, "the layout of the board has changed");
XSP_ASSERT(sizeof(struct xsp_board) == 64 + XSP_DEVICE_COUNT * 1600,
           "the layout of the board has changed");
XSP_ASSERT(sizeof(struct xsp_board_ready) == 64 + XSP_DEVICE_COUNT * 64,
           "the layout of the board has changed");

#endif
