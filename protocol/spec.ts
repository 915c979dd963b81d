/** What a row of the table of messages is made of. */

export type ScalarType = 'u8' | 'u32' | 'u64' | 'i32' | 'bool';

/** A field of a message or of a record. `max` of a string is its limit in bytes. */
export type FieldType =
  | { readonly type: ScalarType; readonly min?: number; readonly max?: number }
  | { readonly type: 'str'; readonly max: number }
  | { readonly type: 'list'; readonly of: string; readonly max: number }
  | { readonly type: 'strings'; readonly max: number; readonly maxLength: number }
  | { readonly type: 'record'; readonly of: string };

export type Field = FieldType & { readonly name: string; readonly doc: string };

/** Who sends it: a shim to the daemon, the daemon to a shim, a controller, or the daemon to one. */
export type Direction = 'agent-up' | 'agent-down' | 'control-up' | 'control-down';

export interface MessageSpec {
  readonly name: string;
  readonly opcode: number;
  readonly direction: Direction;
  readonly doc: string;
  readonly fields: readonly Field[];
}

export interface RecordSpec {
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly Field[];
}
