/** Reads declarations out of preprocessed C: no more of the language than driver headers use. */

/** A function of the driver as a text declares or defines it. */
export interface Prototype {
  readonly name: string;
  /** What stands between the parentheses, on one line. */
  readonly parameters: string;
  /** Whether a body follows. */
  readonly defined: boolean;
}

/** A structure with its name, `typedef struct tag { body } name;`. */
export interface Structure {
  readonly name: string;
  readonly tag: string;
  readonly body: string;
}

/** The place behind the bracket that closes the one at `start`. */
export function findClosing(text: string, start: number): number {
  const open = text[start] ?? '';
  const close = { '(': ')', '{': '}' }[open];
  if (close === undefined) throw new Error(`no bracket to close at ${start}: ${open}`);
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return i + 1;
  }
  throw new Error(`nothing closes: ${text.slice(start, start + 80)}`);
}

/** The content of the brackets that open at `start`, on one line. */
export function readBrackets(text: string, start: number): string {
  const content = text.slice(start + 1, findClosing(text, start) - 1);
  return content.replace(/\s+/g, ' ').trim();
}

/** Every `CUresult cuName(parameters)` that is declared or defined. */
export function findPrototypes(text: string): Prototype[] {
  return Array.from(text.matchAll(/\bCUresult\s+(cu[A-Z]\w*)\s*\(/g), (match) => {
    const start = match.index + match[0].length - 1;
    const defined = /^\s*\{/.test(text.slice(findClosing(text, start)).slice(0, 200));
    return { name: match[1] ?? '', parameters: readBrackets(text, start), defined };
  });
}

/** Every structure and union with a name that a typedef gives it. */
export function findStructures(text: string): Structure[] {
  return Array.from(text.matchAll(/\btypedef\s+(?:struct|union)\b\s*(\w*)\s*\{/g), (match) => {
    const start = match.index + match[0].length - 1;
    const name = /^\s*(\w+)/.exec(text.slice(findClosing(text, start)).slice(0, 200))?.[1] ?? '';
    return { name, tag: match[1] ?? '', body: readBrackets(text, start) };
  });
}

/** The names of a structure's own fields, those of structures inside it left out. */
export function listFields(body: string): string[] {
  let flat = body;
  for (let inner = flat.indexOf('{'); inner >= 0; inner = flat.indexOf('{')) {
    flat = flat.slice(0, inner) + flat.slice(findClosing(flat, inner));
  }
  return flat
    .split(';')
    .flatMap((declaration) => declaration.split(','))
    .map((field) => /(\w+)\s*(?:\[[^\]]*\]\s*)*$/.exec(field.trim())?.[1] ?? '')
    .filter((name) => name !== '');
}

/** Names of types by which `type` goes as well: `typedef type name;`, with or without a star. */
export function findAliases(text: string): { type: string; name: string }[] {
  const pattern = /\btypedef\s+(?:const\s+)?(?:struct\s+|union\s+)?(\w+)\s*\**\s*(\w+)\s*;/g;
  return Array.from(text.matchAll(pattern), ([, type = '', name = '']) => ({ type, name }));
}

export function mentions(text: string, names: ReadonlySet<string>): boolean {
  return (text.match(/\w+/g) ?? []).some((word) => names.has(word));
}
