/**
 * The shim's tables and declarations against the real `cuda.h` of several CUDA toolkits: no call that
 * gives work to a stream is forgotten, and all are called as they are made.
 */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findDisagreements, findUncompared } from '../../cuda-headers/agreement.js';
import * as completeness from '../../cuda-headers/completeness.js';
import { readShim, readSimulatedGpu } from '../../cuda-headers/declarations.js';
import { readToolkits, type Toolkit } from '../../cuda-headers/headers.js';
import { readSigns, readTable } from '../../cuda-headers/table.js';
import { ROOT } from '../../demo/paths.js';

/** Enough to download the headers, which happens once. */
const INSTALL_MS = 600_000;

const shim = path.join(ROOT, 'shim', 'src');
const rows = readTable(shim);
let toolkits: Toolkit[] = [];

beforeAll(async () => {
  toolkits = await readToolkits();
}, INSTALL_MS);

describe('the headers', () => {
  it('are read whole, of CUDA 11 to 13', () => {
    expect(toolkits.map(({ version }) => version)).toEqual([
      '11.7',
      '12.1',
      '12.9',
      '13.0',
      '13.5',
    ]);
    for (const { functions } of toolkits) {
      expect(functions.size).toBeGreaterThan(500);
      expect(functions.get('cuStreamQuery_ptsz')).toBe('CUstream hStream');
      expect(functions.get('cuCtxSynchronize')).toBe('void');
    }
    const [oldest] = toolkits;
    expect(oldest?.streamTypes).toContain('CUDA_LAUNCH_PARAMS');
  });
});

describe('the table of intercepted calls', () => {
  it('has every function that takes a stream or gives work to the device', () => {
    expect(completeness.findUnclassified(toolkits, rows)).toEqual([]);
  });

  it('names no function that no driver has', () => {
    expect(completeness.findUnknown(toolkits, rows)).toEqual([]);
  });

  it('has every function whose name alone would raise an alarm', () => {
    const signs = readSigns(shim);
    expect(signs).toContain('Launch');
    expect(completeness.findFalseAlarms(toolkits, rows, signs)).toEqual([]);
  });

  it('has no function twice', () => {
    expect(completeness.findRepeated(rows)).toEqual([]);
  });

  it('treats all forms of a function alike', () => {
    expect(completeness.findUnlikeForms(rows)).toEqual([]);
  });
});

describe('our declarations of the driver’s interface', () => {
  it('are those of the driver in the shim', () => {
    const ours = readShim(shim);
    // Every hook was found twice: as it is called, and as it calls the driver.
    const hooks = rows.filter(({ kind }) => kind !== 'PASS').map(({ name }) => name);
    for (const hook of hooks) {
      expect(ours.functions.filter(({ name }) => name === hook).length, hook).toBeGreaterThan(1);
    }
    expect(ours.functions.map(({ place }) => place)).toContain('struct driver_calls');
    expect(ours.constants).toContain('CU_STREAM_PER_THREAD');
    expect(ours.layouts.map(({ name }) => name)).toContain('CUlaunchConfig');
    expect(findUncompared(toolkits, ours)).toEqual([]);
    expect(findDisagreements(toolkits, ours)).toEqual([]);
  });

  it('are those of the driver in the simulated GPU', () => {
    const ours = readSimulatedGpu(path.join(ROOT, 'test', 'sim'));
    expect(ours.functions.length).toBeGreaterThan(100);
    expect(findUncompared(toolkits, ours)).toEqual([]);
    expect(findDisagreements(toolkits, ours)).toEqual([]);
  });
});
