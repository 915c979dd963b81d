/** What controllers ask for: hints, the policy, on and off. */
import { ERROR_CODES, LIMITS } from '../../protocol/messages.js';
import { rankArrivals } from './arrivals.js';
import { hasSlots, remaskAll } from './board.js';
import type { Turn } from './decide.js';
import type { Effect, Event } from './events.js';
import { HINT_KINDS, HINTS_MAX, matchesTarget, parseTarget } from './hints.js';
import type { HintKind, Target } from './hints.js';
import { applyTerms, ceilingOf } from './priority.js';
import type { Queue, State } from './state.js';

/** Hints that an error names; more are counted. */
const HINTS_NAMED_MAX = 2;

/** The values that hints may have, and what a person reads behind them. */
const HINT_VALUES: Readonly<
  Record<HintKind, { readonly least: number; readonly most: number; readonly unit: string }>
> = {
  priority: { least: LIMITS.PRIORITY_MIN, most: LIMITS.PRIORITY_MAX, unit: '' },
  latency: { least: 0, most: LIMITS.LATENCY_MAX_US, unit: ' µs' },
};

/** What a hint is about. */
interface Meant {
  readonly kind: HintKind;
  readonly target: Target;
  readonly queues: readonly Queue[];
}

type HintEvent = Extract<Event, { type: 'hint' }>;
type PolicyEvent = Extract<Event, { type: 'policy' }>;
type EnableEvent = Extract<Event, { type: 'enable' }>;

/** Gives a value to the queues that a target names, or takes it back. */
export function takeHint(turn: Turn, event: HintEvent): void {
  const { state } = turn;
  const kind = HINT_KINDS.find((one) => one === event.hint);
  if (kind === undefined) {
    const text = `there is no hint '${event.hint}'; there is ${HINT_KINDS.join(', ')}`;
    turn.later(controlError(event, ERROR_CODES.INVALID, text));
    return;
  }
  const problem = checkValue(kind, event);
  if (problem !== undefined) {
    turn.later(controlError(event, ERROR_CODES.INVALID, problem));
    return;
  }
  const target = parseTarget(event.target);
  if (target === undefined) {
    const text = `target ${JSON.stringify(event.target)} names nothing`;
    turn.later(controlError(event, ERROR_CODES.INVALID, text));
    return;
  }
  const excess = kind === 'priority' ? describeExcess(turn, event) : undefined;
  if (excess !== undefined) {
    turn.later(controlError(event, ERROR_CODES.FORBIDDEN, excess));
    return;
  }
  const queues = findQueues(turn, target);
  const missing = describeMissing(turn, event, { kind, target, queues });
  if (missing !== undefined) {
    turn.later(controlError(event, ERROR_CODES.NOT_FOUND, missing));
    return;
  }
  if (event.clear) {
    state.hints.delete(kind, target);
    if ('pid' in target) stopWaitingFor(turn, target.pid);
  } else {
    if (!state.hints.has(kind, target) && state.hints.size >= HINTS_MAX) {
      const text = `${String(HINTS_MAX)} hints are kept already: take some back first`;
      turn.later(controlError(event, ERROR_CODES.LIMIT, text));
      return;
    }
    state.hints.set(kind, target, event.target, event.value);
  }
  for (const queue of queues) {
    applyTerms(state, queue);
    turn.touch(queue);
  }
  rankArrivals(turn);
  const value = `${String(event.value)}${HINT_VALUES[kind].unit}`;
  turn.later({
    type: 'report',
    kind: 'hint',
    level: 'info',
    id: event.target,
    text: event.clear
      ? `${event.target}: ${kind} by hint taken back, ${countQueues(queues)}`
      : `${event.target}: ${kind} ${value} by hint, ${countQueues(queues)}`,
  });
  turn.later({
    type: 'reply',
    controller: event.controller,
    message: {
      type: 'HINT_REPLY',
      request: event.request,
      queues: queues.map((queue) => queue.id),
    },
  });
}

/** Answers which policy is in force, after changing it if one is named. */
export function takePolicy(turn: Turn, event: PolicyEvent): void {
  const { state } = turn;
  const available = [...state.policies.keys()];
  if (event.name !== '') {
    const policy = state.policies.get(event.name);
    if (policy === undefined) {
      const text = `there is no policy '${event.name}'; there is ${available.join(', ')}`;
      turn.later(controlError(event, ERROR_CODES.NOT_FOUND, text));
      return;
    }
    if (policy !== state.policy) {
      state.policy = policy;
      // What the one before saw means nothing to this one.
      for (const device of state.devices.values()) device.survey = undefined;
      touchAll(turn);
      turn.later({
        type: 'report',
        kind: 'policy',
        level: 'info',
        id: '',
        text: `the policy is ${policy.name} now`,
      });
    }
  }
  turn.later({
    type: 'reply',
    controller: event.controller,
    message: {
      type: 'POLICY_REPLY',
      request: event.request,
      name: state.policy.name,
      available,
    },
  });
}

