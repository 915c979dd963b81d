/** Runs the core: gives it events and the time, and carries out what it wants. */
import type { AgentDown, ControlDown } from '../protocol/generated/messages.js';
import type { BoardChange } from './core/board.js';
import type { Effect, Event } from './core/events.js';
import type { State } from './core/state.js';
import { step } from './core/step.js';

/** Longest time that a timer of Node can be set to, in milliseconds. */
const TIMER_MAX_MS = 0x7fffffff;

/** What the engine reaches the world by. */
export interface Outlets {
  /** A monotonic clock, in milliseconds. */
  readonly clock: () => number;
  readonly send: (link: string, message: AgentDown) => void;
  readonly board: (change: BoardChange) => void;
  readonly forget: (link: string, stillWatch: boolean) => void;
  readonly reply: (controller: string, message: ControlDown) => void;
  readonly report: (report: Extract<Effect, { type: 'report' }>) => void;
}

/** The core with its timers. */
export class Engine {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(
    readonly state: State,
    private readonly outlets: Outlets,
  ) {}

  /** Gives the core an event and carries out all effects before it returns. */
  dispatch(event: Event): void {
    if (this.#stopped) return;
    const { effects } = step(this.state, event, this.outlets.clock());
    for (const effect of effects) this.#perform(effect);
  }

  /** No event has any effect from now on. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.outlets.send(effect.link, effect.message);
        return;
      case 'board':
        this.outlets.board(effect.change);
        return;
      case 'forget':
        this.outlets.forget(effect.link, effect.stillWatch);
        return;
      case 'reply':
        this.outlets.reply(effect.controller, effect.message);
        return;
      case 'report':
        this.outlets.report(effect);
        return;
      case 'setTimer':
        this.#setTimer(effect.key, effect.at);
        return;
      case 'clearTimer':
        clearTimeout(this.#timers.get(effect.key));
        this.#timers.delete(effect.key);
        return;
    }
  }

  #setTimer(key: string, at: number): void {
    clearTimeout(this.#timers.get(key));
    // Node rounds down, and a timer must not come early.
    const delay = Math.min(Math.ceil(Math.max(0, at - this.outlets.clock())) + 1, TIMER_MAX_MS);
    const fire = () => {
      this.#timers.delete(key);
      this.dispatch({ type: 'timer', key, dueAt: at });
    };
    this.#timers.set(key, setTimeout(fire, delay));
  }
}
