/** Colours, and when to use them. */
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/**
 * Whether output to a stream is coloured: never with NO_COLOR or TERM=dumb, always with FORCE_COLOR,
 * else on a terminal.
 */
export function wantsColors(isTTY: boolean, env: Readonly<NodeJS.ProcessEnv>): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return isTTY && env['TERM'] !== 'dumb';
}

export function makeColors(enabled: boolean): Colors {
  return picocolors.createColors(enabled);
}

/** A queue's state in its colour. */
export function paintState(state: string, colors: Colors): string {
  switch (state) {
    case 'running':
      return colors.green(state);
    case 'suspended':
      return colors.yellow(state);
    case 'stalled':
      return colors.red(state);
    default:
      return colors.dim(state);
  }
}
