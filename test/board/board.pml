/*
 * The board's protocol, as a model for spin: two processes on one device, their slots, a daemon, the
 * GPU. Names are those of the code.
 *
 * A thread that launches counts itself in (`entered`), makes its queue ready, which sets the bit of
 * its slot, waits until no bit of its mask is set, launches, and counts itself out (`returned`).
 * Another thread takes the bit back when all that was launched has left the GPU. The daemon gives
 * slots and writes masks and permits; it cleans up behind processes that died, takes stopped ones
 * out of the masks, and may itself die anywhere and be followed by another. Whoever changes what
 * somebody may wait for counts wake_seq up and wakes.
 *
 * What is checked:
 *  - Nobody waits for ever: all launches come to their end, though no sleep has a limit in here.
 *  - Who found a bit of its mask set, or its permit taken, does not launch before that has changed.
 *  - Work on the GPU has its bit.
 *  - In the end no bit is set, of the dead neither.
 *
 * What may happen, by -D: LAUNCHES (of each thread), THREADS (of the higher process), SWAPS of the
 * two priorities, SUSPENDS of the lower queue, DEATHS of processes without a word, REUSES of a dead
 * one's slot, STOPS (SIGSTOP and later SIGCONT), CRASHES of the daemon.
 *
 * And what is left out, to see that the checker finds what each rule is for:
 *  NO_SECOND_LOOK    the bit is taken back without a look at `entered` after `ready` was cleared
 *  READY_FIRST       the queue is ready before its bit is set
 *  LATE_SEQ          wake_seq is read after the test instead of before
 *  NO_WAKE_SEQ       wakers do not count wake_seq up
 *  EARLY_WAITERS     wakers look for waiters before they count wake_seq up
 *  NO_NEW_TEST       who is woken launches
 *  NO_CLEANUP        the bit of a dead process stays
 *  NO_MASK_WAKE      who writes a mask does not wake
 *  CLEAR_AT_WILL     a new daemon takes the bits of living processes back
 *  ALWAYS_SET        a process that hears of its slot sets the bit, whether it has work or not
 *  MASK_STOPPED      others go on yielding to a stopped process
 */
#ifndef LAUNCHES
#define LAUNCHES 1
#endif
#ifndef THREADS
#define THREADS 1
#endif
#ifndef SWAPS
#define SWAPS 0
#endif
#ifndef SUSPENDS
#define SUSPENDS 0
#endif
#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef REUSES
#define REUSES 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef CRASHES
#define CRASHES 0
#endif

/* Threads: the higher process's, the lower one's, the higher one's second. */
#define THREAD_MAX 3

#define HIGH 0
#define LOW 1
#define BIT(c) (1 << (c))

/* The board. Of wake_seq, which only counts up, each thread's `current` says all that matters: whether
 * it is still what the thread read. */
byte bits, mask[2], waiters;
bool current[THREAD_MAX];

/* Of each process. */
byte entered[2], returned[2];
bool ready[2], locked[2], permit[2];
bool assigned[2]; /* A message that names its slot is on its way. */

/* The world. */
byte launched[2], finished[2];
byte left[2];    /* Threads that have not made all their launches. */
byte life[2];    /* Counts the processes that had the slot. */
bool dead[2];    /* The one in the slot has ended, and the daemon has not noticed. */
bool stopped[2]; /* It has no processor for now. */
bool asleep[THREAD_MAX];
byte daemon_life;
bool stale; /* No heartbeat for too long: nothing that the daemon wrote counts. */
bool low_is_first;
byte swaps = SWAPS, suspends = SUSPENDS, deaths = DEATHS, reuses = REUSES, stops = STOPS,
     crashes = CRASHES;

/* For the checks. */
bool held[THREAD_MAX]; /* The thread found its way barred, and nothing has changed since. */

#define barred(c) (!stale && (!permit[c] || (bits & mask[c]) != 0))
#define changed() held[0] = false; held[1] = false; held[2] = false
#define idle(c) (left[c] == 0 && !ready[c] && entered[c] == finished[c])

#define outdate() current[0] = false; current[1] = false; current[2] = false
#define rouse() asleep[0] = false; asleep[1] = false; asleep[2] = false

inline lock(c) { d_step { !locked[c]; locked[c] = true } }
inline unlock(c) { locked[c] = false }
inline set_bit(c) { bits = bits | BIT(c) }
inline clear_now(c) { bits = bits & ~BIT(c); changed() }
inline clear_bit(c) { d_step { clear_now(c) } }

