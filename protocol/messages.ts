/**
 * The one table of messages between shims, daemon and command line.
 *
 * Everything else that knows a message is generated from here by `generate.ts`: the TypeScript
 * types and ajv schemas (`generated/messages.ts`) and the C header of the shim
 * (`generated/xsched_protocol.h`). On the wire a message is one ZeroMQ frame that holds one msgpack
 * array, `[opcode, field, field, …]`, in the order of this table. Times are nanoseconds of
 * CLOCK_MONOTONIC unless a field's text says otherwise.
 */
import { AGENT_MESSAGES } from './agent-messages.js';
import { CONTROL_MESSAGES } from './control-messages.js';
import type { MessageSpec } from './spec.js';

export { ERROR_CODES, LEVELS, LIMITS, PROTOCOL_VERSION } from './limits.js';
export { RECORDS } from './control-messages.js';
export type { Direction, Field, FieldType, MessageSpec, RecordSpec, ScalarType } from './spec.js';

/** All messages, by opcode. */
export const MESSAGES: readonly MessageSpec[] = [...AGENT_MESSAGES, ...CONTROL_MESSAGES];
