/** Where benchmarks leave their figures. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../demo/paths.js';

const FOLDER = path.join(ROOT, 'out', 'bench');

/** Writes the figures of a benchmark to `out/bench/NAME.json`, over those of an earlier run. */
export function writeResult(name: string, result: object): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(path.join(FOLDER, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}
