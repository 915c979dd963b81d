/** What happens to the core, and what it wants to be done. */
import type { AgentDown, AgentUp, ControlDown } from '../../protocol/generated/messages.js';
import type { BoardChange, SlotProcess } from './board.js';
import type { ClientIdentity } from './state.js';

/** Something that happened. */
export type Event =
  /** A client said HELLO, and is who it says. */
  | { readonly type: 'hello'; readonly client: ClientIdentity }
  /** Any other message of a client that said HELLO. */
  | {
      readonly type: 'message';
      readonly link: string;
      readonly message: Exclude<AgentUp, { type: 'HELLO' }>;
    }
  /** The link is no more. */
  | {
      readonly type: 'gone';
      readonly link: string;
      readonly cause: string;
      /** Whether its process is no more either; else it may come back with another link. */
      readonly ended: boolean;
    }
  /** Which slots of the board's devices have work, by UUID: with each beat while one has, and when none has any more. */
  | { readonly type: 'bits'; readonly bits: ReadonlyMap<string, bigint> }
  /** A process with slots on the board has ended that no link is of. */
  | { readonly type: 'vacated'; readonly process: SlotProcess }
  | { readonly type: 'timer'; readonly key: string; readonly dueAt: number }
  | {
      readonly type: 'hint';
      readonly controller: string;
      readonly request: number;
      readonly target: string;
      readonly hint: string;
      readonly value: number;
      readonly clear: boolean;
      /** Whose ceiling holds for the value; undefined for those who may give any. */
      readonly limitedAs: Pick<ClientIdentity, 'uid' | 'gids'> | undefined;
    }
  | {
      readonly type: 'policy';
      readonly controller: string;
      readonly request: number;
      /** Empty to ask. */
      readonly name: string;
    }
  | {
      readonly type: 'enable';
      readonly controller: string;
      readonly request: number;
      readonly enabled: boolean;
    }
  /** Time has passed. `closed`: clients that have been quiet for long are asked whether their links are there. */
  | { readonly type: 'probe'; readonly closed: boolean }
  /** Whether anybody wants a report of each suspension. */
  | { readonly type: 'observe'; readonly on: boolean }
  /** The daemon begins. */
  | { readonly type: 'begin' }
  /** The daemon ends. */
  | { readonly type: 'leave' };

/** The kinds of EVENT messages. */
export type ReportKind =
  | 'registered'
  | 'gone'
  | 'model'
  | 'suspended'
  | 'resumed'
  | 'hint'
  | 'policy'
  | 'enabled'
  | 'stalled'
  | 'unknown-call';

/** Something to be done, in the order of the list. */
export type Effect =
  | { readonly type: 'send'; readonly link: string; readonly message: AgentDown }
  | { readonly type: 'board'; readonly change: BoardChange }
  /** The link is served no more. */
  | {
      readonly type: 'forget';
      readonly link: string;
      /** The end of its process is still to be told, by `gone`. */
      readonly stillWatch: boolean;
    }
  | { readonly type: 'reply'; readonly controller: string; readonly message: ControlDown }
  /** Replaces the timer of that key; its event comes at `at` or later. */
  | { readonly type: 'setTimer'; readonly key: string; readonly at: number }
  | { readonly type: 'clearTimer'; readonly key: string }
  /** For the log and for whoever subscribed. */
  | {
      readonly type: 'report';
      readonly kind: ReportKind;
      readonly level: 'debug' | 'info' | 'warn';
      readonly id: string;
      readonly text: string;
    };
