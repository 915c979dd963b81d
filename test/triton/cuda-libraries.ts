/** Finds the two libraries that the engine `bert` of the in-process backend needs: cuBLAS and NVRTC. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

/** Absolute paths. */
export interface CudaLibraries {
  readonly cublas: string;
  readonly nvrtc: string;
}

/** Folders that a toolkit or a distribution installs them in. */
const USUAL_FOLDERS = [
  '/usr/local/cuda/lib64',
  '/usr/local/cuda/targets/x86_64-linux/lib',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
];

/** Where NVIDIA's Python packages put theirs: `nvidia/cu13/lib`, `nvidia/cublas/lib` and so on. */
const LIST_PACKAGES = `
import glob, json, os, sys
print(json.dumps(sorted({folder for base in sys.path
    for folder in glob.glob(os.path.join(glob.escape(base), 'nvidia', '*', 'lib'))})))
`;

async function listPackageFolders(python: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', LIST_PACKAGES]);
    return JSON.parse(stdout) as string[];
  } catch {
    // An interpreter that does not run has no packages either.
    return [];
  }
}

/** The library's file with the greatest number in its name, 13 before 12. */
function newest(folder: string, library: string): string | undefined {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const versions = names.flatMap((name) => {
    const number = name.startsWith(`${library}.so.`) ? name.slice(library.length + 4) : '';
    return /^\d+$/.test(number) ? [Number(number)] : [];
  });
  if (versions.length === 0) return undefined;
  return path.join(folder, `${library}.so.${String(Math.max(...versions))}`);
}

/**
 * Looks in the folders of `LD_LIBRARY_PATH`, among an interpreter's packages and where toolkits are
 * installed, in this order. Both libraries have to come from one folder, or from two of equal version.
 * @returns the libraries, or a sentence that says how to get them
 */
export async function findCudaLibraries(python: string): Promise<CudaLibraries | string> {
  const told = (process.env['LD_LIBRARY_PATH'] ?? '').split(path.delimiter).filter(Boolean);
  const folders = [...told, ...(await listPackageFolders(python)), ...USUAL_FOLDERS];
  const all = (library: string): string[] =>
    folders.flatMap((folder) => newest(folder, library) ?? []);
  for (const cublas of all('libcublas')) {
    const nvrtc = all('libnvrtc').find((file) => path.extname(file) === path.extname(cublas));
    if (nvrtc !== undefined) return { cublas, nvrtc };
  }
  return (
    'The in-process BERT-large needs cuBLAS and NVRTC (libcublas.so.12 or .13 and libnvrtc.so of the ' +
    `same number). Install them with "${python} -m pip install nvidia-cublas nvidia-cuda-nvrtc", or ` +
    'name the folder of a CUDA toolkit in LD_LIBRARY_PATH.'
  );
}
