import { describe, expect, it } from 'vitest';
import type { Command } from 'commander';
import { buildProgram } from '../../../../client-lib/cli/program.js';

const COMMANDS = ['run', 'ps', 'top', 'status', 'events', 'set', 'policy', 'off', 'on'];

/** The whole help of a command, the texts behind it included. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

describe('buildProgram', () => {
  const program = buildProgram('1.2.3', () => undefined);

  it('has every command', () => {
    expect(program.commands.map((command) => command.name())).toEqual([...COMMANDS, 'help']);
  });

  it.each(['xsched', ...COMMANDS])('shows examples and exit codes for %s', (name) => {
    const command = program.commands.find((one) => one.name() === name) ?? program;
    const help = helpOf(command);
    expect(help).toMatch(new RegExp(`Examples:\n  xsched.* ${name === 'xsched' ? '' : name}`));
    expect(help).toContain('Exit codes:');
    expect(help).toContain('--runtime-dir');
  });

  it('gives every command that asks the daemon --json', () => {
    for (const name of COMMANDS.filter((one) => one !== 'run')) {
      const command = program.commands.find((one) => one.name() === name);
      expect(command?.options.map((option) => option.long)).toContain('--json');
    }
  });
});
