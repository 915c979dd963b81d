/** When a program becomes known to the daemon: with its first context, see test/shim/clients/arrival.c. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runAlike } from './alike.js';
import { beSilent, FakeAgentDaemon, serveAll } from './fake-daemon.js';
import type { Behaviour } from './fake-daemon.js';
import { CLIENTS, makeEnvironment, makeStage } from './programs.js';
import type { Environment } from './programs.js';

const FORMS = ['retain', 'create_v2', 'create_v3', 'create_v4'];

/** The program at its steps. */
class Program {
  /** What it has said so far. */
  readonly lines: string[] = [];
  readonly #child;
  readonly #output;

  constructor(steps: string, env: Environment) {
    this.#child = spawn(path.join(CLIENTS, 'arrival'), steps.split(' '), {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    this.#output = createInterface({ input: this.#child.stdout });
    this.#output.on('line', (line) => this.lines.push(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it stays once more. */
  async untilItStays(): Promise<void> {
    while (this.lines.at(-1) !== 'stays') await once(this.#output, 'line');
  }

  /** Lets it go on from where it stays. */
  goOn(): void {
    this.lines.pop();
    this.#child.stdin.write('\n');
  }

  /** Lets it go on to its end. */
  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    expect(await closed).toEqual([0, null]);
  }
}

async function start(steps: string, more: Environment = {}, behave: Behaviour = serveAll) {
  const stage = makeStage();
  const daemon = await FakeAgentDaemon.start(stage.runtimeDir, behave);
  const program = new Program(steps, makeEnvironment(stage, more));
  return { daemon, program };
}

/** Runs it to its end, and what the daemon has heard is all that it will. */
async function runWhole(steps: string, more: Environment = {}) {
  const { daemon, program } = await start(steps, more);
  await program.end();
  return { daemon, lines: program.lines };
}

describe('a program that makes its first context', () => {
  it.each([...FORMS, 'green'])('by %s is known before it launches anything', async (form) => {
    const { daemon, program } = await start(`init ${form} stay launch stay`);
    await program.untilItStays();
    const { link, message } = await daemon.next('HELLO');
    expect(message).toMatchObject({ pid: program.pid });
    expect(daemon.list('REGISTER')).toEqual([]);
    program.goOn();
    await program.untilItStays();
    const registered = await daemon.next('REGISTER');
    expect(registered.link).toBe(link);
    await program.end();
    await daemon.next('BYE');
    expect(program.lines).toEqual(['init: 0', `${form}: 0`, 'launch: 0', 'stays']);
    expect(daemon.list('HELLO')).toHaveLength(1);
  });

  it.each(FORMS)('by %s is known while the driver is still at it', async (form) => {
    const slow = { XSCHED_SIM_CONTEXT_MS: '10000' };
    const { daemon, program } = await start(`init stay ${form} stay`, slow);
    await program.untilItStays();
    expect(daemon.heard).toEqual([]);
    program.goOn();
    await daemon.next('HELLO');
    expect(program.lines).toEqual(['init: 0']);
  });

  it('is not kept waiting by a daemon that says nothing', async () => {
    const { program } = await start('init retain create_v2 stay', {}, beSilent);
    await program.untilItStays();
    await program.end();
    expect(program.lines).toEqual(['init: 0', 'retain: 0', 'create_v2: 0', 'stays']);
  });

  it('and another one says nothing new', async () => {
    const { daemon, program } = await start(`init ${FORMS.join(' ')} retain stay`);
    await program.untilItStays();
    await daemon.next('HELLO');
    await program.end();
    expect(daemon.list('HELLO')).toHaveLength(1);
  });

  it('sees nothing of it', async () => {
    await runAlike('arrival', `init ${FORMS.join(' ')} launch green`.split(' '));
    await runAlike('arrival', 'init retain child retain create_v2 end launch'.split(' '));
  });
});

describe('a program stays unknown', () => {
  it('while it has no context', async () => {
    const { daemon, lines } = await runWhole('init stay');
    expect(lines).toEqual(['init: 0', 'stays']);
    expect(daemon.applicants).toEqual([]);
  });

  it('when the driver makes none for it', async () => {
    const { daemon, lines } = await runWhole('retain create_v2 init stay');
    expect(lines).toEqual(['retain: 3', 'create_v2: 3', 'init: 0', 'stays']);
    expect(daemon.applicants).toEqual([]);
  });

  it.each(FORMS)('where the shim is inert, by %s', async (form) => {
    const inert = { XSCHED_DISABLE: '1' };
    const { daemon, lines } = await runWhole(`init ${form} launch`, inert);
    expect(lines).toEqual(['init: 0', `${form}: 0`, 'launch: 0']);
    expect(daemon.applicants).toEqual([]);
  });
});

describe('a program that forks', () => {
  it('after its first context keeps its link, and the child has none', async () => {
    const { daemon, program } = await start('init retain stay child retain end launch stay');
    await program.untilItStays();
    const { link } = await daemon.next('HELLO');
    program.goOn();
    await program.untilItStays();
    expect(program.lines).toEqual(['init: 0', 'retain: 0', 'retain: 3', 'launch: 0', 'stays']);
    await daemon.next('REGISTER');
    await program.end();
    await daemon.next('BYE');
    expect(new Set(daemon.heard.map((heard) => heard.link))).toEqual(new Set([link]));
    expect(daemon.applicants).toHaveLength(1);
  });

  it('before that has its child known with its own context', async () => {
    const { daemon, program } = await start('child init retain stay end init create_v2 stay');
    await program.untilItStays();
    const child = await daemon.next('HELLO');
    expect(child.message.pid).not.toBe(program.pid);
    program.goOn();
    await program.untilItStays();
    const parent = await daemon.next('HELLO', ({ pid }) => pid === program.pid);
    expect(parent.link).not.toBe(child.link);
    await program.end();
    expect(daemon.list('HELLO')).toHaveLength(2);
  });
});