/* The process may be stopped here, which nobody is told of but the daemon. */
inline maybe_stop(c) {
#if STOPS > 0
    if
    :: atomic { c == HIGH && stops > 0 -> stops--; stopped[c] = true }; !stopped[c]
    :: true
    fi
#else
    skip
#endif
}

inline wake() {
#ifdef EARLY_WAITERS
    if
    :: waiters == 0 -> d_step { outdate() }
    :: else -> d_step { outdate(); rouse() }
    fi
#else
#ifndef NO_WAKE_SEQ
    d_step { outdate() };
#endif
    if
    :: d_step { waiters > 0 -> rouse() }
    :: else
    fi
#endif
}

inline test(c) {
    m = mask[c];
    blocked = !stale && (!permit[c] || (bits & m) != 0)
}

proctype Thread(byte c, t, born) {
    byte n, m;
    bool blocked;
    {
        do
        :: n < LAUNCHES ->
            entered[c]++;
            if
            :: !ready[c] ->
#ifndef READY_FIRST
                set_bit(c); /* At once; the lock may be somebody else's for long. */
#endif
                lock(c);
                if
#ifdef READY_FIRST
                :: !ready[c] -> ready[c] = true; atomic { set_bit(c); unlock(c) }
#else
                :: !ready[c] -> set_bit(c); atomic { ready[c] = true; unlock(c) }
#endif
                :: else -> unlock(c)
                fi
            :: else
            fi;
            /* From here on the bit is set, so what bars the way now has to go first. */
            atomic { held[t] = barred(c); maybe_stop(c) }
gate:
#ifndef LATE_SEQ
            current[t] = true; /* s = wake_seq */
#endif
            test(c);
            if
            :: blocked ->
                waiters++;
#ifdef LATE_SEQ
                current[t] = true;
#endif
                /* FUTEX_WAIT(wake_seq, s). Another test here would spare a sleep, and is not needed. */
                atomic { asleep[t] = current[t] };
                atomic { !asleep[t] -> held[t] = barred(c) };
                waiters--;
#ifndef NO_NEW_TEST
                goto gate
#endif
            :: else
            fi;
            atomic {
                assert(!held[t]);
                assert((bits & BIT(c)) != 0);
                launched[c]++;
                current[t] = false; m = 0; blocked = false
            }
            atomic { maybe_stop(c); returned[c]++; n++ }
        :: else -> break
        od;
        atomic { left[c]--; n = 0 }
    } unless { d_step { life[c] != born -> n = 0; m = 0; blocked = false } }
}

/* queue_try_idle, behind a fence or a synchronisation. */
proctype Drain(byte c, born) {
    byte s;
    {
end:
        do
        /* Polling that brings nothing is left out: a model that never rests can't be seen to hang. */
        :: atomic {
            ready[c] && entered[c] == returned[c] && finished[c] >= returned[c];
            s = returned[c]
            };
            if
            :: entered[c] == s && returned[c] == s ->
                lock(c);
                ready[c] = false;
                if
#ifndef NO_SECOND_LOOK
                :: entered[c] != s -> atomic { ready[c] = true; unlock(c) }
#endif
                :: else -> d_step { bits = bits & ~BIT(c); changed(); unlock(c); s = 0 }; wake()
                fi
            :: else
            fi;
            s = 0
        od
    } unless { d_step { life[c] != born -> s = 0 } }
}

/* The process hears which slot is its own, and writes its bit: what it finds there may be what
 * another program of the same process left. */
proctype Link(byte c, born) {
    {
end:
        do
        :: d_step { assigned[c] && !locked[c] -> locked[c] = true };
            if
            :: ready[c] -> set_bit(c); atomic { assigned[c] = false; unlock(c) }
#ifdef ALWAYS_SET
            :: else -> set_bit(c); atomic { assigned[c] = false; unlock(c) }
#else
            :: else -> d_step { clear_now(c); assigned[c] = false; unlock(c) }; wake()
#endif
            fi
        od
    } unless { life[c] != born }
}

active proctype Gpu() {
end:
    do
    :: atomic { finished[HIGH] < launched[HIGH] -> finished[HIGH]++ }
    :: atomic { finished[LOW] < launched[LOW] -> finished[LOW]++ }
    od
}

inline begin(c) {
    left[c] = (c == HIGH -> THREADS : 1);
    run Thread(c, c, life[c]);
    if
    :: c == HIGH && THREADS > 1 -> run Thread(c, 2, life[c])
    :: else
    fi;
    run Drain(c, life[c]);
    run Link(c, life[c])
}

