/** The command line: commands, options, help. What a command does is loaded when it is run. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import {
  parseHintValue,
  parseInterval,
  parseName,
  parsePriority,
  parseShimPolicy,
  parseTarget,
  parseLatency,
  parseWindow,
} from './arguments.js';
import type { AskOptions, Asking } from './commands/asking.js';
import type { Hint, HintValue } from './commands/set.js';
import { describeExitCodes, EXAMPLES, TARGET_HELP } from './help.js';
import type { RunOptions } from './run/run.js';
import { takeStdout, writeError } from './streams.js';
import type { TopOptions } from './top/top.js';

/** Commander's object of options, before it is given its type. */
type Options<T> = T & { readonly runtimeDir?: string };

/**
 * Builds the command line.
 * @param version of the package
 * @param setExitCode takes the exit code of the command that ran
 */
export function buildProgram(version: string, setExitCode: (code: number) => void): Command {
  const program = new Command('xsched')
    .description('Start programs under xschedd and see and change how their GPU work is scheduled.')
    .version(version, '-V, --version', 'Show the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand(false)
    .enablePositionalOptions()
    .showHelpAfterError("Add --help to see how it's used.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        takeStdout().write(text);
      },
      writeErr: writeError,
      // Messages of commander begin as all others of ours do.
      outputError: (text, write) => {
        write(text.replace(/^error: /, 'xsched: '));
      },
    })
    .addOption(runtimeDirOption());
  addRun(program, setExitCode);
  addQueries(program, setExitCode);
  addChanges(program, setExitCode);
  for (const command of [program, ...program.commands]) addHelp(command);
  addHelpCommand(program);
  return program;
}

/** Commander's own answers a name that it does not know with its help, and does not say why. */
function addHelpCommand(program: Command): void {
  program
    .command('help')
    .description('Show help for a command.')
    .argument('[command]')
    .action((name: string | undefined) => {
      const command = program.commands.find((one) => one.name() === name);
      if (command !== undefined) command.help();
      if (name === undefined) program.help();
      program.error(`error: unknown command '${name}'`);
    });
}

function addRun(program: Command, setExitCode: (code: number) => void): void {
  program
    .command('run')
    .description('Start a program under the preload library, so that its GPU work is scheduled.')
    .usage('[options] -- command [args...]')
    .passThroughOptions()
    .option('-p, --priority <n>', 'Priority, -255 to 255; higher runs first.', parsePriority)
    .option('--name <name>', 'Name to show and to set priorities by, up to 256 bytes.', parseName)
    .option(
      '--policy <policy>',
      'Rules inside the process while there is no daemon: HPF.',
      parseShimPolicy,
    )
    .option(
      '--preempt-latency <us>',
      'GPU time in flight while outranked, 1 to 1,000,000 microseconds.',
      parseLatency,
    )
    .option('--window <n>', 'Launches in flight instead of a time, 1 to 1021.', parseWindow)
    .option('--stream-priority', "Let streams' CUDA priorities rank queues inside the process.")
    .addOption(
      new Option('--fail <how>', 'Whether launches pass when the daemon is gone.').choices([
        'open',
        'closed',
      ]),
    )
    .option('--shim <path>', 'Path of the preload library.')
    .addOption(runtimeDirOption())
    .argument('<command>', 'The program.')
    .argument('[args...]', 'Its arguments.')
    .action(async (command: string, args: readonly string[], options: Options<RunOptions>) => {
      const { runProgram } = await import('./run/run.js');
      setExitCode(await runProgram(command, args, withRuntimeDir(program, options)));
    });
}

