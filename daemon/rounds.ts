/** What the daemon does again and again, on one timer: to wake costs it more than most of that does. */

/** Does something. @returns after how long it is to be done again, in milliseconds; Infinity: when hastened */
export type Task = () => number;

/**
 * A task that would be due so soon after others is done with them, in milliseconds. That is half the time
 * between two wakes of a daemon at rest, so those of any two tasks come to fall together.
 */
const EARLY_MS = 250;

/** Tasks, each done when it is due or somewhat earlier. */
export class Rounds {
  readonly #dueAt = new Map<Task, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param clock monotonic, in milliseconds */
  constructor(private readonly clock: () => number) {}

  /**
   * Does a task from now on, for the first time as soon as the event loop comes round.
   * @returns has it done as soon as that again
   */
  add(task: Task): () => void {
    const hasten = () => {
      this.#dueAt.set(task, -Infinity);
      this.#arm();
    };
    hasten();
    return hasten;
  }

  /** No task is done from now on. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = Math.min(...this.#dueAt.values());
    if (this.#stopped || next === Infinity) return;
    this.#timer = setTimeout(this.#run, Math.max(0, Math.ceil(next - this.clock())));
  }

  readonly #run = (): void => {
    // One for all, so that those of one pace stay together.
    const now = this.clock();
    try {
      for (const [task, dueAt] of this.#dueAt) {
        if (dueAt <= now + EARLY_MS) this.#dueAt.set(task, now + task());
      }
    } finally {
      this.#arm();
    }
  };
}
