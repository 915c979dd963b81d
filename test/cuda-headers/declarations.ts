import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../demo/paths.js';
import { findClosing, findPrototypes, findStructures, listFields, readBrackets } from './c-text.js';
import { preprocess } from './compiler.js';

/** A function of the driver as we declare it. */
export interface Declaration {
  readonly name: string;
  /** Where we do so. */
  readonly place: string;
  /** What stands between the parentheses. */
  readonly parameters: string;
}

/** A structure with those of its fields that we declare. */
export interface Layout {
  readonly name: string;
  readonly fields: readonly string[];
}

/** All that we say about the driver's binary interface on one side: in the shim, or in the tests. */
export interface Declarations {
  /** The header that declares the types, as a path. */
  readonly header: string;
  readonly functions: readonly Declaration[];
  readonly layouts: readonly Layout[];
  /** Enumeration constants and macros. */
  readonly constants: readonly string[];
}

const flags = ['-D_GNU_SOURCE', `-I${path.join(ROOT, 'protocol', 'generated')}`];

/** Structures and constants that a header with types declares. */
function readTypes(header: string): Omit<Declarations, 'functions'> {
  const text = preprocess(`#include "${header}"\n`, flags);
  const macros = readFileSync(header, 'utf8').matchAll(/^#define (CU_\w+) \(\(/gm);
  const enumerations = Array.from(text.matchAll(/\benum\b\s*\w*\s*\{([^}]*)\}/g), ([, body = '']) =>
    body
      .split(',')
      .map((constant) => /^\s*(\w+)/.exec(constant)?.[1] ?? '')
      .filter((name) => name.startsWith('CU')),
  );
  const layouts = findStructures(text)
    .filter(({ name }) => name.startsWith('CU'))
    .map(({ name, body }) => ({ name, fields: listFields(body) }));
  const constants = [...Array.from(macros, ([, name = '']) => name), ...enumerations.flat()];
  return { header, layouts, constants };
}

/** The functions that C files define, and those that they call through a pointer `real`. */
function readDefinitions(folder: string, pattern: RegExp): Declaration[] {
  const files = readdirSync(folder).filter((file) => pattern.test(file));
  return files.flatMap((place) => {
    const text = preprocess(`#include "${path.join(folder, place)}"\n`, flags);
    const defined = findPrototypes(text).filter((prototype) => prototype.defined);
    const aliases = text.matchAll(/__typeof__\((cu\w+)\)\s*(cu\w+)\s*__attribute__/g);
    return [
      ...defined.map(({ name, parameters }) => ({ name, place, parameters })),
      ...Array.from(aliases, ([, target = '', name = '']) => ({
        ...{ name, place },
        parameters: defined.find((other) => other.name === target)?.parameters ?? '',
      })),
      ...findCalls(text).map((call) => ({ ...call, place: `${place}, where it is called` })),
    ];
  });
}

/** What wrappers call: `(CUresult(*) (parameters))hook_get(HOOK_name)`. */
function findCalls(text: string): { name: string; parameters: string }[] {
  return Array.from(text.matchAll(/\(\s*CUresult\s*\(\*\)\s*(?=\()/g), (match) => {
    const start = match.index + match[0].length;
    const behind = text.slice(findClosing(text, start)).slice(0, 200);
    const name = /^\s*\)\s*hook_get\(HOOK_(\w+)\)/.exec(behind)?.[1] ?? '';
    return { name, parameters: readBrackets(text, start) };
  }).filter(({ name }) => name !== '');
}

/** The functions that the shim calls for itself: the pointers in `struct driver_calls`. */
function readDriverCalls(folder: string): Declaration[] {
  const text = preprocess(`#include "${path.join(folder, 'resolve.h')}"\n`, flags);
  const struct = /\bstruct driver_calls \{([^}]*)\}/.exec(text)?.[1] ?? '';
  return Array.from(struct.matchAll(/\bCUresult\s*\(\*(\w+)\)\s*(?=\()/g), (match) => ({
    name: match[1] ?? '',
    place: 'struct driver_calls',
    parameters: readBrackets(struct, match.index + match[0].length),
  }));
}

/**
 * What the shim declares: its wrappers, as themselves and as they call the driver's function, and the
 * calls that it makes for itself.
 * @param folder its sources
 */
export function readShim(folder: string): Declarations {
  return {
    ...readTypes(path.join(folder, 'cuda_abi.h')),
    functions: [...readDefinitions(folder, /^hooks_\w+\.c$/), ...readDriverCalls(folder)],
  };
}

/**
 * What the simulated GPU declares: the functions that it exports, and those that its clients call.
 * @param folder its sources
 */
export function readSimulatedGpu(folder: string): Declarations {
  const clients = preprocess(`#include "${path.join(folder, 'cuda_api.h')}"\n`, flags);
  return {
    ...readTypes(path.join(folder, 'cuda_abi.h')),
    functions: [
      ...readDefinitions(folder, /^api_\w+\.c$|^resolve\.c$/),
      ...findPrototypes(clients).map(({ name, parameters }) => {
        return { name, place: 'cuda_api.h', parameters };
      }),
    ],
  };
}
