/** The ledger: what each client has called the driver for, by function. */
import type { CallsMessage } from '../../protocol/generated/messages.js';
import { LIMITS } from '../../protocol/messages.js';
import type { Turn } from './decide.js';
import type { Calls, Client, State } from './state.js';

/** Functions of all clients together: as many as a CALLS_REPLY may carry. */
const FUNCTIONS_MAX = 65536;
/** Who has too many functions says so every CALLS_MS, and is told this often, in milliseconds. */
const REFUSED_MS = 60_000;

const NOTHING: Calls = { passed: 0, gated: 0, bypassed: 0, captured: 0, unknown: 0 };

/**
 * A client says all that it has called one function for.
 * @returns why it is refused, or undefined if it is not, or was told of late.
 */
export function takeCalls(turn: Turn, client: Client, message: CallsMessage): string | undefined {
  const { state } = turn;
  const known = client.calls.get(message.function);
  if (known === undefined) {
    const excess = describeExcess(state, client);
    if (excess !== undefined) return refuseFunction(turn, client, message.function, excess);
    state.functionCount++;
  }
  const before = known ?? NOTHING;
  // Calls are never taken back: who says so lies, and would raise the same alarm again and again.
  const after: Calls = {
    passed: Math.max(before.passed, message.passed),
    gated: Math.max(before.gated, message.gated),
    bypassed: Math.max(before.bypassed, message.bypassed),
    captured: Math.max(before.captured, message.captured),
    unknown: Math.max(before.unknown, message.unknown),
  };
  client.calls.set(message.function, after);
  client.unknownCalls += after.unknown - before.unknown;
  if (before.unknown === 0 && after.unknown > 0) {
    const what = `calls ${message.function}, which this version of the shim does not know`;
    warn(turn, client, `${what}: it may launch work that nobody schedules`);
  }
  return undefined;
}

/** The client is gone, and with it what it called. */
export function forgetCalls(state: State, client: Client): void {
  state.functionCount -= client.calls.size;
  client.calls.clear();
  client.unknownCalls = 0;
}

function describeExcess(state: State, client: Client): string | undefined {
  if (client.calls.size >= LIMITS.FUNCTIONS) {
    return `a process tells of at most ${String(LIMITS.FUNCTIONS)} functions`;
  }
  if (state.functionCount < FUNCTIONS_MAX) return undefined;
  return `the daemon counts at most ${String(FUNCTIONS_MAX)} functions of all processes`;
}

/** What is not counted raises no alarm any more, and that must not pass unseen. */
function refuseFunction(
  turn: Turn,
  client: Client,
  name: string,
  excess: string,
): string | undefined {
  // Its program's log shows every complaint.
  if (turn.now - client.callsRefusedAt < REFUSED_MS) return undefined;
  client.callsRefusedAt = turn.now;
  warn(turn, client, `calls ${name}, which is not counted: ${excess}`);
  return `function '${name}' is refused: ${excess}`;
}

function warn(turn: Turn, { pid, name }: Client, what: string): void {
  turn.later({
    type: 'report',
    kind: 'unknown-call',
    level: 'warn',
    id: String(pid),
    text: `process ${String(pid)} '${name}' ${what}`,
  });
}
