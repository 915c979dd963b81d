/** The messages between a shim and the daemon. */
import { callFields } from './call-fields.js';
import { LEVELS, LIMITS } from './limits.js';
import type { Field, MessageSpec } from './spec.js';

const queue: Field = {
  name: 'queue',
  type: 'u32',
  doc: "The client's own number for the queue, unique in its process for the life of the link.",
};
const permitFields: readonly Field[] = [
  queue,
  { name: 'seq', type: 'u32', doc: "Counts the daemon's decisions on this queue; older is stale." },
  {
    name: 'acks',
    type: 'u32',
    doc: "The newest `seq` of the queue's REGISTER, READY or IDLE that the decision has seen.",
  },
  {
    name: 'priority',
    type: 'i32',
    min: LIMITS.PRIORITY_MIN,
    max: LIMITS.PRIORITY_MAX,
    doc: 'The effective priority; it also ranks the queue inside its process.',
  },
  {
    name: 'window',
    type: 'u32',
    max: LIMITS.WINDOW_MAX,
    doc: 'Launches that may be in flight where `latency` is 0; 0: nobody outranks it.',
  },
  {
    name: 'latency',
    type: 'u32',
    max: LIMITS.LATENCY_MAX_US,
    doc: "Microseconds of GPU time that this process's outranked queues on the device may have in flight together, half of them where only other processes outrank the queue and it has no slot, less what the device needs to pass on to them where it has one; 0: `window` counts launches.",
  },
  {
    name: 'watched',
    type: 'bool',
    doc: 'Whether somebody of a lower rank in another process waits for the end of its work.',
  },
  {
    name: 'notify',
    type: 'bool',
    doc: 'The same of somebody who does not see that on the board: READY and IDLE matter at once.',
  },
  { name: 'enabled', type: 'bool', doc: 'False while scheduling is switched off: all passes.' },
  {
    name: 'slot',
    type: 'u32',
    max: LIMITS.BOARD_DEVICES * LIMITS.BOARD_SLOTS,
    doc: "The queue's slot on the board, whose mask holds it back too; 0 for none.",
  },
];

/** Which model it is, under the name that the message gives the model's name. */
function labelFields(name: string): readonly Field[] {
  return [
    { name, type: 'str', max: LIMITS.LABEL_BYTES, doc: 'Name of the model, or empty.' },
    {
      name: 'modelVersion',
      type: 'str',
      max: LIMITS.VERSION_BYTES,
      doc: "The model's version, or empty.",
    },
    {
      name: 'instance',
      type: 'str',
      max: LIMITS.LABEL_BYTES,
      doc: 'Name of the model instance; empty for the model as a whole.',
    },
    {
      name: 'level',
      type: 'u8',
      max: LEVELS.MAX,
      doc: "One of LEVELS: how important the model's own configuration calls it.",
    },
  ];
}

const label: Field = {
  name: 'label',
  type: 'u32',
  doc: "The client's own number for the model instance, unique in its process.",
};

