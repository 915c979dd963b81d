/** What of a shim's declarations is not as a header has it, with both made up. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agree, findDisagreements, findUncompared } from '../../cuda-headers/agreement.js';
import { readShim } from '../../cuda-headers/declarations.js';
import { Folder, TYPES } from './fixtures.js';

const HEADER = `${TYPES}
typedef struct CUconfig_st { unsigned gridDimX; CUstream hStream; void *attrs; } CUconfig;
CUresult cuSubmit(CUdeviceptr to, const CUconfig *config, size_t bytes, CUstream hStream);
CUresult cuWait(CUstream hStream, CUevent hEvent, unsigned flags);
CUresult cuAsk(CUstream hStream, int *status);
`;

const SHIM = {
  'cuda_abi.h': `
#include <stddef.h>
typedef int CUresult;
typedef unsigned long long CUdeviceptr;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_NOT_READY = 600, /* a comment */
};
#define CU_STREAM_LEGACY ((CUstream)0x1)
typedef struct {
    unsigned int gridDimX;
    CUstream hStream;
    void *attrs;
} CUconfig;
`,
  'resolve.h': `
#include "cuda_abi.h"
struct driver_calls {
    CUresult (*cuAsk)(CUstream stream, int *status);
};
`,
  'hooks_all.c': `
