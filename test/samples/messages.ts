/** Messages as a shim says them, for tests and benchmarks. */
import type { CallsMessage, RegisterMessage } from '../../protocol/generated/messages.js';
import { LEVELS } from '../../protocol/messages.js';

/** A REGISTER of a queue that has nothing to do. */
export function makeRegister(fields: Partial<RegisterMessage> = {}): RegisterMessage {
  return {
    ...{ type: 'REGISTER', queue: 1, seq: 1, device: 'GPU-0', context: 1, stream: 1 },
    ...{ streamPriority: 0, label: '', modelVersion: '', instance: '', level: LEVELS.NONE },
    ...{ ready: false, mps: false },
    ...fields,
  };
}

/** A CALLS of a function that was not called yet. */
export function makeCalls(fields: Partial<CallsMessage> = {}): CallsMessage {
  return {
    ...{ type: 'CALLS', function: 'cuLaunchKernel' },
    ...{ passed: 0, gated: 0, bypassed: 0, captured: 0, unknown: 0 },
    ...fields,
  };
}
