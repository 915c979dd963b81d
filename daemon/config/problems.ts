/** What is wrong with a configuration file, said with its line. */
import type { ErrorObject } from 'ajv';
import { isMap, isNode, isPair } from 'yaml';
import type { Document, LineCounter } from 'yaml';

/** A configuration that cannot be used; the message names file, line, key, value and limit. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A place in the document: the keys and indices that lead to it. */
export type Place = readonly (string | number)[];

/** A parsed file, with what it takes to find the line of a place in it. */
export interface Source {
  readonly file: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

/** An error that points at a place of the file; the place may be a key that should not be there. */
export function problemAt(source: Source, place: Place, text: string): ConfigError {
  const offset = findOffset(source, place);
  const line = offset === undefined ? 1 : source.lines.linePos(offset).line;
  return new ConfigError(`${source.file}:${String(line)}: ${text}`);
}

function findOffset(source: Source, place: Place): number | undefined {
  const parent =
    place.length > 1 ? source.document.getIn(place.slice(0, -1), true) : source.document.contents;
  const last = place.at(-1);
  if (isMap(parent)) {
    for (const pair of parent.items) {
      const { key } = pair;
      if (isPair(pair) && isNode(key) && String(key) === String(last)) return key.range?.[0];
    }
  }
  for (let depth = place.length; depth > 0; depth--) {
    const node = source.document.getIn(place.slice(0, depth), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return source.document.contents?.range[0];
}

/** `rules[0].match.exe`, as a person writes a place. */
export function renderPlace(place: Place): string {
  let text = '';
  for (const part of place) {
    text += typeof part === 'number' ? `[${String(part)}]` : text === '' ? part : `.${part}`;
  }
  return text;
}

/** The place that an ajv error speaks of. */
export function placeOf(error: ErrorObject): Place {
  const parts = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** The error of ajv in the words of this project, with the place that it belongs to. */
export function renderSchemaError(error: ErrorObject): readonly [Place, string] {
  const place = placeOf(error);
  const subject = place.length === 0 ? 'the configuration' : renderPlace(place);
  const params = error.params as Readonly<Record<string, unknown>>;
  const received = `received ${show(error.data)}`;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
      const where = place.length === 0 ? '' : ` in ${renderPlace(place)}`;
      return [[...place, key], `unknown key '${key}'${where}; known keys: ${known.join(', ')}`];
    }
    case 'required':
      return [place, `${subject} lacks the key '${String(params['missingProperty'])}'`];
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).join(', ');
      return [place, `${subject} must be one of: ${allowed}; ${received}`];
    }
    case 'minimum':
      return [place, `${subject} must be at least ${String(params['limit'])}, ${received}`];
    case 'maximum':
      return [place, `${subject} must be at most ${String(params['limit'])}, ${received}`];
    case 'type': {
      const wanted = [params['type']].flat().map(nameType).join(' or ');
      return [place, `${subject} must be ${wanted}, ${received}`];
    }
    case 'minProperties':
      return [place, `${subject} is empty: it would match everything`];
    case 'maxProperties':
      return [place, `${subject} names a user and a group: give one of them`];
    default:
      return [place, `${subject} ${error.message ?? 'is invalid'}, ${received}`];
  }
}

function nameType(type: unknown): string {
  switch (type) {
    case 'object':
      return 'a mapping';
    case 'array':
      return 'a list';
    case 'integer':
      return 'an integer';
    case 'boolean':
      return 'true or false';
    default:
      return `a ${String(type)}`;
  }
}

/** A value cut short for a person. */
function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
