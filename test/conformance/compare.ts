/** What came of a run, and in what two runs of one program differ. */

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  /** It was still running when its time was up, and was killed. */
  readonly hung: boolean;
  readonly lines: readonly string[];
  readonly stderr: string;
}

const LAST_WORDS = 600;

function lastWords({ lines, stderr }: Outcome): string {
  const line = lines.at(-1);
  const said = line === undefined ? 'it printed nothing' : `its last line was '${line}'`;
  const text = stderr.trim().slice(-LAST_WORDS);
  return text === '' ? said : `${said}; on standard error: ${text}`;
}

/** What is wrong with a run by itself: a hang, a crash, a failure. */
export function findFault(outcome: Outcome): string | undefined {
  const { code, signal, hung } = outcome;
  if (hung) return `hung: ${lastWords(outcome)}`;
  if (signal !== null) return `ended by ${signal}: ${lastWords(outcome)}`;
  if (code !== 0) return `exit code ${String(code)}: ${lastWords(outcome)}`;
  return outcome.lines.length === 0 ? 'printed nothing' : undefined;
}

function quote(line: string | undefined): string {
  return line === undefined ? 'nothing' : `'${line}'`;
}

/**
 * In what a run differs from the one that it is measured by: the first line that does, or how it
 * ended. Undefined when they are the same.
 */
export function findDifference(expected: Outcome, actual: Outcome): string | undefined {
  const fault = findFault(actual);
  if (fault !== undefined) return fault;
  const length = Math.max(expected.lines.length, actual.lines.length);
  const different = Array.from({ length }, (_, index) => index).filter(
    (index) => expected.lines[index] !== actual.lines[index],
  );
  const [first] = different;
  if (first === undefined) return undefined;
  const wanted = quote(expected.lines[first]);
  return (
    `line ${first + 1} is ${quote(actual.lines[first])}, not ${wanted} ` +
    `(${different.length} of ${length} lines differ)`
  );
}
