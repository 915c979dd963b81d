/** What the tables of the shim lack, against made-up headers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  findFalseAlarms,
  findRepeated,
  findUnclassified,
  findUnknown,
  findUnlikeForms,
} from '../../cuda-headers/completeness.js';
import { readTable, type Row } from '../../cuda-headers/table.js';
import { Folder, TYPES } from './fixtures.js';

let folder: Folder;
beforeEach(() => (folder = new Folder()));
afterEach(() => folder.remove());

/** The names of what is missing from a table of nothing, or of the rows given. */
function missing(declarations: string, rows: readonly Row[] = []): string[] {
  const toolkit = folder.toolkit('1.0', TYPES + declarations);
  return findUnclassified([toolkit], rows).map((line) => line.replace(/\(.*/, ''));
}

it('a name that would raise an alarm has to be in a table, whatever it does', () => {
  const declarations = `
    CUresult cuGraphAddMemcpyNode(CUgraphNode *node, const void *copy);
    CUresult cuTellBatchSize(int *size);
    CUresult cuMemcpy(CUdeviceptr to);
    CUresult cuInit(unsigned flags);`;
  const toolkit = folder.toolkit('1.0', TYPES + declarations);
  const rows = [{ kind: 'SUBMIT', name: 'cuMemcpy' }] as const;
  const found = findFalseAlarms([toolkit], rows, ['Batch', 'cpy']);
  expect(found.map((line) => line.replace(/\(.*/, ''))).toEqual([
    'cuGraphAddMemcpyNode',
    'cuTellBatchSize',
  ]);
});

describe('a function has to be in a table', () => {
  it('when it takes a stream, in whatever disguise', () => {
    const declarations = `
      typedef struct CUdirect_st { int x; struct { CUstream hStream; } inner; } CUdirect_v1;
      typedef CUdirect_v1 CUdirect;
      typedef struct CUlist_st { const CUdirect *first; } CUlist;
      typedef struct CUother_st { CUevent hStreamOfNobody; } CUother;
      typedef CUstream CUqueue;
      CUresult cuA(int x, CUstream hStream);
      __attribute__((deprecated)) CUresult cuB(CUstream *phStream);
      CUresult
      cuC(
        const CUlist *list);
      CUresult cuD(CUqueue queue);
      CUresult cuE(struct CUdirect_st *direct);
      CUresult cuF(CUother *other, CUevent event);
      /* CUresult cuG(CUstream hStream); */`;
    expect(missing(declarations)).toEqual(['cuA', 'cuB', 'cuC', 'cuD', 'cuE']);
  });

  it('when it is a per-thread variant or its name speaks of work', () => {
    const declarations = `
      CUresult cuPlain(int x);
      CUresult cuPlain_ptsz(int x);
      CUresult cuPlain_ptds(int x);
      CUresult cuMemcpyAtoZ(CUdeviceptr to);
      CUresult cuTensorEnqueue(int x);
      CUresult cuCtxSynchronize(void);
      CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes);
      CUresult cuDeviceRegisterAsyncNotification(int device);`;
    expect(missing(declarations)).toEqual([
      'cuCtxSynchronize',
      'cuMemcpyAtoZ',
      'cuPlain_ptds',
      'cuPlain_ptsz',
      'cuTensorEnqueue',
    ]);
  });

  it('but not when it edits the node of a graph, unless it takes a stream', () => {
    const declarations = `
      CUresult cuGraphAddMemcpyNode(CUgraphNode *node, const void *copy);
      CUresult cuGraphCaptureNode(CUgraphNode *node, CUstream hStream);`;
    expect(missing(declarations)).toEqual(['cuGraphCaptureNode']);
  });

  it('when another form of it is hooked', () => {
    const declarations = `
      CUresult cuEventDestroy(CUevent event);
      CUresult cuEventDestroy_v2(CUevent event);
      CUresult cuEventCreate(CUevent *event);`;
    const name = 'cuEventDestroy_v2';
    expect(missing(declarations, [{ kind: 'CUSTOM', name }])).toEqual(['cuEventDestroy']);
    expect(missing(declarations, [{ kind: 'PASS', name }])).toEqual([]);
  });

  it('and is told with its parameters, the versions that have it and the reason', () => {
    const old = folder.toolkit('1.0', `${TYPES}CUresult cuA(CUstream old);`);
    const middle = folder.toolkit('1.1', TYPES);
    const recent = folder.toolkit('2.0', `${TYPES}CUresult cuA(CUstream hStream, int more);`);
    expect(findUnclassified([old, middle, recent], [])).toEqual([
      'cuA(CUstream hStream, int more) of CUDA 1.0, 2.0 takes a stream',
    ]);
    expect(findUnclassified([old, middle, recent], [{ kind: 'PASS', name: 'cuA' }])).toEqual([]);
  });
});

describe('the tables', () => {
  const table = `
    #define BOTH(function, parameters) \\
      SUBMIT(function, work(1), stream, LEGACY, parameters, (a, b)) \\
      SUBMIT(function##_ptsz, work(1), stream, PER_THREAD, parameters, (a, b))
    /* CUSTOM(cuComment) */
    BOTH(cuA, (int a, int b))
    CUSTOM(cuB)
    #undef BOTH`;
  const hooked: Row[] = [
    { kind: 'SUBMIT', name: 'cuA' },
    { kind: 'SUBMIT', name: 'cuA_ptsz' },
    { kind: 'CUSTOM', name: 'cuB' },
  ];

  it('are read as the compiler reads them', () => {
    folder.write({ 'hooks.def': table });
    expect(readTable(folder.path)).toEqual(hooked);
    folder.write({ 'passed.def': 'PASS(cuC) /* since */\nPASS(cuD)\n' });
    const passed: Row[] = [
      { kind: 'PASS', name: 'cuC' },
      { kind: 'PASS', name: 'cuD' },
    ];
    expect(readTable(folder.path)).toEqual([...hooked, ...passed]);
  });

  it('name no function that is in no header, and none twice', () => {
    const toolkit = folder.toolkit('1.0', `${TYPES}CUresult cuA(int x);CUresult cuB(int x);`);
    expect(findUnknown([toolkit], hooked)).toEqual(['SUBMIT(cuA_ptsz)']);
    expect(findRepeated(hooked)).toEqual([]);
    expect(findRepeated([...hooked, { kind: 'PASS', name: 'cuB' }])).toEqual(['cuB']);
  });

  it('treat the forms of a function alike', () => {
    expect(findUnlikeForms(hooked)).toEqual([]);
    const old: Row = { kind: 'PASS', name: 'cuB_v2' };
    expect(findUnlikeForms([...hooked, old])).toEqual([]);
    const other: Row = { kind: 'SUBMIT', name: 'cuB_v2' };
    expect(findUnlikeForms([...hooked, other])).toEqual(['CUSTOM(cuB), SUBMIT(cuB_v2)']);
    const variant: Row = { kind: 'PASS', name: 'cuB_ptsz' };
    expect(findUnlikeForms([...hooked, variant])).toEqual(['CUSTOM(cuB), PASS(cuB_ptsz)']);
  });
});
