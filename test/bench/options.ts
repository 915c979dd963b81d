/** Values on the command lines of the benchmarks. */

/**
 * A whole number.
 * @throws RangeError naming the option, what it was given and what it takes
 */
export function readCount(name: string, text: string, least = 1, most = 1e6): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`--${name} '${text}' is not a whole number from ${least} to ${most}`);
  return value;
}

/**
 * A number above 0.
 * @throws RangeError naming the option, what it was given and what it takes
 */
export function readAmount(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= most))
    throw new RangeError(`--${name} '${text}' is not a number above 0 and up to ${String(most)}`);
  return value;
}

/**
 * One of some words.
 * @throws RangeError naming the option, what it was given and what it takes
 */
export function readChoice<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined)
    throw new RangeError(`--${name} '${text}' is none of ${choices.join(', ')}`);
  return choice;
}
