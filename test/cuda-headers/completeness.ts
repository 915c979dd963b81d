import { mentions } from './c-text.js';
import type { Toolkit } from './headers.js';
import type { Row } from './table.js';

/**
 * Words in the names of functions that give work to the device, order it or wait for it, whatever
 * they take. Some are in no function yet, but likely to be in one that is still to come. An
 * asynchronous notification is a message to the host about the device.
 */
const WORK = new RegExp(
  [
    ...[
      'Launch',
      'Submit',
      'Enqueue',
      'Dispatch',
      'Execute',
      'Run',
      'HostFunc',
      'Capture',
      'Stream',
    ],
    ...['Async(?!Notification)', 'Batch', 'Cpy', 'cpy', 'Copy', 'Memset', 'Fill', 'Transfer'],
    ...['Upload', 'Download', 'Prefetch', 'Discard', 'Synchronize', 'Wait', 'Signal', 'Record'],
  ].join('|'),
);

const PER_THREAD = /_pt[sd][sz]$/;

/**
 * Why a function has to be in one of the shim's tables; null when it need not.
 * A function that takes a graph's node and no stream edits a graph: what it sets up is done by the
 * graph's launch, which is in the table.
 */
export function findReason(toolkit: Toolkit, name: string): string | null {
  const parameters = toolkit.functions.get(name) ?? '';
  if (mentions(parameters, toolkit.streamTypes)) return 'takes a stream';
  if (PER_THREAD.test(name)) return 'has to do with the default stream';
  if (/\bCUgraphNode\b/.test(parameters)) return null;
  return WORK.test(name) ? 'sounds like work' : null;
}

/** The name that all versions and variants of a function share. */
function stemOf(name: string): string {
  return name.replace(PER_THREAD, '').replace(/_v\d+$/, '');
}

/** Every function of the headers with the versions that declare it. */
function listFunctions(toolkits: readonly Toolkit[]): Map<string, Toolkit[]> {
  const functions = new Map<string, Toolkit[]>();
  for (const toolkit of toolkits) {
    for (const name of toolkit.functions.keys()) {
      functions.set(name, [...(functions.get(name) ?? []), toolkit]);
    }
  }
  return functions;
}

/** "name(parameters) of CUDA 12.9, 13.0", with the newest parameters. */
function show(name: string, toolkits: readonly Toolkit[]): string {
  const parameters = toolkits.at(-1)?.functions.get(name) ?? '';
  return `${name}(${parameters}) of CUDA ${toolkits.map(({ version }) => version).join(', ')}`;
}

/** The functions that should be in a table and are in none, each with the reason. */
export function findUnclassified(toolkits: readonly Toolkit[], rows: readonly Row[]): string[] {
  const classified = new Set(rows.map(({ name }) => name));
  const hooked = new Set(
    rows.filter(({ kind }) => kind !== 'PASS').map(({ name }) => stemOf(name)),
  );
  return [...listFunctions(toolkits)]
    .filter(([name]) => !classified.has(name))
    .flatMap(([name, having]) => {
      const reasons = having.map((toolkit) => findReason(toolkit, name));
      const relative = hooked.has(stemOf(name))
        ? `is a form of ${stemOf(name)}, which is hooked`
        : null;
      const reason = reasons.find((found) => found !== null) ?? relative;
      return reason === null ? [] : [`${show(name, having)} ${reason}`];
    })
    .sort();
}

/** The functions in no table that the shim would take for unknown ways to launch, by their names. */
export function findFalseAlarms(
  toolkits: readonly Toolkit[],
  rows: readonly Row[],
  signs: readonly string[],
): string[] {
  const classified = new Set(rows.map(({ name }) => name));
  return [...listFunctions(toolkits)]
    .filter(([name]) => !classified.has(name) && signs.some((sign) => name.includes(sign)))
    .map(([name, having]) => show(name, having));
}

/** The rows that name no function of any header. */
export function findUnknown(toolkits: readonly Toolkit[], rows: readonly Row[]): string[] {
  const functions = listFunctions(toolkits);
  return rows
    .filter(({ name }) => !functions.has(name))
    .map(({ kind, name }) => `${kind}(${name})`);
}

/** The functions that are in more than one row. */
export function findRepeated(rows: readonly Row[]): string[] {
  const names = rows.map(({ name }) => name);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** "SUBMIT(a), PASS(b)" for each group of rows that are not all of one kind. */
function findMixed(rows: readonly Row[], keyOf: (name: string) => string): string[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row.name);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()]
    .filter((group) => new Set(group.map(({ kind }) => kind)).size > 1)
    .map((group) => group.map(({ kind, name }) => `${kind}(${name})`).join(', '));
}

/**
 * The forms of one function that are treated unlike each other. A per-thread variant does what its
 * plain form does, so both are in the same class. Other forms may be let through, but those that are
 * hooked are hooked in the same way.
 */
export function findUnlikeForms(rows: readonly Row[]): string[] {
  const hooked = rows.filter(({ kind }) => kind !== 'PASS');
  const variants = findMixed(rows, (name) => name.replace(PER_THREAD, ''));
  return [...new Set([...variants, ...findMixed(hooked, stemOf)])];
}
