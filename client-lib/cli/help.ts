/** Texts of `--help`. */

/** Examples by command, each with what it does. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  xsched: [
    ['xsched run -p 10 -- python serve.py', 'starts a program with priority 10'],
    ['xsched top', 'shows the queues living'],
    ['xsched set serve.py priority 50', 'changes a priority at once'],
  ],
  run: [
    ['xsched run -p 10 -- python serve.py', 'with priority 10'],
    ['xsched run --name batch -p -10 -- ./train', 'with a name and a low priority'],
    ['xsched run -- tritonserver --model-repository=m', 'a server; rules give priorities'],
    ['xsched run --policy HPF -- ./program', 'rules inside the process, no daemon needed'],
  ],
  ps: [
    ['xsched ps', 'the queues, cut to the terminal'],
    ['xsched ps --all', 'every column'],
    ['xsched ps --calls', 'what the driver was called for'],
    ["xsched ps --json | jq '.[].id'", 'for programs'],
  ],
  top: [
    ['xsched top', 'until q is pressed'],
    ['xsched top --interval 250', 'four times a second'],
    ['xsched top --once', 'one table, of one second'],
    ['xsched top --json', 'a line of JSON a second'],
  ],
  status: [
    ['xsched status', 'for a person'],
    ['xsched status --json', 'for programs'],
  ],
  events: [
    ['xsched events', 'until Ctrl-C'],
    ['xsched events --json', 'a line of JSON an event'],
  ],
  set: [
    ['xsched set 4711 priority 10', 'all queues of process 4711'],
    ['xsched set 4711.2 priority -5', 'one queue'],
    ['xsched set model=bert-high priority 50', 'the queues of a model'],
    ['xsched set model=bert-high priority default', 'takes that back'],
    ['xsched set name=batch latency 100', 'its work keeps others waiting 100 µs at most'],
  ],
  policy: [
    ['xsched policy', 'what there is, and what is in force'],
    ['xsched policy HPF', 'highest priority first'],
  ],
  on: [['xsched on', 'schedules again']],
  off: [['xsched off', 'opens every gate, at once']],
};

export const TARGET_HELP = `Targets:
  4711.2        a queue, as xsched ps shows it
  4711          all queues of a process
  name=train    by name of the program, also for processes yet to come
  model=bert    by model (or label=bert), also for those yet to come
  bert          by name or model`;

const ASKING_CODES = '0 done, 1 the daemon refused, 2 bad usage, 3 no daemon answers';

/** The exit codes of a command. */
export function describeExitCodes(command: string): string {
  switch (command) {
    case 'run':
      return "Exit codes: the program's own; 128+n when signal n killed it; 2 bad usage;\n126 it cannot be started; 127 it was not found.";
    case 'set':
      return `Exit codes: ${ASKING_CODES}, 4 no queue matches.`;
    default:
      return `Exit codes: ${ASKING_CODES}.`;
  }
}
