/** Where programs run: a driver, a folder of the suite's own, a daemon and a competitor. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from 'winston';
import { connect } from '../../client-lib/index.js';
import type { Controller } from '../../client-lib/index.js';
import { parseConfig } from '../../daemon/config/load.js';
import { startDaemon } from '../../daemon/daemon.js';
import type { Daemon } from '../../daemon/daemon.js';
import { bareEnvironment } from '../demo/environment.js';
import { ROOT, SIMULATED_GPU_DIR } from '../demo/paths.js';
import { Program } from '../e2e/behaviour/program.js';
import type { Outcome } from './compare.js';
import type { Mode } from './modes.js';
import { ownCommand, RIVAL } from './programs.js';
import type { Command } from './programs.js';

const BUILD = path.join(ROOT, 'build');
const SHIM = path.join(BUILD, 'shim', 'libxsched_shim.so');
/** The competitor's priority is 0; the program's own is drawn from as far below and above. */
const SPREAD = 10;
const LONGEST_PAUSE_MS = 8;

type Environment = Readonly<Record<string, string>>;

/** Which driver the programs find: the simulated GPU's, the machine's own, or a folder's. */
export function driverEnvironment(driver: string, folder: string): Readonly<NodeJS.ProcessEnv> {
  if (driver === 'system') return {};
  if (driver !== 'sim') return { LD_LIBRARY_PATH: path.resolve(driver) };
  const gpu = path.join(folder, 'gpu');
  return {
    ...{ LD_LIBRARY_PATH: SIMULATED_GPU_DIR, XSCHED_SIM_DIR: gpu, XSCHED_SIM_DEVICES: '2' },
    // Whichever of its own GPUs the machine's owner has chosen.
    CUDA_VISIBLE_DEVICES: undefined,
  };
}

export class Stage {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-conformance-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #programs = new Set<Program>();
  readonly #killAll = () => {
    for (const program of this.#programs) program.killNow();
  };
  #daemon: Daemon | undefined;
  #control: Controller | undefined;

  /** @param isSerial programs leave out what needs two things at once on the device */
  constructor(
    driver: string,
    private readonly limitMs: number,
    isSerial: boolean,
  ) {
    this.#env = bareEnvironment({
      ...driverEnvironment(driver, this.#folder),
      ...(isSerial && { CONFORMANCE_SERIAL: '1' }),
    });
    process.once('exit', this.#killAll);
  }

  get #runtimeDir(): string {
    return path.join(this.#folder, 'run');
  }

  /** With all that it starts, so that nothing of a program that hangs is left behind. */
  #start({ name, argv }: Command, args: readonly string[], env: Environment): Program {
    const all = { ...this.#env, ...env };
    const program = new Program(name, [...argv, ...args], all, { isGroup: true });
    this.#programs.add(program);
    return program;
  }

  /** What a mode adds to the environment of a program. */
  #modeEnvironment(program: string, mode: Mode): Environment {
    if (!mode.shim) return {};
    // A name for each mode: a priority that was given to it in one mode holds in no other.
    const name = `${program}-${mode.name}`;
    const runtimeDir = mode.daemon === 'none' ? path.join(this.#folder, 'none') : this.#runtimeDir;
    return {
      LD_PRELOAD: SHIM,
      XSCHED_NAME: name,
      XSCHED_RUNTIME_DIR: runtimeDir,
      ...mode.env,
    };
  }

  /** Runs a program to its end, or to the end of its time. */
  async run(program: Command, mode: Mode, settings: Environment = {}): Promise<Outcome> {
    if (mode.daemon !== 'none') await this.#needDaemon();
    const env = { ...this.#modeEnvironment(program.name, mode), ...settings };
    const argv = [...(mode.wrapper ?? []), ...program.argv] as [string, ...string[]];
    return this.#outcomeOf(this.#start({ ...program, argv }, [], env));
  }

  async #outcomeOf(running: Program): Promise<Outcome> {
    running.dismiss();
    const hung = await running.end(this.limitMs).then(
      () => false,
      (error: unknown) => {
        if (running.isOver) throw error;
        return true;
      },
    );
    if (hung) await running.kill();
    const { code, signal, stdout } = await running.end(this.limitMs);
    return { code, signal, hung, lines: stdout, stderr: running.stderr };
  }

  /**
   * The same while the program's priority changes all the time and a competitor of priority 0 works.
   * @returns the outcome, and how often a queue of the program was suspended
   */
  async runDisturbed(
    program: Command,
    mode: Mode,
    settings: Environment,
    random: () => number,
  ): Promise<{ readonly outcome: Outcome; readonly suspends: number }> {
    const control = await this.#needDaemon();
    const rival = await this.#startRival(mode, random() % 1_000_000);
    const target = `${program.name}-${mode.name}`;
    try {
      const progress = { isOver: false };
      await control.setPriority(`name=${target}`, -SPREAD);
      const running = this.run(program, mode, settings).finally(() => (progress.isOver = true));
      const suspends = new Map<string, number>();
      while (!progress.isOver) {
        const priority = (random() % (2 * SPREAD + 1)) - SPREAD;
        await control.setPriority(`name=${target}`, priority);
        for (const queue of await control.list())
          if (queue.name === target) suspends.set(queue.id, queue.suspends);
        await delay(random() % LONGEST_PAUSE_MS);
        if (rival.isOver) throw new Error(`the competitor ended: ${rival.words()}`);
      }
      const total = [...suspends.values()].reduce((sum, count) => sum + count, 0);
      return { outcome: await running, suspends: total };
    } finally {
      rival.dismiss();
      await rival.end(this.limitMs).catch(() => rival.kill());
    }
  }

  async #startRival(mode: Mode, seed: number): Promise<Program> {
    const env = { ...this.#modeEnvironment(RIVAL, mode), XSCHED_PRIORITY: '0' };
    const rival = this.#start(ownCommand(RIVAL), [String(seed)], env);
    await rival.says('ready');
    return rival;
  }

  /** One daemon for all; it and its link begin with the first program that needs them. */
  async #needDaemon(): Promise<Controller> {
    if (this.#control !== undefined) return this.#control;
    this.#daemon = await startDaemon({
      runtimeDir: this.#runtimeDir,
      config: parseConfig('', 'default'),
      log: createLogger({ silent: true }),
    });
    this.#control = await connect({ runtimeDir: this.#runtimeDir, timeoutMs: 20_000 });
    return this.#control;
  }

  /** Ends the daemon and removes the folder. */
  async close(): Promise<void> {
    process.off('exit', this.#killAll);
    this.#killAll();
    await this.#control?.close();
    await this.#daemon?.stop();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
