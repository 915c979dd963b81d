/** docs/configuration.md speaks of every key, with the default that it has. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../daemon/config/load.js';
import { CONFIG_SCHEMA } from '../../../../daemon/config/schema.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const text = fs.readFileSync(path.resolve(here, '../../../../docs/configuration.md'), 'utf8');

describe('docs/configuration.md', () => {
  it.each(Object.entries(CONFIG_SCHEMA.properties))('tells of %s', (key, schema) => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row).toBeDefined();
    const [, , preset = '', range = ''] = (row ?? '').split('|').map((cell) => cell.trim());
    if (schema.type === 'object' && 'default' in schema) {
      const presets = Object.entries(schema.properties).map(
        ([name, part]) => `\`${name}: ${String(part.default)}\``,
      );
      expect(preset).toBe(presets.join(', '));
    } else if ('default' in schema && !Array.isArray(schema.default)) {
      expect(preset).toBe(`\`${String(schema.default)}\``);
    }
    if ('minimum' in schema && 'maximum' in schema && schema.type === 'integer') {
      expect(range).toMatch(
        new RegExp(`^${String(schema.minimum)} to ${String(schema.maximum)}\\b`),
      );
    }
  });

  it.each(Object.keys(CONFIG_SCHEMA.properties.rules.items.properties))(
    'tells of %s in a rule',
    (key) => {
      expect(text).toContain(`\n| \`${key}\` |`);
    },
  );

  it.each(Object.keys(CONFIG_SCHEMA.properties.rules.items.properties.match.properties))(
    'tells of match.%s',
    (key) => {
      expect(text).toContain(`\n| \`match.${key}\` |`);
    },
  );

  it('has an example that is valid and does what it says', () => {
    const [, example = ''] = /```yaml\n(# Two models[\s\S]*?)```/.exec(text) ?? [];
    const { core } = parseConfig(example, 'example.yaml');
    expect(core.rules.map((rule) => rule.name)).toEqual(['bert-high', 'bert-low', 'training']);
    const command =
      '/opt/tritonserver/backends/python/triton_python_backend_stub /m/bert-high/1/model.py';
    expect(core.rules[0]?.match.command?.test(command)).toBe(true);
    expect(core.rules[2]?.match.exe?.test('python3.11')).toBe(true);
  });
});
