/* What is in a queue's window, and what has left it: for the holder of the window's lock. */
#ifndef XSCHED_ROOM_H
#define XSCHED_ROOM_H

#include "queue.h"

/* A window and what a submission counts in it: launches, or nanoseconds of the GPU. */
struct budget {
    uint64_t size; /* 0 for no limit. */
    uint64_t all;  /* Of time, what the queues of the process have together. */
    uint64_t cost;
    bool is_time;
};

/*
 * The window as it was agreed last; its cost is left to room_cost. Where another era begins by
 * that, all that was launched before, and `own` submissions that the caller has not counted as
 * returned, count as a full window.
 */
struct budget room_agree(struct queue *queue, uint64_t own);

/* What a launch counts in the window, above 0; writes the place of its pace. */
uint64_t room_cost(struct window_state *window, struct budget budget, uint32_t weight, uint64_t key,
                   uint8_t *kind);

/* Lets launches pass by (window_pass) as long as nobody has waited for too long. */
void room_open(struct window_state *window);

/* Takes what the share costs, unless there is no room and it is not to be forced. */
bool room_claim(struct window_state *window, struct budget budget, struct window_share *share,
                bool forced);

/* Less is in flight. */
void room_give_back(struct queue *queue, uint64_t cost);

/* The same of what has not been launched after all: nothing has finished by that. */
void room_take_back(struct queue *queue, uint64_t cost);

/* How long before the end of what is in flight a launch may go that is as long as the window. */
uint64_t room_lead(uint64_t size);

/* Whether the submission has to go by its device's lane (lane.h), beside other queues. */
bool room_is_for_lane(const struct queue *queue, struct budget budget);

/*
 * Fences what was launched since the last one; without a fence nobody can wait for it. Where the
 * driver refuses the event, that is forgiven. `own` as above.
 */
void room_fence(struct queue *queue, uint64_t own);

/*
 * Gives back the room of every fence that has passed. `watched`: the caller has looked before, and
 * only paused since, so it sees when they pass.
 */
void room_settle(struct queue *queue, bool watched);

/* Whether one long launch is in flight that must be near its end, as of the caller's room_settle.
 */
bool room_is_nearly_there(const struct window_state *window, struct budget budget);

/*
 * Everything up to `returned == proven` has finished: gives back the room of all that is in flight,
 * unless a thread has come to launch more since.
 */
void room_forget_finished(struct queue *queue, uint64_t proven);

/* What is counted counts no more. */
void room_end_era(struct queue *queue);

/* Counts the queue among those that take a real part of the process's window, or not. */
void room_note_load(struct queue *queue, struct budget budget);
/* The same without the lock. */
void room_set_load(struct queue *queue, bool is_loaded);

#endif
