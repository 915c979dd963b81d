/** Numbers on the command lines of the benchmarks. */

/**
 * A whole number.
 * @throws RangeError naming the option, what it was given and the least that it takes
 */
export function readCount(name: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least)
    throw new RangeError(`--${name} '${text}' is not a whole number from ${least}`);
  return value;
}