inline write_mask(c, value) {
    if
    :: d_step { (value) == 0 && mask[c] != 0 -> mask[c] = 0; changed() }
#ifndef NO_MASK_WAKE
        wake()
#endif
    /* Nobody may go on because of a bit that has come. */
    :: d_step { (value) != 0 && mask[c] != (value) -> mask[c] = value; changed() }
    :: else
    fi
}

#ifdef MASK_STOPPED
#define yields_to(c) (dead[c] -> 0 : BIT(c))
#else
#define yields_to(c) (dead[c] || stopped[c] -> 0 : BIT(c))
#endif

/* Masks that let pass come first, so that never both wait for each other. */
inline write_masks() {
    if
    :: low_is_first -> write_mask(LOW, 0); write_mask(HIGH, yields_to(LOW))
    :: else -> write_mask(HIGH, 0); write_mask(LOW, yields_to(HIGH))
    fi
}

inline write_permit(value) {
    if
    :: d_step { permit[LOW] != value -> permit[LOW] = value; changed() }; wake()
    :: else
    fi
}

/* The slot is a process's that has come back to a new daemon. */
inline assign(c) {
#ifdef CLEAR_AT_WILL
    clear_bit(c);
    wake();
#endif
    assigned[c] = true
}

/* What a process left behind when it died. */
inline clean_up(c) {
    write_masks();
#ifndef NO_CLEANUP
    clear_bit(c);
    wake();
#endif
    if
    :: reuses > 0 ->
        atomic {
            reuses--;
            entered[c] = 0; returned[c] = 0; launched[c] = 0; finished[c] = 0;
            ready[c] = false; locked[c] = false; dead[c] = false;
            /* Until it hears of its slot nothing of it is seen here: it begins when it does. */
            begin(c)
        }
        write_masks()
    :: reuses == 0 ->
        atomic {
            dead[c] = false; ready[c] = false; left[c] = 0; assigned[c] = false;
            entered[c] = finished[c]
        }
    fi
}

proctype Daemon(byte born) {
    bool seen[2];
    {
        /* It may follow one that ended in the middle of anything. The living come back to it. */
        if
        :: born > 0 ->
            d_step { stale = false };
            write_permit(true);
            if
            :: !dead[HIGH] -> assign(HIGH)
            :: else
            fi;
            if
            :: !dead[LOW] -> assign(LOW)
            :: else
            fi
        :: else
        fi;
        write_masks();
end:
        do
        :: dead[HIGH] -> clean_up(HIGH)
        :: dead[LOW] -> clean_up(LOW)
        :: stopped[HIGH] != seen[HIGH] -> seen[HIGH] = stopped[HIGH]; write_masks()
        :: stopped[LOW] != seen[LOW] -> seen[LOW] = stopped[LOW]; write_masks()
        :: swaps > 0 -> atomic { swaps--; low_is_first = !low_is_first }; write_masks()
        :: suspends > 0 -> suspends--; write_permit(false); write_permit(true)
        od
    } unless { d_step { daemon_life != born -> seen[HIGH] = false; seen[LOW] = false } }
}

/* The thread is no more. */
inline forget(t) {
    asleep[t] = false; held[t] = false; current[t] = false
}

inline kill(c) {
    deaths--;
    life[c]++;
    dead[c] = true;
    forget(c);
    /* Its context goes with it. */
    finished[c] = launched[c]
}

active proctype Fate() {
end:
    do
    :: deaths > 0 && !idle(HIGH) -> atomic { kill(HIGH); forget(2) }
    :: deaths > 0 && !idle(LOW) -> atomic { kill(LOW) }
    /* It goes on only when the other, which must not need that, is done. */
    :: stopped[HIGH] && left[LOW] == 0 -> stopped[HIGH] = false
    :: crashes > 0 ->
        atomic {
            crashes--;
            daemon_life++;
            if
            /* The heartbeat is too old: those who sleep notice by themselves. */
            :: true -> stale = true; changed(); rouse()
            :: true
            fi
        }
        run Daemon(daemon_life)
    od
}

/* Nothing more can happen. */
active proctype End() {
    timeout ->
    assert(idle(HIGH) && idle(LOW));
    assert(bits == 0)
}

init {
    atomic {
        permit[HIGH] = true;
        permit[LOW] = true;
        mask[LOW] = BIT(HIGH);
        begin(HIGH);
        begin(LOW);
        run Daemon(0)
    }
}
