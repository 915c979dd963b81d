/** The daemon's log: one line an entry on stderr, for people on a terminal and as JSON otherwise. */
import pc from 'picocolors';
import { createLogger, format, transports } from 'winston';
import type { Logger } from 'winston';

/** From the gravest to the least. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['human', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A logger that writes to stderr. */
export function openLog(level: LogLevel, style: LogFormat): Logger {
  return createLogger({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: style === 'human' ? human(process.stderr.isTTY) : json,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types call its classes instances
    transports: [new transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
}

/** What a terminal gets if nobody says otherwise. */
export function defaultFormat(): LogFormat {
  return process.stderr.isTTY ? 'human' : 'json';
}

const json = format.combine(spellErrors(), format.timestamp(), format.json());

function human(colour: boolean | undefined) {
  // Node leaves it undefined where there is no terminal, and picocolors would guess for itself.
  const colours = pc.createColors(colour === true);
  const paint: Readonly<Record<string, (text: string) => string>> = {
    error: colours.red,
    warn: colours.yellow,
    info: colours.green,
    debug: colours.dim,
  };
  return format.combine(
    spellErrors(),
    format.timestamp({ format: 'YYYY-MM-DD HH:mm:ss.SSS' }),
    format.printf(({ timestamp, level, message, error }) => {
      const painted = (paint[level] ?? String)(level.padEnd(5));
      const tail = typeof error === 'string' ? `\n${error}` : '';
      return `${colours.dim(String(timestamp))} ${painted} ${String(message)}${tail}`;
    }),
  );
}

/** An error in the field `error` becomes its stack, since JSON would make `{}` of it. */
function spellErrors() {
  return format((info) => {
    const { error } = info;
    if (error instanceof Error) info['error'] = error.stack ?? error.message;
    return info;
  })();
}
