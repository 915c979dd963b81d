import type { Declarations } from './declarations.js';
import type { Toolkit } from './headers.js';
import { measureOurs, measureReal, type Measures } from './probe.js';

/** Constants to which we give names of our own, with the driver's names for them. */
const REAL_NAMES = new Map([
  ['CUDA_ERROR_STREAM_CAPTURE_FIRST', 'CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED'],
  ['CUDA_ERROR_STREAM_CAPTURE_LAST', 'CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD'],
]);

/**
 * Whether two types pass alike, as `Measures` writes them. What a pointer points to matters where both
 * sides say it: we hide what we only pass on behind `void *`.
 */
export function agree(our: string, real: string): boolean {
  const [, kind, bytes, target] = /^([^:]*):([^:]*)(?::(.*))?$/.exec(our) ?? [];
  const [, realKind, realBytes, realTarget] = /^([^:]*):([^:]*)(?::(.*))?$/.exec(real) ?? [];
  if (kind === undefined || kind !== realKind || bytes !== realBytes) return false;
  if (target === realTarget || target === '?' || realTarget === '?') return true;
  if (target === undefined || realTarget === undefined) return false;
  const isHandle = (text: string): boolean => text.startsWith('handle ');
  // A structure that one side declares and the other does not.
  return isHandle(target)
    ? realTarget === 'aggregate'
    : target === 'aggregate' && isHandle(realTarget);
}

function compareFunctions(ours: Declarations, our: Measures, real: Measures): string[] {
  return ours.functions.flatMap(({ name, place }, index) => {
    const types = our.functions.get(String(index)) ?? [];
    const realTypes = real.functions.get(name);
    if (realTypes === undefined) return [];
    if (types.length !== realTypes.length) {
      return [
        `${name} in ${place} has ${types.length - 1} parameters, the header's ${realTypes.length - 1}`,
      ];
    }
    return types.flatMap((type, position) => {
      const realType = realTypes[position] ?? '';
      if (agree(type, realType)) return [];
      const what = position === 0 ? 'the result' : `parameter ${position}`;
      return [`${name} in ${place}: ${what} is ${type}, the header's ${realType}`];
    });
  });
}

function compareFields(ours: Declarations, our: Measures, real: Measures): string[] {
  return ours.layouts.flatMap(({ name, fields }) => {
    const realSize = real.sizes.get(name);
    if (realSize === undefined) return [];
    const size = our.sizes.get(name) ?? '';
    const different = fields.flatMap((field) => {
      const key = `${name}.${field}`;
      const [type, realType] = [our.fields.get(key), real.fields.get(key)];
      const [offset, realOffset] = [our.offsets.get(key), real.offsets.get(key)];
      if (type === undefined || realType === undefined) {
        return [`${key} is no field of the header's`];
      }
      if (offset === realOffset && agree(type, realType)) return [];
      return [`${key} is ${type} at ${offset}, the header's ${realType} at ${realOffset}`];
    });
    if (size !== realSize) different.push(`${name} has ${size} bytes, the header's ${realSize}`);
    return different;
  });
}

function compareConstants(ours: Declarations, our: Measures, real: Measures): string[] {
  return ours.constants.flatMap((name) => {
    const value = our.constants.get(name) ?? '';
    const realValue = real.constants.get(REAL_NAMES.get(name) ?? name);
    if (realValue === undefined || realValue === value) return [];
    return [`${name} is ${value}, the header's ${realValue}`];
  });
}

/**
 * Where our declarations disagree with the real headers; what a header does not have yet, or no more,
 * is not compared with it.
 */
export function findDisagreements(toolkits: readonly Toolkit[], ours: Declarations): string[] {
  const our = measureOurs(ours);
  return toolkits.flatMap((toolkit) => {
    const real = measureReal(toolkit, ours, REAL_NAMES);
    return [
      ...compareFunctions(ours, our, real),
      ...compareFields(ours, our, real),
      ...compareConstants(ours, our, real),
    ].map((problem) => `CUDA ${toolkit.version}: ${problem}`);
  });
}

/** What we declare and no header has, so that it was compared with nothing. */
export function findUncompared(toolkits: readonly Toolkit[], ours: Declarations): string[] {
  const functions = ours.functions
    .filter(({ name }) => !toolkits.some((toolkit) => toolkit.functions.has(name)))
    .map(({ name, place }) => `${name} in ${place}`);
  const names = [
    ...ours.layouts.map(({ name }) => name),
    ...ours.constants.map((name) => REAL_NAMES.get(name) ?? name),
  ];
  return [...functions, ...names.filter((name) => !toolkits.some(({ words }) => words.has(name)))];
}
