/** Records of the daemon for tests. */
import type { CallInfo, DaemonStatus, QueueInfo } from '../../../protocol/generated/messages.js';
import { PROTOCOL_VERSION } from '../../../protocol/messages.js';

export function sampleStatus(changes: Partial<DaemonStatus> = {}): DaemonStatus {
  return {
    ...{ version: '0.1.0', protocol: PROTOCOL_VERSION, pid: 4000, generation: 7 },
    ...{ uptimeMs: 192_000, runtimeDir: '/run/xsched', config: '', policy: 'HPF', enabled: true },
    ...{ clients: 2, queues: 2, ready: 1, suspended: 1, messages: 1200, refused: 3 },
    ...{ unknownCalls: 0, hints: [] },
    ...changes,
  };
}

export function sampleQueue(changes: Partial<QueueInfo> = {}): QueueInfo {
  return {
    ...{ id: '4711.1', pid: 4711, uid: 1000, name: 'serve', exe: '/usr/bin/serve' },
    ...{ command: 'serve --port 80', device: 'GPU-1', stream: 1, label: '', priority: 0 },
    ...{ version: '', instance: '' },
    ...{ source: 'default', state: 'idle', reason: '', waiting: false },
    ...{ target: 200, window: 0, latency: 200, latencyP50: 0, latencyP99: 0 },
    ...{ submitted: 0, completed: 0, readyNs: 0, waitedNs: 0, suspends: 0 },
    ...changes,
  };
}

export function sampleCalls(changes: Partial<CallInfo> = {}): CallInfo {
  return {
    ...{ pid: 4711, name: 'serve', function: 'cuLaunchKernel' },
    ...{ passed: 0, gated: 0, bypassed: 0, captured: 0, unknown: 0 },
    ...changes,
  };
}

/** A running and a suspended queue whose names are long and hold wide letters. */
export function widelyNamedQueues(): readonly QueueInfo[] {
  const name = 'a-rather-long-name-模型🚀'.repeat(3);
  const command = `/opt/models/模型/serve --port 80 ${'--option value '.repeat(20)}`;
  return [
    sampleQueue({
      ...{ id: '31763.1', pid: 31_763, name, command, priority: 10, source: 'environment' },
      ...{ state: 'running', submitted: 1_234_567, waitedNs: 12_100_000 },
    }),
    sampleQueue({
      ...{ id: '31772.1', pid: 31_772, name: 'batch', command, priority: -5, window: 8 },
      ...{ latency: 100, latencyP50: 94, latencyP99: 1180 },
      ...{ source: 'environment', state: 'suspended', submitted: 22_345, waitedNs: 1_020_000_000 },
      ...{ reason: `suspended: 31763.1 '${name}' (priority 10) is ready` },
    }),
  ];
}
