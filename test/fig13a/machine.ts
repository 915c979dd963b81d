/** The machine that the figures are of. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Gpu } from '../demo/gpu.js';

export interface Processor {
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
}

export interface Machine extends Processor {
  readonly gpu: string;
  readonly gpuKind: 'real' | 'sim';
  /** Milliseconds of this machine for one of the GPU: above 1 on a slowed simulated one. */
  readonly scale: number;
  /** Of the kernel module, such as 570.133.20; null where there is none. */
  readonly driverVersion: string | null;
  /** CUDA version of the driver: 1000 * major + 10 * minor. */
  readonly cudaVersion: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
}

/** The version that the NVIDIA kernel module states, if there is one. */
function readDriverVersion(): string | null {
  try {
    const text = readFileSync('/proc/driver/nvidia/version', 'utf8');
    return /^NVRM version:.*?\s(\d+\.\d[\d.]*)\s/m.exec(text)?.[1] ?? null;
  } catch {
    // No module: a simulated GPU.
    return null;
  }
}

/** Describes what this machine computes with beside a GPU. */
export function describeProcessor(): Processor {
  return { cpu: os.cpus()[0]?.model.trim() ?? 'unknown', cores: os.availableParallelism() };
}

/** Describes this machine with the GPU that is used. */
export function describeMachine(gpu: Gpu): Machine {
  return {
    gpu: gpu.name,
    gpuKind: gpu.kind,
    scale: gpu.scale,
    driverVersion: gpu.kind === 'real' ? readDriverVersion() : null,
    cudaVersion: gpu.cudaVersion,
    ...describeProcessor(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.versions.node,
  };
}
