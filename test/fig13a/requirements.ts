/** What the measurement needs of this machine, checked before anything is started. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../demo/paths.js';
import type { CudaLibraries } from '../triton/cuda-libraries.js';
import type { Installation } from '../triton/installation.js';
import { MPS_PROGRAM } from './mps.js';
import type { Options } from './options.js';

/** What is going to be measured. */
export interface Plan {
  readonly options: Pick<Options, 'backend' | 'mps'>;
  readonly engine: 'bert' | 'chain';
  readonly installation: Installation;
  /** cuBLAS and NVRTC, how to get them, or null where they are not needed. */
  readonly libraries: CudaLibraries | string | null;
}

interface Requirement {
  /** Whether this plan needs it. */
  readonly isNeeded: (plan: Plan) => boolean;
  /** What is missing and how to get it, in sentences; null if nothing is. */
  readonly findMissing: (plan: Plan) => string | null;
}

const BACKEND = path.join(ROOT, 'build', 'triton', 'backends', 'bert', 'libtriton_bert.so');

const REQUIREMENTS: readonly Requirement[] = [
  {
    isNeeded: ({ options }) => options.backend === 'cpp',
    findMissing: () =>
      existsSync(BACKEND) ? null : `${BACKEND} is not built. Build it: npm run build`,
  },
  {
    isNeeded: ({ libraries }) => libraries !== null,
    findMissing: ({ libraries }) => (typeof libraries === 'string' ? libraries : null),
  },
  {
    isNeeded: ({ options, engine }) => options.backend === 'python' && engine === 'bert',
    findMissing: ({ installation }) => findMissingTorch(installation),
  },
  {
    isNeeded: ({ options }) => options.mps,
    findMissing: () =>
      isOnPath(MPS_PROGRAM)
        ? null
        : `--mps needs ${MPS_PROGRAM}, which is not on the PATH. It comes with the NVIDIA driver ` +
          '(on Debian: nvidia-cuda-mps, on Ubuntu: nvidia-compute-utils of the version of the driver).',
  },
];

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter(Boolean);
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function findMissingTorch({ python, site }: Installation): string | null {
  const script = `import sys; sys.path.insert(0, ${JSON.stringify(site)}); import torch`;
  try {
    execFileSync(python, ['-c', script], { stdio: 'pipe' });
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message.trim().split('\n').at(-1) : '';
    return (
      `The Python backend's BERT needs PyTorch in ${python}, which does not import it (${said ?? ''}). ` +
      'Install it there (pip install torch), or name another Python with XSCHED_TEST_PYTHON.'
    );
  }
}

/** Throws an Error that lists everything that is missing. */
export function checkRequirements(plan: Plan): void {
  const missing = REQUIREMENTS.filter(({ isNeeded }) => isNeeded(plan)).flatMap(
    ({ findMissing }) => findMissing(plan) ?? [],
  );
  if (missing.length > 0) throw new Error(missing.join('\n'));
}
