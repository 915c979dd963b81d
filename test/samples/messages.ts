/** Messages as a shim says them, for tests and benchmarks. */
import type { RegisterMessage } from '../../protocol/generated/messages.js';
import { LEVELS } from '../../protocol/messages.js';

/** A REGISTER of a queue that has nothing to do. */
export function makeRegister(fields: Partial<RegisterMessage> = {}): RegisterMessage {
  return {
    ...{ type: 'REGISTER', queue: 1, seq: 1, device: 'GPU-0', context: 1, stream: 1 },
    ...{ streamPriority: 0, label: '', modelVersion: '', instance: '', level: LEVELS.NONE },
    ...{ ready: false },
    ...fields,
  };
}
