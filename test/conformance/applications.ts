/**
 * Whole applications: PyTorch, JAX, CuPy, Triton kernels and the CUDA runtime. What the machine lacks
 * is left out, with the reason.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../demo/paths.js';
import type { Command } from './programs.js';

const FOLDER = path.join(ROOT, 'test', 'conformance', 'gpu');
const PROBE_MS = 120_000;
const COMPILE_MS = 300_000;

/** One application as it is in the list. */
interface Application {
  readonly name: string;
  readonly script: string;
  /** A statement of Python that fails where the application cannot run. */
  readonly needs: string;
  /** Processes, each with a device of its own. */
  readonly processes?: number;
}

const TORCH = 'import torch; assert torch.cuda.is_available(), "torch sees no GPU"';
const APPLICATIONS: readonly Application[] = [
  { name: 'torch_eager', script: 'torch_eager.py', needs: TORCH },
  { name: 'torch_streams', script: 'torch_streams.py', needs: TORCH },
  { name: 'torch_compile', script: 'torch_compile.py', needs: `import triton; ${TORCH}` },
  { name: 'torch_loader', script: 'torch_loader.py', needs: TORCH },
  {
    name: 'torch_fsdp',
    script: 'torch_fsdp.py',
    needs: `${TORCH}; assert torch.cuda.device_count() > 1, "there is one GPU"`,
    processes: 2,
  },
  { name: 'cupy', script: 'cupy_program.py', needs: 'import cupy' },
  { name: 'jax', script: 'jax_program.py', needs: 'import jax; jax.devices("gpu")' },
];

/** Applications that can run here, and why others cannot. */
export interface Applications {
  readonly commands: readonly Command[];
  readonly missing: readonly string[];
}

/** The last line of what a program said, for a sentence. */
function lastLine(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  return (stderr.trim() || message).split('\n').at(-1) ?? message;
}

async function run(file: string, args: readonly string[], timeout: number): Promise<string> {
  const { stdout } = await promisify(execFile)(file, [...args], { timeout });
  return stdout;
}

function makeCommand(python: string, { name, script, processes }: Application): Command {
  const file = path.join(FOLDER, script);
  if (processes === undefined) return { name, argv: [python, file] };
  const launcher = ['-m', 'torch.distributed.run', '--standalone'];
  return { name, argv: [python, ...launcher, `--nproc-per-node=${processes}`, file] };
}

type IsWanted = (name: string) => boolean;

/** The same program linked with the CUDA runtime in both ways. */
async function compileRuntime(folder: string, isWanted: IsWanted): Promise<Applications> {
  const commands: Command[] = [];
  const missing: string[] = [];
  const nvcc = process.env['NVCC'] ?? 'nvcc';
  for (const kind of ['static', 'shared']) {
    const name = `cudart_${kind}`;
    if (!isWanted(name)) continue;
    const target = path.join(folder, name);
    const source = path.join(FOLDER, 'cudart_program.cu');
    try {
      await run(nvcc, ['-O2', '-cudart', kind, '-o', target, source], COMPILE_MS);
      commands.push({ name, argv: [target] });
    } catch (error) {
      missing.push(`${name}: ${lastLine(error)}`);
    }
  }
  return { commands, missing };
}

/**
 * Finds out which applications run here; `XSCHED_TEST_PYTHON` names the interpreter (python3) and
 * `NVCC` the compiler (nvcc).
 * @param folder where programs are compiled to
 * @param isWanted tells by its name whether an application is looked for at all
 */
export async function findApplications(folder: string, isWanted: IsWanted): Promise<Applications> {
  const python = process.env['XSCHED_TEST_PYTHON'] ?? 'python3';
  const runtime = await compileRuntime(folder, isWanted);
  const commands = [...runtime.commands];
  const missing = [...runtime.missing];
  for (const application of APPLICATIONS.filter(({ name }) => isWanted(name))) {
    try {
      await run(python, ['-c', application.needs], PROBE_MS);
      commands.push(makeCommand(python, application));
    } catch (error) {
      missing.push(`${application.name}: ${lastLine(error)}`);
    }
  }
  return { commands, missing };
}
