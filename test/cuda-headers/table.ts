import { preprocess } from './compiler.js';

/** How the shim treats a call: hooked and gated, hooked by a wrapper of its own, or let through. */
export type Kind = 'SUBMIT' | 'CUSTOM' | 'PASS';

/** One row of the shim's tables. */
export interface Row {
  readonly kind: Kind;
  readonly name: string;
}

/* The marks find the texts among what the preprocessor leaves. */
const SIGNS = `
#define SIGN(text) @text@
#include "signs.def"
`;

/**
 * Reads `signs.def`: what in the name of a function that no table has makes the shim raise an alarm.
 * @param folder where it is
 */
export function readSigns(folder: string): string[] {
  const text = preprocess(SIGNS, [`-I${folder}`]);
  return Array.from(text.matchAll(/@"(\w+)"@/g), ([, sign = '']) => sign);
}

/* The tables include nothing; the mark finds their rows among what the preprocessor leaves. */
const SOURCE = `
#define SUBMIT(function, ...) @SUBMIT function@
#define CUSTOM(function) @CUSTOM function@
#define PASS(function) @PASS function@
#include "hooks.def"
#if __has_include("passed.def")
#include "passed.def"
#endif
`;

/**
 * Reads `hooks.def`, and `passed.def` beside it if there is one: the functions that are let through
 * on purpose.
 * @param folder where they are
 */
export function readTable(folder: string): Row[] {
  const text = preprocess(SOURCE, [`-I${folder}`]);
  return Array.from(text.matchAll(/@(\w+) (\w+)@/g), ([, kind, name = '']) => ({
    kind: kind as Kind,
    name,
  }));
}
