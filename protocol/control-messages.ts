/** The messages between a controller (the command line, a program) and the daemon. */
import { callFields } from './call-fields.js';
import { LIMITS } from './limits.js';
import type { Field, MessageSpec, RecordSpec } from './spec.js';

const request: Field = {
  name: 'request',
  type: 'u32',
  doc: 'Chosen by the controller; its reply carries the same number.',
};
const clientFields: readonly Field[] = [
  { name: 'pid', type: 'u32', doc: 'Process id as the daemon sees it, from the kernel.' },
  { name: 'uid', type: 'u32', doc: 'User id, from the kernel.' },
  {
    name: 'name',
    type: 'str',
    max: 256,
    doc: 'Name by a rule or by XSCHED_NAME, else the executable.',
  },
  { name: 'exe', type: 'str', max: 4096, doc: 'Path of the executable, self-reported.' },
  { name: 'command', type: 'str', max: 4096, doc: 'Command line joined by spaces, self-reported.' },
];

export const RECORDS: readonly RecordSpec[] = [
  {
    name: 'QueueInfo',
    doc: 'One queue as `xsched ps` shows it.',
    fields: [
      { name: 'id', type: 'str', max: 64, doc: '`pid.queue`, what a person types to name it.' },
      ...clientFields,
      { name: 'device', type: 'str', max: 64, doc: 'UUID of the GPU.' },
      { name: 'stream', type: 'u64', doc: 'The stream handle; 1 legacy, 2 per-thread default.' },
      { name: 'label', type: 'str', max: 256, doc: 'Name of the model, or empty.' },
      { name: 'version', type: 'str', max: 32, doc: "The model's version, or empty." },
      { name: 'instance', type: 'str', max: 256, doc: 'Name of the model instance, or empty.' },
      { name: 'priority', type: 'i32', doc: 'Effective priority.' },
      {
        name: 'source',
        type: 'str',
        max: 64,
        doc: 'Where the priority came from: hint, rule, environment, model, default.',
      },
      { name: 'state', type: 'str', max: 16, doc: 'idle, running, suspended or stalled.' },
      { name: 'reason', type: 'str', max: 256, doc: 'Why it waits, or empty.' },
      {
        name: 'target',
        type: 'u32',
        doc: 'Microseconds that its work may keep those waiting who outrank it; 0: `window` counts.',
      },
      { name: 'window', type: 'u32', doc: 'Launches in flight allowed, 0 for no limit.' },
      {
        name: 'latency',
        type: 'u32',
        doc: "What of the target is its process's: microseconds of GPU time in flight allowed while it has a window.",
      },
      {
        name: 'latencyP50',
        type: 'u32',
        doc: 'Microseconds that what was in flight took of late, the median; 0: not measured.',
      },
      { name: 'latencyP99', type: 'u32', doc: 'The same, the 99th percentile.' },
      { name: 'waiting', type: 'bool', doc: 'A thread waits at the gate.' },
      { name: 'submitted', type: 'u64', doc: 'Launches, graph launches and copies so far.' },
      { name: 'completed', type: 'u64', doc: 'How many of them are known to have finished.' },
      { name: 'readyNs', type: 'u64', doc: 'Time spent ready so far, in nanoseconds.' },
      {
        name: 'waitedNs',
        type: 'u64',
        doc: 'Time that launches waited at the gate, in nanoseconds.',
      },
      { name: 'suspends', type: 'u64', doc: 'Times that it had to stop for others.' },
    ],
  },
  {
    name: 'CallInfo',
    doc: 'What one process called one function of the driver for, as `xsched ps --calls` shows it.',
    fields: [
      { name: 'pid', type: 'u32', doc: 'Process id as the daemon sees it, from the kernel.' },
      {
        name: 'name',
        type: 'str',
        max: 256,
        doc: 'Name by a rule or by XSCHED_NAME, else the executable.',
      },
      {
        name: 'function',
        type: 'str',
        max: LIMITS.FUNCTION_BYTES,
        doc: "The driver's name for it, with its suffixes.",
      },
      ...callFields,
    ],
  },
  {
    name: 'HintInfo',
    doc: 'One hint that is kept.',
    fields: [
      { name: 'target', type: 'str', max: 256, doc: 'As it was typed.' },
      { name: 'hint', type: 'str', max: 32, doc: 'What is set: `priority` or `latency`.' },
      { name: 'value', type: 'i32', doc: 'The value.' },
    ],
  },
  {
    name: 'DaemonStatus',
    doc: 'What `xsched status` shows.',
    fields: [
      { name: 'version', type: 'str', max: 64, doc: 'Version of the daemon.' },
      { name: 'protocol', type: 'u32', doc: 'Version of the protocol.' },
      { name: 'pid', type: 'u32', doc: 'Process id of the daemon.' },
      { name: 'generation', type: 'u64', doc: 'One life of the daemon.' },
      { name: 'uptimeMs', type: 'u64', doc: 'Since the daemon began, in milliseconds.' },
      { name: 'runtimeDir', type: 'str', max: 4096, doc: 'Folder of the sockets.' },
      { name: 'config', type: 'str', max: 4096, doc: 'Path of the configuration file, or empty.' },
      { name: 'policy', type: 'str', max: 64, doc: 'Name of the policy in force.' },
      { name: 'enabled', type: 'bool', doc: 'False after `xsched off`.' },
      { name: 'clients', type: 'u32', doc: 'Connected processes.' },
      { name: 'queues', type: 'u32', doc: 'Registered queues.' },
      { name: 'ready', type: 'u32', doc: 'Queues with work.' },
      { name: 'suspended', type: 'u32', doc: 'Queues whose permit is withdrawn.' },
      { name: 'messages', type: 'u64', doc: 'Messages taken from shims so far.' },
      {
        name: 'refused',
        type: 'u64',
        doc: 'Messages refused so far: malformed, oversized, unidentified.',
      },
      {
        name: 'unknownCalls',
        type: 'u64',
        doc: 'Calls that may have launched work past the shims, of processes that are connected.',
      },
      { name: 'hints', type: 'list', of: 'HintInfo', max: 1024, doc: 'Hints, the oldest first.' },
    ],
  },
];

