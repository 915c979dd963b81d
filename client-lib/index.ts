/** The client library: ask the daemon what it schedules, and tell it what matters. */
export { connect, Controller } from './controller.js';
export type { ConnectOptions, PolicyState } from './controller.js';
export { AccessDeniedError, NoDaemonError, RemoteError, VersionMismatchError } from './errors.js';
export { EventStream } from './event-stream.js';
export { locateRuntimeDir } from './locate-daemon.js';
export type {
  CallInfo,
  DaemonStatus,
  EventMessage,
  HintInfo,
  QueueInfo,
} from '../protocol/generated/messages.js';
