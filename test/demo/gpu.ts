/** Which GPU the demo runs on: the machine's own where there is one, else the simulated one. */
import path from 'node:path';
import { LIMITS } from '../../protocol/limits.js';
import type { Children } from './children.js';
import { probeDevice } from './load-program.js';
import { LOAD_PROGRAM, SIMULATED_GPU_DIR } from './paths.js';

export type GpuChoice = 'auto' | 'real' | 'sim';

export interface Gpu {
  readonly kind: 'real' | 'sim';
  /** What its driver calls it. */
  readonly name: string;
  /** The CUDA version of its driver: 1000 * major + 10 * minor. */
  readonly cudaVersion: number;
  /** Nanoseconds of this machine for one nanosecond of the device; 1 on a real one. */
  readonly scale: number;
  /** Environment of every program that is to use it. */
  readonly env: NodeJS.ProcessEnv;
  /** Why no real GPU was taken, if none was. */
  readonly reason?: string;
}

export interface GpuRequest {
  readonly choice: GpuChoice;
  /** Clock of the simulated GPU. */
  readonly scale: number;
  /** Folder for the simulated GPU's device file. */
  readonly scratchDir: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Finds the GPU; throws an Error where the one that was asked for cannot be used. */
export async function chooseGpu(children: Children, request: GpuRequest): Promise<Gpu> {
  if (request.choice === 'sim') return useSimulated(children, request, 'asked for');
  const device = await probeDevice(children, LOAD_PROGRAM, request.env);
  if (typeof device !== 'string') {
    const { name, driverVersion: cudaVersion } = device;
    return { kind: 'real', name, cudaVersion, scale: 1, env: request.env };
  }
  if (request.choice === 'real') throw new Error(`There is no GPU to use. ${device}`);
  return useSimulated(children, request, 'this machine shows no NVIDIA GPU');
}

async function useSimulated(
  children: Children,
  { scale, scratchDir, env }: GpuRequest,
  reason: string,
): Promise<Gpu> {
  const searched = [SIMULATED_GPU_DIR, env['LD_LIBRARY_PATH']].filter(Boolean);
  const simulatedEnv = {
    ...env,
    LD_LIBRARY_PATH: searched.join(path.delimiter),
    XSCHED_SIM_DIR: scratchDir,
    ...slowClock(scale),
  };
  const device = await probeDevice(children, LOAD_PROGRAM, simulatedEnv);
  if (typeof device === 'string') throw new Error(`The simulated GPU does not work. ${device}`);
  const { name, driverVersion: cudaVersion } = device;
  return { kind: 'sim', name, cudaVersion, scale, env: simulatedEnv, reason };
}

/**
 * What the programs on a simulated GPU are told of its clock: so many nanoseconds pass for one of the
 * GPU's. What a window may hold is time of the GPU too.
 */
export function slowClock(scale: number): Record<string, string> {
  return {
    XSCHED_SIM_SCALE: String(scale),
    XSCHED_PREEMPT_LATENCY_US: String(LIMITS.LATENCY_US * scale),
  };
}
