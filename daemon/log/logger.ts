/** The daemon's log: one line an entry on stderr, for people on a terminal and as JSON otherwise. */
import pc from 'picocolors';
import { createLogger, format, transports } from 'winston';
import type { Logger } from 'winston';
import { printable } from '../../protocol/printable.js';
import { PatientStream } from './patient-stream.js';

/** From the gravest to the least. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['human', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A logger that writes to stderr. Lines that stderr does not take are dropped and counted. */
export function openLog(level: LogLevel, style: LogFormat): Logger {
  const stream = new PatientStream(process.stderr, (count) => {
    log.warn(`${String(count)} lines of the log were dropped, since nobody took them`);
  });
  const log = createLogger({
    level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    format: style === 'human' ? human(process.stderr.isTTY) : json,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston's types call its classes instances
    transports: [new transports.Stream({ stream })],
  });
  return log;
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
      // Names and command lines are what programs say of themselves: no entry may look like two.
      const lines = [String(message), ...(typeof error === 'string' ? error.split('\n') : [])];
      const text = lines.map(printable).join('\n    ');
      return `${colours.dim(String(timestamp))} ${painted} ${text}`;
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
