/** The version of the product, from its package.json. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Such as `0.1.0`. */
export const VERSION = readVersion();

/** The nearest package.json above: this file is run as a source and from the build folder. */
function readVersion(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = path.join(folder, 'package.json');
    if (fs.existsSync(file)) {
      return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
    }
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('there is no package.json above the daemon');
    folder = parent;
  }
}