export const AGENT_MESSAGES: readonly MessageSpec[] = [
  {
    name: 'HELLO',
    opcode: 1,
    direction: 'agent-up',
    doc: 'The first message of a link. A process that was known before is replaced.',
    fields: [
      { name: 'version', type: 'u32', doc: 'PROTOCOL_VERSION of the client.' },
      { name: 'pid', type: 'u32', doc: "The client's process id in its own namespace." },
      {
        name: 'startTime',
        type: 'u64',
        doc: 'Field 22 of /proc/self/stat, in clock ticks since boot.',
      },
      { name: 'exe', type: 'str', max: 4096, doc: 'Path of the executable.' },
      {
        name: 'command',
        type: 'str',
        max: 4096,
        doc: 'Command line, arguments joined by spaces, cut at the limit.',
      },
      { name: 'name', type: 'str', max: 256, doc: 'XSCHED_NAME, or empty.' },
      { name: 'hasPriority', type: 'bool', doc: 'Whether the environment asks for a priority.' },
      {
        name: 'priority',
        type: 'i32',
        min: LIMITS.PRIORITY_MIN,
        max: LIMITS.PRIORITY_MAX,
        doc: 'XSCHED_PRIORITY, 0 without one.',
      },
      { name: 'shim', type: 'str', max: 64, doc: "The shim's version." },
      {
        name: 'board',
        type: 'u64',
        doc: 'The nonce that it reads on the board, if it may write `ready`; else 0.',
      },
    ],
  },
  {
    name: 'REGISTER',
    opcode: 2,
    direction: 'agent-up',
    doc: 'A queue exists. Answered by PERMIT or SUSPEND; repeated until then.',
    fields: [
      queue,
      { name: 'seq', type: 'u32', doc: "Counts the queue's own changes of state." },
      {
        name: 'device',
        type: 'str',
        max: 64,
        doc: 'UUID of the GPU or MIG slice, as nvidia-smi prints it.',
      },
      {
        name: 'context',
        type: 'u64',
        doc: 'Low 53 bits of the CUDA context handle, to tell queues apart.',
      },
      { name: 'stream', type: 'u64', doc: 'The stream handle; 1 legacy, 2 per-thread default.' },
      {
        name: 'streamPriority',
        type: 'i32',
        doc: "The stream's CUDA priority; lower is more urgent.",
      },
      ...labelFields('label'),
      { name: 'ready', type: 'bool', doc: 'Whether it has work now.' },
      {
        name: 'mps',
        type: 'bool',
        doc: 'Whether the device runs kernels of several processes beside each other.',
      },
    ],
  },
  {
    name: 'READY',
    opcode: 3,
    direction: 'agent-up',
    doc: 'The queue has work: sent at once where `notify` is set, and some time later where it is not. Repeated every READY_REPEAT_MS while a thread waits at the gate.',
    fields: [
      queue,
      { name: 'seq', type: 'u32', doc: "Counts the queue's own changes of state; older is stale." },
      {
        name: 'waiting',
        type: 'bool',
        doc: 'A thread waits at the gate: answer with the full state.',
      },
    ],
  },
  {
    name: 'IDLE',
    opcode: 4,
    direction: 'agent-up',
    doc: 'All work of the queue has left the GPU and no thread is at the gate.',
    fields: [
      queue,
      { name: 'seq', type: 'u32', doc: "Counts the queue's own changes of state; older is stale." },
    ],
  },
  {
    name: 'UNREGISTER',
    opcode: 5,
    direction: 'agent-up',
    doc: 'The queue is gone: its stream or context was destroyed.',
    fields: [queue],
  },
  {
    name: 'STATS',
    opcode: 6,
    direction: 'agent-up',
    doc: 'The whole state of a queue: repairs lost messages and feeds `xsched top`.',
    fields: [
      queue,
      { name: 'seq', type: 'u32', doc: "Counts the queue's own changes of state; older is stale." },
      { name: 'ready', type: 'bool', doc: 'Whether it has work.' },
      { name: 'waiting', type: 'bool', doc: 'A thread waits at the gate.' },
      { name: 'submitted', type: 'u64', doc: 'Launches, graph launches and copies so far.' },
      { name: 'completed', type: 'u64', doc: 'How many of them are known to have finished.' },
      { name: 'readyNs', type: 'u64', doc: 'Time in which it had work.' },
      { name: 'waitedNs', type: 'u64', doc: 'Time that launches waited at the gate.' },
      { name: 'suspends', type: 'u64', doc: 'Times that launches came to wait at the gate.' },
      {
        name: 'applied',
        type: 'u32',
        doc: 'The newest `seq` of PERMIT or SUSPEND that the shim obeys.',
      },
      {
        name: 'latencyP50',
        type: 'u32',
        doc: 'Microseconds that what was in flight of the queue took of late to leave the GPU, the median; 0: nothing was measured.',
      },
      { name: 'latencyP99', type: 'u32', doc: 'The same, what 99 of 100 times stayed below.' },
    ],
  },
  {
    name: 'BYE',
    opcode: 7,
    direction: 'agent-up',
    doc: 'The process leaves; all its queues go.',
    fields: [],
  },
  {
    name: 'SERVE',
    opcode: 8,
    direction: 'agent-up',
    doc: 'The process serves a model instance, in itself or in a child. Answered by SERVED.',
    fields: [label, ...labelFields('model')],
  },
  {
    name: 'UNSERVE',
    opcode: 9,
    direction: 'agent-up',
    doc: 'The model instance is unloaded.',
    fields: [label],
  },
  {
    name: 'CALLS',
    opcode: 10,
    direction: 'agent-up',
    doc: 'What one function of the driver has been called for so far. Sent every CALLS_MS when it changed.',
    fields: [
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
    name: 'WELCOME',
    opcode: 16,
    direction: 'agent-down',
    doc: 'Answers HELLO.',
    fields: [
      { name: 'version', type: 'u32', doc: 'PROTOCOL_VERSION of the daemon.' },
      { name: 'generation', type: 'u64', doc: 'One life of the daemon.' },
      { name: 'enabled', type: 'bool', doc: 'False while scheduling is switched off.' },
      {
        name: 'streamPriority',
        type: 'bool',
        doc: "Whether streams' CUDA priorities rank queues inside the process.",
      },
    ],
  },
  {
    name: 'PERMIT',
    opcode: 17,
    direction: 'agent-down',
    doc: 'The queue may launch. Level-triggered: it carries the whole state.',
    fields: permitFields,
  },
  {
    name: 'SUSPEND',
    opcode: 18,
    direction: 'agent-down',
    doc: 'The queue may not launch. Level-triggered: it carries the whole state.',
    fields: permitFields,
  },
  {
    name: 'ERROR',
    opcode: 19,
    direction: 'agent-down',
    doc: 'What was wrong with a message; after VERSION or IDENTITY the client is not served.',
    fields: [
      { name: 'code', type: 'u32', doc: 'One of ERROR_CODES.' },
      {
        name: 'message',
        type: 'str',
        max: 1024,
        doc: 'For a person: the thing, the value, the limit.',
      },
    ],
  },
  {
    name: 'SERVED',
    opcode: 20,
    direction: 'agent-down',
    doc: 'Answers SERVE.',
    fields: [label],
  },
];
