/** The configuration file: defaults, and what is said of mistakes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../../../daemon/config/load.js';

function complaint(yaml: string): string {
  try {
    parseConfig(yaml, 'x.yaml');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    const defaults = {
      policy: 'HPF',
      enabled: true,
      window: 8,
      preemptLatencyUs: 200,
      silentMs: 3000,
      stallMs: 10_000,
      maxSuspendMs: 0,
      sliceMs: 50,
      streamPriority: false,
      rules: [],
      limits: [],
    };
    for (const text of ['', '# nothing\n', '{}', '---\n']) {
      const config = parseConfig(text, 'x.yaml');
      expect(config).toMatchObject({ core: defaults, control: undefined, socketGid: undefined });
    }
    expect(loadConfig()).toMatchObject({ file: '', core: defaults });
  });

  it('does not hand the defaults of one file to the next', () => {
    const first = parseConfig('', 'x.yaml').core;
    expect(parseConfig('', 'x.yaml').core.rules).not.toBe(first.rules);
  });

  it('is translated', () => {
    const config = parseConfig(
      `
window: 0
group: root
control: { users: [root, 1234], groups: [0] }
limits: [{ user: root, max_priority: 3 }, { group: 7, max_priority: -1 }]
rules:
  - { name: a, match: { user: root, command: 'x|y' }, priority: -255, stream_priority: true }
  - { match: { user: root }, preempt_latency_us: 50 }
`,
      'x.yaml',
    );
    expect(config.socketGid).toBe(0);
    expect(config.control).toEqual({ uids: [0, 1234], gids: [0] });
    expect(config.core.limits).toEqual([
      { uid: 0, maxPriority: 3 },
      { gid: 7, maxPriority: -1 },
    ]);
    expect(config.core.rules[0]).toMatchObject({ name: 'a', priority: -255, streamPriority: true });
    expect(config.core.rules[1]).toMatchObject({ preemptLatencyUs: 50 });
    expect(config.core.rules[0]).not.toHaveProperty('preemptLatencyUs');
    expect(config.core.rules[0]?.match.command?.test('only y here')).toBe(true);
  });

  it.each([
    ['window: 1022', 'x.yaml:1: window must be at most 1021, received 1022'],
    ['\nwindow: -1', 'x.yaml:2: window must be at least 0, received -1'],
    ['silent_ms: 999', 'x.yaml:1: silent_ms must be at least 1000, received 999'],
    ['window: 1.5', 'x.yaml:1: window must be an integer, received 1.5'],
    ['enabled: "yes"', 'x.yaml:1: enabled must be true or false, received "yes"'],
    ['policy: EDF', 'x.yaml:1: policy must be one of: HPF; received "EDF"'],
    [
      'policy: HPF\nwindov: 3',
      "x.yaml:2: unknown key 'windov'; known keys: policy, enabled, preempt_latency_us, window, silent_ms, stall_ms, " +
        'max_suspend_ms, slice_ms, stream_priority, model_priority, group, board, board_group, rules, limits, control',
    ],
    [
      'rules:\n  - match:\n      exe: a\n      colour: b',
      "x.yaml:4: unknown key 'colour' in rules[0].match; known keys: exe, command, user, label",
    ],
    [
      'rules:\n  - match: { exe: a }\n    priority: 256',
      'x.yaml:3: rules[0].priority must be at most 255, received 256',
    ],
    [
      'rules:\n  - match: { exe: x }\n    preempt_latency_us: 1000001',
      'x.yaml:3: rules[0].preempt_latency_us must be at most 1000000, received 1000001',
    ],
    ['rules:\n  - priority: 1', "x.yaml:2: rules[0] lacks the key 'match'"],
    ['rules:\n  - match: {}', 'x.yaml:2: rules[0].match is empty: it would match everything'],
    [
      'rules:\n- match:\n    exe: "(["',
      'x.yaml:3: rules[0].match.exe: Invalid regular expression: /^(?:([)$/s: ' +
        'Unterminated character class',
    ],
    ['rules: 5', 'x.yaml:1: rules must be a list, received 5'],
    [
      'limits:\n  - { user: 1, group: 2, max_priority: 3 }',
      'x.yaml:2: limits[0] names a user and a group: give one of them',
    ],
    ['limits: [{ user: 1 }]', "x.yaml:1: limits[0] lacks the key 'max_priority'"],
    [
      'control:\n  users:\n    - root\n    - no-such-user-here',
      "x.yaml:4: control.users[1]: there is no user 'no-such-user-here'",
    ],
    ['group: --help', "x.yaml:1: group: there is no group '--help'"],
    ['- 1', 'x.yaml:1: the configuration must be a mapping, received [1]'],
    ['a: 1\na: 2', 'x.yaml:2: not YAML: Map keys must be unique'],
    ['rules: [', 'x.yaml:1: not YAML: Flow sequence in block collection must be sufficiently'],
  ])('%j is refused with file, line, key, value and limit', (yaml, message) => {
    expect(complaint(yaml)).toContain(message);
  });

  it('is not blown up by aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 10; n++) {
      const alias = `*a${String(n - 1)}`;
      lines.push(`a${String(n)}: &a${String(n)} [${Array(9).fill(alias).join(', ')}]`);
    }
    expect(complaint(lines.join('\n'))).toMatch(/alias/i);
  });

  it('says which file cannot be read', () => {
    expect(() => loadConfig('/nowhere/x.yaml')).toThrow(
      /^cannot read the configuration \/nowhere\/x\.yaml: ENOENT/,
    );
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'xsched-'));
    onTestFinished(() => {
      fs.rmSync(folder, { recursive: true });
    });
    const file = path.join(folder, 'large.yaml');
    fs.writeFileSync(file, '#'.repeat(1024 * 1024 + 1));
    expect(() => loadConfig(file)).toThrow(/has 1048577 bytes, at most 1048576 are read/);
  });
});
