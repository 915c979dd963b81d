/**
 * The daemon's core: `step(state, event, now)` says what has to be done.
 *
 * No clock, socket or logger in here: `now` is handed in, in milliseconds of a monotonic clock, and
 * everything that touches the world comes back as an effect. Effects are to be carried out in their
 * order and at once: the board is written before messages tell of it, and suspensions come before
 * permits.
 */
import { hearMessage } from './agent.js';
import { checkArrivals } from './arrivals.js';
import { beginBoard, vacateSlots } from './board.js';
import { loseClient, welcomeClient } from './clients.js';
import { takeEnable, takeHint, takePolicy, touchAll } from './control.js';
import { Turn } from './decide.js';
import type { Effect, Event } from './events.js';
import { checkBits, checkDevice, probeClients } from './liveness.js';
import type { State } from './state.js';

export interface Step {
  /** The state that was handed in: it belongs to the core, which changes it in place. */
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** @param now milliseconds of a monotonic clock; never less than in the step before */
export function step(state: State, event: Event, now: number): Step {
  const turn = new Turn(state, now);
  handle(turn, event);
  turn.settle();
  return { state, effects: turn.effects };
}

function handle(turn: Turn, event: Event): void {
  const { state } = turn;
  switch (event.type) {
    case 'hello':
      welcomeClient(turn, event.client);
      return;
    case 'message':
      hearMessage(turn, event.link, event.message);
      return;
    case 'gone':
      loseClient(turn, event.link, event.cause, event.ended);
      return;
    case 'bits':
      checkBits(turn, event.bits);
      return;
    case 'vacated':
      vacateSlots(turn, event.process);
      return;
    case 'timer': {
      const device = state.devices.get(event.key);
      if (device !== undefined) checkDevice(turn, device, event.dueAt);
      return;
    }
    case 'hint':
      takeHint(turn, event);
      return;
    case 'policy':
      takePolicy(turn, event);
      return;
    case 'enable':
      takeEnable(turn, event);
      return;
    case 'probe':
      if (event.closed) probeClients(turn);
      checkArrivals(turn);
      return;
    case 'observe':
      state.observed = event.on;
      touchAll(turn);
      return;
    case 'begin':
      beginBoard(turn);
      return;
    case 'leave':
      state.leaving = true;
      touchAll(turn);
      return;
  }
}
