/** Records of the daemon for tests. */
import type { DaemonStatus, QueueInfo } from '../../../protocol/generated/messages.js';
import { PROTOCOL_VERSION } from '../../../protocol/messages.js';

export function sampleStatus(changes: Partial<DaemonStatus> = {}): DaemonStatus {
  return {
    ...{ version: '0.1.0', protocol: PROTOCOL_VERSION, pid: 4000, generation: 7 },
    ...{ uptimeMs: 192_000, runtimeDir: '/run/xsched', config: '', policy: 'HPF', enabled: true },
    ...{ clients: 2, queues: 2, ready: 1, suspended: 1, messages: 1200, refused: 3 },
    ...changes,
  };
}

export function sampleQueue(changes: Partial<QueueInfo> = {}): QueueInfo {
  return {
    ...{ id: '4711.1', pid: 4711, uid: 1000, name: 'serve', exe: '/usr/bin/serve' },
    ...{ command: 'serve --port 80', device: 'GPU-1', stream: 1, label: '', priority: 0 },
    ...{ source: 'default', state: 'idle', reason: '', window: 0, waiting: false },
    ...{ submitted: 0, completed: 0, readyNs: 0, waitedNs: 0, suspends: 0 },
    ...changes,
  };
}
