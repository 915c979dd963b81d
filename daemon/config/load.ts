/** Reads the configuration file, checks it and translates it for those who use it. */
import fs from 'node:fs';
import { Ajv } from 'ajv';
import { LineCounter, parseDocument } from 'yaml';
import type { CoreSettings, PriorityLimit, Rule } from '../core/settings.js';
import { resolveAccount } from './accounts.js';
import { ConfigError, placeOf, problemAt, renderPlace, renderSchemaError } from './problems.js';
import type { Place, Source } from './problems.js';
import { CONFIG_SCHEMA } from './schema.js';
import type { ConfigFile, LimitFile, RuleFile } from './schema.js';

export { ConfigError } from './problems.js';

/** A larger file is none of ours. */
const FILE_BYTES = 1024 * 1024;

/** Who may steer besides root and the daemon's own user; undefined for whoever can connect. */
export interface ControlRights {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

/** Shared memory by which clients tell each other that they have work. */
export interface BoardConfig {
  readonly enabled: boolean;
  /** Who may write there, besides root and the daemon's own user. */
  readonly gid: number | undefined;
}

/** The configuration, checked and with defaults. */
export interface Config {
  /** The path of the file, or empty without one. */
  readonly file: string;
  readonly core: CoreSettings;
  readonly control: ControlRights | undefined;
  /** The group that the sockets are given to. */
  readonly socketGid: number | undefined;
  readonly board: BoardConfig;
}

const ajv = new Ajv({
  allErrors: false,
  strict: true,
  strictTypes: false,
  useDefaults: true,
  verbose: true,
});
ajv.addKeyword({
  keyword: 'maxBytes',
  type: 'string',
  schemaType: 'number',
  error: { message: ({ schema }) => `must be at most ${String(schema)} bytes long` },
  validate: (limit: number, text: string) => Buffer.byteLength(text) <= limit,
});
ajv.addKeyword({
  keyword: 'regex',
  type: 'string',
  schemaType: 'boolean',
  error: { message: 'is not a regular expression' },
  validate: (_wanted: boolean, text: string) => compilePattern(text) !== undefined,
});
const validate = ajv.compile<ConfigFile>(CONFIG_SCHEMA);

/**
 * Reads a configuration file; without one all is at its default.
 * @throws {ConfigError} saying file, line, key, value and limit.
 */
export function loadConfig(file?: string): Config {
  if (file === undefined) return parseConfig('', '');
  let text: string;
  try {
    const { size } = fs.statSync(file);
    if (size > FILE_BYTES) {
      throw new Error(`it has ${String(size)} bytes, at most ${String(FILE_BYTES)} are read`);
    }
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`cannot read the configuration ${file}: ${reason}`, { cause: error });
  }
  return parseConfig(text, file);
}

/**
 * Understands the text of a configuration file.
 * @param file its name, for messages
 * @throws {ConfigError} saying file, line, key, value and limit.
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const source: Source = { file, document, lines };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0]);
    throw new ConfigError(`${file}:${String(line)}: not YAML: ${problem.message}`);
  }
  // An empty file is a mapping without keys.
  const value: unknown = readValue(source) ?? {};
  if (!validate(value)) {
    const [first] = validate.errors ?? [];
    if (first === undefined) throw new ConfigError(`${file}:1: the configuration is invalid`);
    throw problemAt(source, ...renderOne(first));
  }
  return translate(source, value);
}

function readValue(source: Source): unknown {
  try {
    return source.document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${source.file}:1: not YAML: ${reason}`, { cause: error });
  }
}

function renderOne(error: Parameters<typeof renderSchemaError>[0]): readonly [Place, string] {
  if (error.keyword !== 'regex') return renderSchemaError(error);
  const text = String(error.data);
  const place = placeOf(error);
  return [place, `${renderPlace(place)}: ${explainPattern(text)}`];
}

function translate(source: Source, file: ConfigFile): Config {
  const { control, board_group: boardGroup = file.group } = file;
  return {
    file: source.file,
    core: {
      policy: file.policy,
      enabled: file.enabled,
      window: file.window,
      preemptLatencyUs: file.preempt_latency_us,
      silentMs: file.silent_ms,
      stallMs: file.stall_ms,
      maxSuspendMs: file.max_suspend_ms,
      sliceMs: file.slice_ms,
      streamPriority: file.stream_priority,
      modelPriority: file.model_priority,
      rules: file.rules.map((rule, index) => translateRule(source, rule, index)),
      limits: file.limits.map((limit, index) => translateLimit(source, limit, index)),
    },
    control:
      control === undefined
        ? undefined
        : {
            uids: control.users.map((user, index) =>
              needAccount(source, 'user', user, ['control', 'users', index]),
            ),
            gids: control.groups.map((group, index) =>
              needAccount(source, 'group', group, ['control', 'groups', index]),
            ),
          },
    socketGid:
      file.group === undefined ? undefined : needAccount(source, 'group', file.group, ['group']),
    board: {
      enabled: file.board,
      gid:
        boardGroup === undefined
          ? undefined
          : needAccount(source, 'group', boardGroup, ['board_group']),
    },
  };
}

function translateRule(source: Source, rule: RuleFile, index: number): Rule {
  const { exe, command, user, label } = rule.match;
  return {
    ...(rule.name === undefined ? {} : { name: rule.name }),
    ...(rule.priority === undefined ? {} : { priority: rule.priority }),
    ...(rule.preempt_latency_us === undefined ? {} : { preemptLatencyUs: rule.preempt_latency_us }),
    ...(rule.label === undefined ? {} : { label: rule.label }),
    ...(rule.stream_priority === undefined ? {} : { streamPriority: rule.stream_priority }),
    match: {
      ...(exe === undefined ? {} : { exe: anchor(exe) }),
      ...(command === undefined ? {} : { command: new RegExp(command, 's') }),
      ...(label === undefined ? {} : { label: anchor(label) }),
      ...(user === undefined
        ? {}
        : { uid: needAccount(source, 'user', user, ['rules', index, 'match', 'user']) }),
    },
  };
}

function translateLimit(source: Source, limit: LimitFile, index: number): PriorityLimit {
  const { user, group } = limit;
  return {
    maxPriority: limit.max_priority,
    ...(user === undefined
      ? {}
      : { uid: needAccount(source, 'user', user, ['limits', index, 'user']) }),
    ...(group === undefined
      ? {}
      : { gid: needAccount(source, 'group', group, ['limits', index, 'group']) }),
  };
}

function needAccount(
  source: Source,
  kind: 'user' | 'group',
  account: string | number,
  place: Place,
): number {
  const id = resolveAccount(kind, account);
  if (id === undefined) {
    throw problemAt(
      source,
      place,
      `${renderPlace(place)}: there is no ${kind} '${String(account)}'`,
    );
  }
  return id;
}

/** A pattern that has to match the whole of a text. */
function anchor(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 's');
}

function compilePattern(pattern: string): RegExp | undefined {
  try {
    return anchor(pattern);
  } catch {
    return undefined;
  }
}

function explainPattern(pattern: string): string {
  try {
    anchor(pattern);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