export const CONTROL_MESSAGES: readonly MessageSpec[] = [
  {
    name: 'STATUS',
    opcode: 32,
    direction: 'control-up',
    doc: "Asks for the daemon's own state.",
    fields: [request, { name: 'version', type: 'u32', doc: 'PROTOCOL_VERSION of the controller.' }],
  },
  {
    name: 'STATUS_REPLY',
    opcode: 33,
    direction: 'control-down',
    doc: 'Answers STATUS.',
    fields: [request, { name: 'status', type: 'record', of: 'DaemonStatus', doc: 'The state.' }],
  },
  {
    name: 'LIST',
    opcode: 34,
    direction: 'control-up',
    doc: 'Asks for all queues.',
    fields: [request],
  },
  {
    name: 'LIST_REPLY',
    opcode: 35,
    direction: 'control-down',
    doc: 'Answers LIST.',
    fields: [
      request,
      { name: 'queues', type: 'list', of: 'QueueInfo', max: 65536, doc: 'All queues.' },
    ],
  },
  {
    name: 'HINT',
    opcode: 36,
    direction: 'control-up',
    doc: 'Gives the queues that a target names a value.',
    fields: [
      request,
      { name: 'target', type: 'str', max: 256, doc: 'A queue id, a pid, a name or a label.' },
      { name: 'hint', type: 'str', max: 32, doc: 'What is set: `priority` or `latency`.' },
      { name: 'value', type: 'i32', doc: 'The value; its range depends on the hint.' },
      { name: 'clear', type: 'bool', doc: 'Takes the hint back; value is ignored.' },
    ],
  },
  {
    name: 'HINT_REPLY',
    opcode: 37,
    direction: 'control-down',
    doc: 'Answers HINT.',
    fields: [
      request,
      {
        name: 'queues',
        type: 'strings',
        max: 65536,
        maxLength: 64,
        doc: 'The ids of the queues that it touched.',
      },
    ],
  },
  {
    name: 'POLICY',
    opcode: 38,
    direction: 'control-up',
    doc: 'Asks for the policy, or changes it.',
    fields: [
      request,
      { name: 'name', type: 'str', max: 64, doc: 'The policy to use, or empty to ask.' },
    ],
  },
  {
    name: 'POLICY_REPLY',
    opcode: 39,
    direction: 'control-down',
    doc: 'Answers POLICY.',
    fields: [
      request,
      { name: 'name', type: 'str', max: 64, doc: 'The policy in force.' },
      { name: 'available', type: 'strings', max: 64, maxLength: 64, doc: 'All policies.' },
    ],
  },
  {
    name: 'ENABLE',
    opcode: 40,
    direction: 'control-up',
    doc: 'Switches scheduling on or off: off opens every gate on the machine.',
    fields: [request, { name: 'enabled', type: 'bool', doc: 'What it shall be.' }],
  },
  {
    name: 'ENABLE_REPLY',
    opcode: 41,
    direction: 'control-down',
    doc: 'Answers ENABLE.',
    fields: [request, { name: 'enabled', type: 'bool', doc: 'What it is.' }],
  },
  {
    name: 'SUBSCRIBE',
    opcode: 42,
    direction: 'control-up',
    doc: 'Asks for EVENT messages, or for no more of them. Renewed every 5 s, dropped after 15 s.',
    fields: [request, { name: 'on', type: 'bool', doc: 'Whether events are wanted.' }],
  },
  {
    name: 'SUBSCRIBE_REPLY',
    opcode: 43,
    direction: 'control-down',
    doc: 'Answers SUBSCRIBE.',
    fields: [request, { name: 'on', type: 'bool', doc: 'What holds now.' }],
  },
  {
    name: 'EVENT',
    opcode: 44,
    direction: 'control-down',
    doc: 'Something happened.',
    fields: [
      { name: 'timeMs', type: 'u64', doc: 'Wall clock, milliseconds since 1970.' },
      {
        name: 'kind',
        type: 'str',
        max: 32,
        doc: 'registered, gone, model, suspended, resumed, hint, policy, enabled, stalled, unknown-call.',
      },
      {
        name: 'id',
        type: 'str',
        max: 64,
        doc: 'The queue or process that it happened to, or empty.',
      },
      { name: 'text', type: 'str', max: 512, doc: 'One line for a person.' },
    ],
  },
  {
    name: 'CALLS_LIST',
    opcode: 46,
    direction: 'control-up',
    doc: 'Asks what the driver was called for, by process and function.',
    fields: [request],
  },
  {
    name: 'CALLS_REPLY',
    opcode: 47,
    direction: 'control-down',
    doc: 'Answers CALLS_LIST.',
    fields: [
      request,
      { name: 'calls', type: 'list', of: 'CallInfo', max: 65536, doc: 'All that is known.' },
    ],
  },
  {
    name: 'CONTROL_ERROR',
    opcode: 45,
    direction: 'control-down',
    doc: 'Answers a request that could not be carried out.',
    fields: [
      request,
      { name: 'code', type: 'u32', doc: 'One of ERROR_CODES.' },
      {
        name: 'message',
        type: 'str',
        max: 1024,
        doc: 'For a person: the thing, the value, the limit.',
      },
    ],
  },
];