#include "resolve.h"
#define REAL(function, parameters) \\
    CUresult(*real) parameters = (CUresult(*) parameters)hook_get(HOOK_##function);
#define HOOK(function, parameters, arguments) \\
    CUresult function parameters; \\
    CUresult function parameters { \\
        REAL(function, parameters); \\
        return real arguments; \\
    }
HOOK(cuSubmit, (CUdeviceptr to, const CUconfig *config, size_t bytes, CUstream stream),
     (to, config, bytes, stream))
CUresult cuWait(CUstream stream, CUevent event, unsigned flags);
CUresult cuWait(CUstream stream, CUevent event, unsigned flags) {
    REAL(cuWait, (CUstream, CUevent, unsigned));
    return real(stream, event, flags);
}
`,
};

let folder: Folder;
beforeEach(() => (folder = new Folder()));
afterEach(() => folder.remove());

type Edit = readonly [file: keyof typeof SHIM, text: string, replacement: string];

/** What disagrees with the header when texts in the shim's files are replaced. */
function compare(...edits: readonly Edit[]): string[] {
  const files = { ...SHIM };
  for (const [file, text, replacement] of edits) {
    expect(files[file]).toContain(text);
    files[file] = files[file].replaceAll(text, replacement);
  }
  folder.write(files);
  return findDisagreements([folder.toolkit('1.0', HEADER)], readShim(folder.path));
}

/** A problem with one function, told of the wrapper and of its call to the driver. */
function twice(name: string, problem: string): string[] {
  const places = ['hooks_all.c', 'hooks_all.c, where it is called'];
  return places.map((place) => `CUDA 1.0: ${name} in ${place}${problem}`);
}

describe('our declarations', () => {
  it('are found with all their parts', () => {
    folder.write(SHIM);
    const { functions, layouts, constants } = readShim(folder.path);
    expect(functions.map(({ name, place }) => `${name}: ${place}`).sort()).toEqual([
      'cuAsk: struct driver_calls',
      'cuSubmit: hooks_all.c',
      'cuSubmit: hooks_all.c, where it is called',
      'cuWait: hooks_all.c',
      'cuWait: hooks_all.c, where it is called',
    ]);
    expect(layouts).toEqual([{ name: 'CUconfig', fields: ['gridDimX', 'hStream', 'attrs'] }]);
    expect([...constants].sort()).toEqual([
      'CUDA_ERROR_NOT_READY',
      'CUDA_SUCCESS',
      'CU_STREAM_LEGACY',
    ]);
  });

  it('may hide what pointers point to', () => {
    expect(compare(['hooks_all.c', 'const CUconfig *config', 'void *any'])).toEqual([]);
  });

  it('have as many parameters', () => {
    expect(
      compare(
        ['hooks_all.c', ', size_t bytes', ''],
        ['hooks_all.c', 'unsigned flags', 'unsigned flags, void *more'],
      ),
    ).toEqual([
      "CUDA 1.0: cuSubmit in hooks_all.c has 3 parameters, the header's 4",
      "CUDA 1.0: cuWait in hooks_all.c has 4 parameters, the header's 3",
      "CUDA 1.0: cuSubmit in hooks_all.c, where it is called has 3 parameters, the header's 4",
    ]);
  });

  it('have parameters of the same kinds and sizes', () => {
    const handles = 'CUstream stream, CUevent event';
    expect(
      compare(
        ['hooks_all.c', 'CUdeviceptr to, const CUconfig *config', 'void *to, CUdeviceptr config'],
        ['hooks_all.c', 'size_t bytes', 'unsigned bytes'],
        ['hooks_all.c', handles, 'CUevent event, CUstream stream'],
        ['hooks_all.c', 'CUevent, unsigned)', 'CUevent, double)'],
        ['resolve.h', 'int *status', 'size_t *status'],
      ).sort(),
    ).toEqual(
      [
        ...twice('cuSubmit', ": parameter 1 is pointer:8:?, the header's integer:8"),
        ...twice('cuSubmit', ": parameter 2 is integer:8, the header's pointer:8:aggregate"),
        ...twice('cuSubmit', ": parameter 3 is integer:4, the header's integer:8"),
        "CUDA 1.0: cuWait in hooks_all.c: parameter 1 is pointer:8:handle CUevent_st, the header's pointer:8:handle CUstream_st",
        "CUDA 1.0: cuWait in hooks_all.c: parameter 2 is pointer:8:handle CUstream_st, the header's pointer:8:handle CUevent_st",
        "CUDA 1.0: cuWait in hooks_all.c, where it is called: parameter 3 is floating:8, the header's integer:4",
        "CUDA 1.0: cuAsk in struct driver_calls: parameter 2 is pointer:8:integer:8, the header's pointer:8:integer:4",
      ].sort(),
    );
  });

  it('have the same results, fields and constants', () => {
    expect(
      compare(
        ['cuda_abi.h', 'typedef int CUresult', 'typedef long CUresult'],
        ['cuda_abi.h', 'unsigned int gridDimX', 'unsigned int gridDimX, gridDimQ, gridDimR'],
        ['cuda_abi.h', '= 600', '= 601'],
        ['cuda_abi.h', '0x1', '0x2'],
      ).filter((problem) => !/cuSubmit|cuWait/.test(problem)),
    ).toEqual([
      "CUDA 1.0: cuAsk in struct driver_calls: the result is integer:8, the header's integer:4",
      "CUDA 1.0: CUconfig.gridDimQ is no field of the header's",
      "CUDA 1.0: CUconfig.gridDimR is no field of the header's",
      "CUDA 1.0: CUconfig.hStream is pointer:8:handle CUstream_st at 16, the header's pointer:8:handle CUstream_st at 8",
      "CUDA 1.0: CUconfig.attrs is pointer:8:? at 24, the header's pointer:8:? at 16",
      "CUDA 1.0: CUconfig has 32 bytes, the header's 24",
      "CUDA 1.0: CU_STREAM_LEGACY is 2, the header's 1",
      "CUDA 1.0: CUDA_ERROR_NOT_READY is 601, the header's 600",
    ]);
  });

  it('are compared with the headers that have them, and with one at least', () => {
    folder.write(SHIM);
    const ours = readShim(folder.path);
    const without = HEADER.replace(/.*CUconfig.*\n/g, '').replace(
      ', CUDA_ERROR_NOT_READY = 600',
      '',
    );
    const old = folder.toolkit('0.9', without);
    const recent = folder.toolkit('1.0', HEADER);
    expect(findDisagreements([old, recent], ours)).toEqual([]);
    expect(findUncompared([old, recent], ours)).toEqual([]);
    expect(findUncompared([old], ours)).toEqual([
      'cuSubmit in hooks_all.c',
      'cuSubmit in hooks_all.c, where it is called',
      'CUconfig',
      'CUDA_ERROR_NOT_READY',
    ]);
  });
});

describe('what pointers point to', () => {
  it('matters where both sides say it', () => {
    const alike = [
      ['pointer:8:?', 'pointer:8:integer:4'],
      ['pointer:8:handle A', 'pointer:8:?'],
      ['pointer:8:handle A', 'pointer:8:handle A'],
      ['pointer:8:handle A', 'pointer:8:aggregate'],
    ];
    const unlike = [
      ['pointer:8:handle A', 'pointer:8:handle B'],
      ['pointer:8:handle A', 'pointer:8:integer:8'],
      ['pointer:8:integer:4', 'pointer:8:integer:8'],
      ['pointer:8:aggregate', 'pointer:8:pointer:8:?'],
      ['pointer:8:?', 'integer:8'],
      ['aggregate:8', 'integer:8'],
      ['', ''],
    ];
    for (const [one = '', other = ''] of alike) expect(agree(one, other)).toBe(true);
    for (const [one = '', other = ''] of unlike) {
      expect(agree(one, other), `${one} and ${other}`).toBe(false);
      expect(agree(other, one), `${other} and ${one}`).toBe(false);
    }
  });
});
