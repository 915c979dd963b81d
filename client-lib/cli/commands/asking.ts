/** What all commands that ask the daemon share. */
import { connect } from '../../controller.js';
import type { Controller } from '../../controller.js';
import type { Output } from '../output.js';

/** Options of every command that asks the daemon. */
export interface AskOptions {
  readonly runtimeDir?: string | undefined;
  /** Machine-readable output. */
  readonly json?: boolean | undefined;
}

export interface Asking {
  readonly controller: Controller;
  readonly output: Output;
  readonly json: boolean;
}

/** Connects, lets `ask` use the link, and closes it. */
export async function withController<T>(
  output: Output,
  options: AskOptions,
  ask: (asking: Asking) => Promise<T>,
): Promise<T> {
  const controller = await connect({ runtimeDir: options.runtimeDir });
  try {
    return await ask({ controller, output, json: options.json === true });
  } finally {
    await controller.close();
  }
}
