/** Made-up headers and shims in a folder of their own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readToolkit, type Toolkit } from '../../cuda-headers/headers.js';

/** Files in a temporary folder. */
export class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'xsched-headers-'));

  /** Writes files by their names. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(path.join(this.path, name), text);
    }
  }

  /** Writes a `cuda.h` and reads it. */
  toolkit(version: string, text: string): Toolkit {
    const name = `cuda-${version}.h`;
    this.write({ [name]: text });
    return readToolkit(version, path.join(this.path, name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** What headers begin with: types as the driver's own header has them, and a few more. */
export const TYPES = `
#include <stddef.h>
typedef enum cudaError_enum { CUDA_SUCCESS = 0, CUDA_ERROR_NOT_READY = 600 } CUresult;
typedef unsigned long long CUdeviceptr;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraphNode_st *CUgraphNode;
#define CU_STREAM_LEGACY ((CUstream)0x1)
`;