function addQueries(program: Command, setExitCode: (code: number) => void): void {
  const ask = makeAsk(program, setExitCode);
  addAsking(program, 'ps', 'Show the queues of the machine.')
    .option('-a, --all', 'Show every column and cut nothing.')
    .option('--calls', 'Show what each process called the driver for instead, by function.')
    .action((options: Options<AskOptions & { readonly all?: boolean; readonly calls?: boolean }>) =>
      ask(options, async (asking) => {
        const { showCalls, showQueues } = await import('./commands/ps.js');
        const show = options.calls === true ? showCalls : showQueues;
        return show(asking, options.all === true);
      }),
    );
  addAsking(program, 'top', 'Show the queues living; q quits.')
    .option(
      '-i, --interval <ms>',
      'Time between two tables, 100 to 3600000 ms.',
      parseInterval,
      1000,
    )
    .option('--once', 'Show one table, of one interval.')
    .action(async (options: Options<TopOptions>) => {
      const [{ showTop }, { standardOutput }] = await Promise.all([
        import('./top/top.js'),
        import('./output.js'),
      ]);
      setExitCode(await showTop(standardOutput(), withRuntimeDir(program, options)));
    });
  addAsking(program, 'status', 'Show the daemon itself.').action((options: Options<AskOptions>) =>
    ask(options, async (asking) => {
      const { showStatus } = await import('./commands/status.js');
      return showStatus(asking);
    }),
  );
  addAsking(program, 'events', 'Show what happens, as it happens.').action(
    (options: Options<AskOptions>) =>
      ask(options, async (asking) => {
        const { showEvents } = await import('./commands/events.js');
        return showEvents(asking);
      }),
  );
}

function addChanges(program: Command, setExitCode: (code: number) => void): void {
  const ask = makeAsk(program, setExitCode);
  const set = addAsking(program, 'set', 'Give queues a priority or a latency, at once.')
    .argument('<target>', 'What to change.', parseTarget)
    .addArgument(new Argument('<hint>', 'What is set.').choices(['priority', 'latency']))
    .argument(
      '<value>',
      "A priority, -255 to 255; a latency, 0 to 1,000,000 microseconds; 'default' takes it back.",
    )
    .action((target: string, hint: Hint, text: string, options: Options<AskOptions>) => {
      const value = understandValue(set, hint, text);
      return ask(options, async (asking) => {
        const { setHint } = await import('./commands/set.js');
        return setHint(asking, { target, hint, value });
      });
    });
  addAsking(program, 'policy', 'Show the policies, or change the one in force.')
    .argument('[name]', 'The policy to use from now on.', parseName)
    .action((name: string | undefined, options: Options<AskOptions>) =>
      ask(options, async (asking) => {
        const { showPolicy } = await import('./commands/policy.js');
        return showPolicy(asking, name);
      }),
    );
  for (const enabled of [false, true]) {
    const description = enabled
      ? 'Switch scheduling on again.'
      : 'Switch scheduling off: every launch on the machine passes.';
    addAsking(program, enabled ? 'on' : 'off', description).action((options: Options<AskOptions>) =>
      ask(options, async (asking) => {
        const { switchScheduling } = await import('./commands/enable.js');
        return switchScheduling(asking, enabled);
      }),
    );
  }
}

/** What may be set depends on the argument before, which commander's own parsers do not see. */
function understandValue(set: Command, hint: Hint, text: string): HintValue {
  try {
    return parseHintValue(hint, text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const what = `command-argument value '${text}' is invalid for argument 'value'`;
    return set.error(`error: ${what}. ${error.message}`, { code: error.code, exitCode: 1 });
  }
}

function addAsking(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'Write JSON.')
    .addOption(runtimeDirOption());
}

/** Runs a command that asks the daemon; zeromq and the codec are loaded here and not before. */
function makeAsk(
  program: Command,
  setExitCode: (code: number) => void,
): (options: Options<AskOptions>, run: (asking: Asking) => Promise<number>) => Promise<void> {
  return async (options, run) => {
    const [{ withController }, { standardOutput }] = await Promise.all([
      import('./commands/asking.js'),
      import('./output.js'),
    ]);
    setExitCode(await withController(standardOutput(), withRuntimeDir(program, options), run));
  };
}

function runtimeDirOption(): Option {
  return new Option(
    '--runtime-dir <dir>',
    "Folder of the daemon's sockets (default: $XSCHED_RUNTIME_DIR, else the user's or the machine's).",
  );
}

/** The option is understood before and after the name of the command. */
function withRuntimeDir<T>(program: Command, options: Options<T>): Options<T> {
  const { runtimeDir } = program.opts<{ readonly runtimeDir?: string }>();
  return runtimeDir === undefined ? options : { runtimeDir, ...options };
}

function addHelp(command: Command): void {
  const examples = EXAMPLES[command.name()] ?? [];
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, what]) => `  ${line.padEnd(width)}  ${what}`);
  if (command.name() === 'set') command.addHelpText('after', `\n${TARGET_HELP}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  command.addHelpText('after', `\n${describeExitCodes(command.name())}`);
}
