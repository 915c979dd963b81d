/**
 * Messages to bytes and back, with every check that the table asks for.
 *
 * A decoder never trusts its input: what comes out satisfies the schema of its message, and what
 * does not is refused with a sentence that names the field, the value and the limit.
 */
import { Ajv } from 'ajv';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { Packr, Unpackr } from 'msgpackr';
import { SCHEMAS } from './generated/messages.js';
import type { AgentDown, AgentUp, ControlDown, ControlUp, Message } from './generated/messages.js';
import { ERROR_CODES, LIMITS, MESSAGES, PROTOCOL_VERSION } from './messages.js';
import type { Direction, MessageSpec } from './messages.js';

interface ByDirection {
  'agent-up': AgentUp;
  'agent-down': AgentDown;
  'control-up': ControlUp;
  'control-down': ControlDown;
}

/** Why a message was refused. `code` is one of ERROR_CODES. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  constructor(
    readonly code: number,
    message: string,
    /** The request that a control message carried, where that much could be read. */
    readonly request = 0,
  ) {
    super(message);
  }
}

// Standard msgpack only: the other end is a small decoder in C.
const OPTIONS = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const;
const packr = new Packr(OPTIONS);
const unpackr = new Unpackr(OPTIONS);

const ajv = new Ajv({ allErrors: false, strict: true, verbose: true });
ajv.addKeyword({
  keyword: 'maxBytes',
  type: 'string',
  schemaType: 'number',
  error: {
    message: (context) => `must be at most ${String(context.schema)} bytes long`,
  },
  validate: (limit: number, text: string) =>
    // Three bytes a UTF-16 unit is the worst case, so most strings need not be measured.
    text.length * 3 <= limit || Buffer.byteLength(text) <= limit,
});

const byOpcode = new Map(MESSAGES.map((spec) => [spec.opcode, spec]));
const specByName = new Map(MESSAGES.map((spec) => [spec.name, spec]));
const validators = new Map<string, ValidateFunction>();

/** Compiling all schemas takes a tenth of a second, and the command line needs two or three. */
function validatorOf(spec: MessageSpec): ValidateFunction {
  let validate = validators.get(spec.name);
  if (validate === undefined) {
    validate = ajv.compile(SCHEMAS[spec.name as Message['type']]);
    validators.set(spec.name, validate);
  }
  return validate;
}

/** Compiles the checks of one direction now, so that no message waits for it later. */
export function prepareDecoding(direction: Direction): void {
  for (const spec of MESSAGES) if (spec.direction === direction) validatorOf(spec);
}

/** Packs a message into the bytes of one frame. */
export function encodeMessage(message: Message): Buffer {
  const spec = specByName.get(message.type);
  if (spec === undefined) throw new Error(`the table has no message '${message.type}'`);
  const values = message as unknown as Readonly<Record<string, unknown>>;
  return packr.pack([spec.opcode, ...spec.fields.map((field) => values[field.name])]);
}

/**
 * Unpacks one frame that travelled in `direction`.
 * @throws {ProtocolError} MALFORMED, LIMIT, VERSION or INVALID, in a sentence fit for the sender.
 */
export function decodeMessage<D extends Direction>(
  direction: D,
  bytes: Uint8Array,
): ByDirection[D] {
  const limit = direction === 'control-down' ? LIMITS.REPLY_BYTES : LIMITS.MESSAGE_BYTES;
  if (bytes.length > limit) {
    throw new ProtocolError(
      ERROR_CODES.LIMIT,
      `a message of ${String(bytes.length)} bytes is over the limit of ${String(limit)}`,
    );
  }
  const values = unpackArray(bytes);
  const opcode = values[0];
  const spec = typeof opcode === 'number' ? byOpcode.get(opcode) : undefined;
  if (spec?.direction !== direction) {
    throw new ProtocolError(
      ERROR_CODES.MALFORMED,
      `opcode ${show(opcode)} is not one of ${direction}`,
    );
  }
  const request = spec.fields[0]?.name === 'request' && isUint32(values[1]) ? values[1] : 0;
  if (values.length !== spec.fields.length + 1) {
    refuseOtherVersion(spec, values, request);
    throw new ProtocolError(
      ERROR_CODES.MALFORMED,
      `${spec.name} has ${String(values.length - 1)} fields, expected ${String(spec.fields.length)}`,
      request,
    );
  }
  const message: Record<string, unknown> = { type: spec.name };
  spec.fields.forEach((field, index) => {
    message[field.name] = values[index + 1];
  });
  const validate = validatorOf(spec);
  if (!validate(message)) {
    refuseOtherVersion(spec, values, request);
    throw new ProtocolError(
      ERROR_CODES.INVALID,
      describe(spec.name, validate.errors?.[0]),
      request,
    );
  }
  return message as unknown as ByDirection[D];
}

function unpackArray(bytes: Uint8Array): readonly unknown[] {
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProtocolError(ERROR_CODES.MALFORMED, `not msgpack: ${reason}`);
  }
  if (!Array.isArray(value)) {
    throw new ProtocolError(ERROR_CODES.MALFORMED, `a message is an array, not ${show(value)}`);
  }
  return value;
}

/**
 * A message that cannot be read and says that it is of another version is refused for that: its
 * fields may be right in a version that this side does not know.
 */
function refuseOtherVersion(spec: MessageSpec, values: readonly unknown[], request: number): void {
  const index = spec.fields.findIndex((field) => field.name === 'version');
  const version = index < 0 ? undefined : values[index + 1];
  if (!isUint32(version) || version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    ERROR_CODES.VERSION,
    `${spec.name} speaks version ${String(version)} of the protocol, ` +
      `this side version ${String(PROTOCOL_VERSION)}`,
    request,
  );
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}

function describe(name: string, error: ErrorObject | undefined): string {
  if (error === undefined) return `${name} is invalid`;
  const field = error.instancePath.slice(1).replaceAll('/', '.');
  return `${name}.${field} ${error.message ?? 'is invalid'}, got ${show(error.data)}`;
}

/** A value cut short for a message to a person. */
function show(value: unknown): string {
  let text: string;
  try {
    text = value === undefined ? 'nothing' : JSON.stringify(value);
  } catch {
    text = typeof value;
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
