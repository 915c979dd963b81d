/** What one run of the demo holds on the machine, so that nothing of it is left behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Children } from './children.js';

export class Session {
  readonly children = new Children();
  /** A folder of the demo's own. */
  readonly scratchDir = mkdtempSync(path.join(tmpdir(), 'xsched-demo-'));
  readonly #folders = [this.scratchDir];

  /** Has a folder removed at the end, with all that is in it. */
  removeAtEnd(folder: string): void {
    this.#folders.push(folder);
  }

  /** Ends all programs, then removes the folders. */
  async close(): Promise<void> {
    await this.children.stopAll();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}
