/** Many processes at once, and processes that die. */
import { describe, expect, it } from 'vitest';
import { makeRegister } from '../../samples/messages.js';
import { makeHello } from './agent-client.js';
import { helperPath, openClient, Program, runDaemon } from './harness.js';
import type { TestDaemon } from './harness.js';

const PROCESSES = 200;

function forkAgents(daemon: TestDaemon, count: number): Program {
  const socket = `${daemon.runtimeDir}/agent.sock`;
  return new Program('python3', [helperPath('raw_agent.py'), socket, String(count)]);
}

describe(`${String(PROCESSES)} processes at once`, () => {
  it('register, are answered, and are gone at once when they die', async () => {
    const daemon = await runDaemon();
    const agents = forkAgents(daemon, PROCESSES);
    const seconds = Number((await agents.line('registered')).split(' ')[2]);
    expect(daemon.status()).toMatchObject({ clients: PROCESSES, queues: PROCESSES, refused: 0 });
    // Two seconds on an idle machine are plenty; tests share theirs.
    expect(seconds).toBeLessThan(10);
    agents.write('ready\n');
    await agents.line('answered');
    const states = daemon.queues().map((queue) => [queue.priority, queue.state]);
    // Six is the highest of the seven priorities.
    for (const [priority, state] of states) {
      expect(state).toBe(priority === 6 ? 'running' : 'suspended');
    }
    agents.write('kill\n');
    await agents.ended;
    await expect.poll(() => daemon.status().clients).toBe(0);
    expect(daemon.status()).toMatchObject({ queues: 0, suspended: 0 });
  });

  it('and as many links of one process: the newest counts', async () => {
    const daemon = await runDaemon();
    const clients = Array.from({ length: PROCESSES }, () => openClient(daemon.runtimeDir));
    for (const client of clients) client.send(makeHello());
    for (const client of clients) await client.next('WELCOME');
    expect(daemon.status()).toMatchObject({ clients: 1, refused: 0 });
  });
});

describe('a process of a higher priority', () => {
  it('suspends the others while it has work, and resumes them by dying', async () => {
    const daemon = await runDaemon();
    const low = openClient(daemon.runtimeDir);
    low.send(makeHello({ hasPriority: true, priority: -1 }));
    low.send(makeRegister({ device: 'GPU-raw', ready: true }));
    expect(await low.next('PERMIT')).toMatchObject({ window: 0, notify: false });
    const high = forkAgents(daemon, 1);
    await high.line('registered');
    // Somebody outranks it now, though he has no work yet.
    expect(await low.next('PERMIT')).toMatchObject({ seq: 2, window: 8 });
    high.write('ready\n');
    await high.line('answered');
    expect(await low.next('SUSPEND')).toMatchObject({ seq: 3, window: 8 });
    expect(daemon.queues().find((queue) => queue.pid === process.pid)?.reason).toMatch(
      /^suspended: \d+\.1 'raw_agent' \(priority 0\) is ready$/,
    );
    high.write('kill\n');
    expect(await low.next('PERMIT')).toMatchObject({ seq: 4, window: 0 });
  });

  it('loses its precedence when it falls silent with work to do', async () => {
    const daemon = await runDaemon({ yaml: 'silent_ms: 1000' });
    const low = openClient(daemon.runtimeDir);
    low.send(makeHello({ hasPriority: true, priority: -1 }));
    low.send(makeRegister({ device: 'GPU-raw' }));
    await low.next('PERMIT');
    const high = forkAgents(daemon, 1);
    await high.line('registered');
    high.write('ready\n');
    await low.next('SUSPEND');
    expect(await low.next('PERMIT')).toMatchObject({ window: 8 });
    expect(daemon.queues().find((queue) => queue.pid !== process.pid)).toMatchObject({
      state: 'stalled',
      reason: expect.stringMatching(/^stalled: it said nothing for 1\.\d s$/) as string,
    });
    expect(daemon.logged.at(-1)).toMatch(
      /^warn process \d+ 'raw_agent' has work but said nothing for 1000 ms: it holds nobody back/,
    );
  });
});
