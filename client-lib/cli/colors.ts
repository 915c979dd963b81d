/** Colours, and when to use them. */
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/**
 * Whether output to a stream is coloured: never with NO_COLOR or TERM=dumb, always with FORCE_COLOR,
 * else on a terminal.
 */
export function wantsColors(isTTY: boolean | undefined, env: Readonly<NodeJS.ProcessEnv>): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  // Node leaves it undefined where it is no terminal, which picocolors would take for its own guess.
  return isTTY === true && env['TERM'] !== 'dumb';
}

export function makeColors(enabled: boolean): Colors {
  return picocolors.createColors(enabled);
}

/** A text about a queue in the colour of the queue's state. */
export function paintState(text: string, state: string, colors: Colors): string {
  switch (state) {
    case 'running':
      return colors.green(text);
    case 'suspended':
      return colors.yellow(text);
    case 'stalled':
      return colors.red(text);
    default:
      return colors.dim(text);
  }
}
