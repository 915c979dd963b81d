/** The table of what came of the suite. */
import type { Verdict } from './suite.js';
import { MODES } from './modes.js';
import type { Mode } from './modes.js';

/** A cell: how many runs there were, and how many of them differed. */
function cell(verdicts: readonly Verdict[]): string {
  const bad = verdicts.filter(({ difference }) => difference !== undefined).length;
  if (verdicts.length === 0) return '-';
  if (bad > 0) return `${bad}/${verdicts.length} BAD`;
  return verdicts.length === 1 ? 'same' : `${verdicts.length} same`;
}

/** One row a program, one column a mode; then every difference in words. */
export function formatTable(verdicts: readonly Verdict[], modes: readonly Mode[] = MODES): string {
  const programs = [...new Set(verdicts.map(({ program }) => program))];
  const header = ['program', ...modes.map(({ name }) => name), 'lines', 'skipped', 'suspended'];
  const rows = programs.map((program) => {
    const own = verdicts.filter((verdict) => verdict.program === program);
    const suspends = own.reduce((sum, verdict) => sum + verdict.suspends, 0);
    return [
      program,
      ...modes.map(({ name }) => cell(own.filter(({ mode }) => mode === name))),
      String(own[0]?.lines ?? 0),
      String(own[0]?.skipped.length ?? 0),
      String(suspends),
    ];
  });
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? '').length)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A sentence for each run that differed. */
export function listDifferences(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.flatMap(({ program, mode, round, settings, difference }) => {
    if (difference === undefined) return [];
    const drawn = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const how = [`${program} in mode ${mode}`, `round ${round}`, ...drawn].join(', ');
    return [`${how}: ${difference}`];
  });
}