/** Switches scheduling on or off: off gives everybody a permit without a window. */
export function takeEnable(turn: Turn, event: EnableEvent): void {
  const { state } = turn;
  if (state.enabled !== event.enabled) {
    state.enabled = event.enabled;
    touchAll(turn);
    turn.later({
      type: 'report',
      kind: 'enabled',
      level: 'info',
      id: '',
      text: event.enabled ? 'scheduling is on' : 'scheduling is off: every gate is open',
    });
  }
  turn.later({
    type: 'reply',
    controller: event.controller,
    message: { type: 'ENABLE_REPLY', request: event.request, enabled: state.enabled },
  });
}

/** Decides anew on every queue. */
export function touchAll(turn: Turn): void {
  remaskAll(turn);
  for (const device of turn.state.devices.values()) turn.touchDevice(device, true);
}

function checkValue(kind: HintKind, { value, clear }: HintEvent): string | undefined {
  const { least, most, unit } = HINT_VALUES[kind];
  if (clear || (value >= least && value <= most)) return undefined;
  return `${kind} must be from ${String(least)} to ${String(most)}${unit}, received ${String(value)}`;
}

/** Whoever is limited gives others no higher priority than he may ask for himself. */
function describeExcess(turn: Turn, { limitedAs, value, clear }: HintEvent): string | undefined {
  if (limitedAs === undefined || clear) return undefined;
  const ceiling = ceilingOf(turn.state, limitedAs);
  if (value <= ceiling) return undefined;
  return (
    `priority ${String(value)} is above ${String(ceiling)}, the highest that the configuration's ` +
    `'limits' allow uid ${String(limitedAs.uid)}`
  );
}

/** Hints by name and label are kept for queues yet to come; queues and processes must be there. */
function describeMissing(
  { state }: Turn,
  { target: typed, clear }: HintEvent,
  { kind, target, queues }: Meant,
): string | undefined {
  const hinted = state.hints.hasAny(target);
  // What a process that lost its link was given can be changed and taken back meanwhile.
  if (!hinted && target.kind === 'queue' && queues.length === 0) {
    return `there is no queue ${target.value}`;
  }
  if (!hinted && target.kind === 'pid' && !state.clientByPid.has(target.pid)) {
    return `process ${target.value} is not registered`;
  }
  if (!clear || state.hints.has(kind, target)) return undefined;
  return `there is no ${kind} hint for '${typed}'${describeHintsInForce(state, kind, queues)}`;
}

/** Where the value of queues comes from instead, if it is the hint for another target. */
function describeHintsInForce(state: State, kind: HintKind, queues: readonly Queue[]): string {
  const targets = new Set<string>();
  for (const queue of queues) {
    const hint = state.hints.find(kind, queue);
    if (hint !== undefined) targets.add(`'${hint.target}'`);
  }
  if (targets.size === 0) return '';
  const more = targets.size - HINTS_NAMED_MAX;
  const names = [...targets].slice(0, HINTS_NAMED_MAX).join(', ');
  const rest = more > 0 ? ` and ${String(more)} more` : '';
  return `; its ${kind} comes from the hint for ${names}${rest}`;
}

/** Nothing is kept any more for a process that lost its link: its end need not be told. */
function stopWaitingFor({ state, effects }: Turn, pid: number): void {
  const absent = state.absent.get(pid);
  if (absent === undefined || state.hints.hasProcess(pid)) return;
  if (hasSlots(state, { pid, startTime: absent.startTime })) return;
  state.absent.delete(pid);
  effects.push({ type: 'forget', link: absent.link, stillWatch: false });
}

function findQueues(turn: Turn, target: Target): readonly Queue[] {
  const { state } = turn;
  const clients =
    target.kind === 'queue' || target.kind === 'pid'
      ? [state.clientByPid.get(target.pid)]
      : state.clients.values();
  const found: Queue[] = [];
  for (const client of clients) {
    for (const queue of client?.queues.values() ?? []) {
      if (matchesTarget(target, queue)) found.push(queue);
    }
  }
  return found;
}

function countQueues(queues: readonly Queue[]): string {
  return queues.length === 1 ? '1 queue' : `${String(queues.length)} queues`;
}

function controlError(
  event: { readonly controller: string; readonly request: number },
  code: number,
  message: string,
): Effect {
  return {
    type: 'reply',
    controller: event.controller,
    message: { type: 'CONTROL_ERROR', request: event.request, code, message },
  };
}
