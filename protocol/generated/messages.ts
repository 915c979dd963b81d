/* Generated from protocol/messages.ts by protocol/generate.ts: change the table instead. */

/** One queue as `xsched ps` shows it. */
export interface QueueInfo {
  /** `pid.queue`, what a person types to name it. */
  readonly id: string;
  /** Process id as the daemon sees it, from the kernel. */
  readonly pid: number;
  /** User id, from the kernel. */
  readonly uid: number;
  /** Name by a rule or by XSCHED_NAME, else the executable. */
  readonly name: string;
  /** Path of the executable, self-reported. */
  readonly exe: string;
  /** Command line joined by spaces, self-reported. */
  readonly command: string;
  /** UUID of the GPU. */
  readonly device: string;
  /** The stream handle; 1 legacy, 2 per-thread default. */
  readonly stream: number;
  /** Name of the model, or empty. */
  readonly label: string;
  /** The model's version, or empty. */
  readonly version: string;
  /** Name of the model instance, or empty. */
  readonly instance: string;
  /** Effective priority. */
  readonly priority: number;
  /** Where the priority came from: hint, rule, environment, model, default. */
  readonly source: string;
  /** idle, running, suspended or stalled. */
  readonly state: string;
  /** Why it waits, or empty. */
  readonly reason: string;
  /** Microseconds that its work may keep those waiting who outrank it; 0: `window` counts. */
  readonly target: number;
  /** Launches in flight allowed, 0 for no limit. */
  readonly window: number;
  /** What of the target is its process's: microseconds of GPU time in flight allowed while it has a window. */
  readonly latency: number;
  /** Microseconds that what was in flight took of late, the median; 0: not measured. */
  readonly latencyP50: number;
  /** The same, the 99th percentile. */
  readonly latencyP99: number;
  /** A thread waits at the gate. */
  readonly waiting: boolean;
  /** Launches, graph launches and copies so far. */
  readonly submitted: number;
  /** How many of them are known to have finished. */
  readonly completed: number;
  /** Time spent ready so far, in nanoseconds. */
  readonly readyNs: number;
  /** Time that launches waited at the gate, in nanoseconds. */
  readonly waitedNs: number;
  /** Times that it had to stop for others. */
  readonly suspends: number;
}

/** What one process called one function of the driver for, as `xsched ps --calls` shows it. */
export interface CallInfo {
  /** Process id as the daemon sees it, from the kernel. */
  readonly pid: number;
  /** Name by a rule or by XSCHED_NAME, else the executable. */
  readonly name: string;
  /** The driver's name for it, with its suffixes. */
  readonly function: string;
  /** Went through the gate without waiting. */
  readonly passed: number;
  /** Waited at the gate. */
  readonly gated: number;
  /** Reached the driver without the gate: what is never held back, or has no queue. */
  readonly bypassed: number;
  /** Went into a graph that was being captured. */
  readonly captured: number;
  /** The shim does not know the function. */
  readonly unknown: number;
}

/** One hint that is kept. */
export interface HintInfo {
  /** As it was typed. */
  readonly target: string;
  /** What is set: `priority` or `latency`. */
  readonly hint: string;
  /** The value. */
  readonly value: number;
}

/** What `xsched status` shows. */
export interface DaemonStatus {
  /** Version of the daemon. */
  readonly version: string;
  /** Version of the protocol. */
  readonly protocol: number;
  /** Process id of the daemon. */
  readonly pid: number;
  /** One life of the daemon. */
  readonly generation: number;
  /** Since the daemon began, in milliseconds. */
  readonly uptimeMs: number;
  /** Folder of the sockets. */
  readonly runtimeDir: string;
  /** Path of the configuration file, or empty. */
  readonly config: string;
  /** Name of the policy in force. */
  readonly policy: string;
  /** False after `xsched off`. */
  readonly enabled: boolean;
  /** Connected processes. */
  readonly clients: number;
  /** Registered queues. */
  readonly queues: number;
  /** Queues with work. */
  readonly ready: number;
  /** Queues whose permit is withdrawn. */
  readonly suspended: number;
  /** Messages taken from shims so far. */
  readonly messages: number;
  /** Messages refused so far: malformed, oversized, unidentified. */
  readonly refused: number;
  /** Calls that may have launched work past the shims, of processes that are connected. */
  readonly unknownCalls: number;
  /** Hints, the oldest first. */
  readonly hints: readonly HintInfo[];
}

/** The first message of a link. A process that was known before is replaced. */
export interface HelloMessage {
  readonly type: 'HELLO';
  /** PROTOCOL_VERSION of the client. */
  readonly version: number;
  /** The client's process id in its own namespace. */
  readonly pid: number;
  /** Field 22 of /proc/self/stat, in clock ticks since boot. */
  readonly startTime: number;
  /** Path of the executable. */
  readonly exe: string;
  /** Command line, arguments joined by spaces, cut at the limit. */
  readonly command: string;
  /** XSCHED_NAME, or empty. */
  readonly name: string;
  /** Whether the environment asks for a priority. */
  readonly hasPriority: boolean;
  /** XSCHED_PRIORITY, 0 without one. */
  readonly priority: number;
  /** The shim's version. */
  readonly shim: string;
  /** The nonce that it reads on the board, if it may write `ready`; else 0. */
  readonly board: number;
}

/** A queue exists. Answered by PERMIT or SUSPEND; repeated until then. */
export interface RegisterMessage {
  readonly type: 'REGISTER';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the queue's own changes of state. */
  readonly seq: number;
  /** UUID of the GPU or MIG slice, as nvidia-smi prints it. */
  readonly device: string;
  /** Low 53 bits of the CUDA context handle, to tell queues apart. */
  readonly context: number;
  /** The stream handle; 1 legacy, 2 per-thread default. */
  readonly stream: number;
  /** The stream's CUDA priority; lower is more urgent. */
  readonly streamPriority: number;
  /** Name of the model, or empty. */
  readonly label: string;
  /** The model's version, or empty. */
  readonly modelVersion: string;
  /** Name of the model instance; empty for the model as a whole. */
  readonly instance: string;
  /** One of LEVELS: how important the model's own configuration calls it. */
  readonly level: number;
  /** Whether it has work now. */
  readonly ready: boolean;
  /** Whether the device runs kernels of several processes beside each other. */
  readonly mps: boolean;
}

/** The queue has work: sent at once where `notify` is set, and some time later where it is not. Repeated every READY_REPEAT_MS while a thread waits at the gate. */
export interface ReadyMessage {
  readonly type: 'READY';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the queue's own changes of state; older is stale. */
  readonly seq: number;
  /** A thread waits at the gate: answer with the full state. */
  readonly waiting: boolean;
}

/** All work of the queue has left the GPU and no thread is at the gate. */
export interface IdleMessage {
  readonly type: 'IDLE';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the queue's own changes of state; older is stale. */
  readonly seq: number;
}

/** The queue is gone: its stream or context was destroyed. */
export interface UnregisterMessage {
  readonly type: 'UNREGISTER';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
}

/** The whole state of a queue: repairs lost messages and feeds `xsched top`. */
export interface StatsMessage {
  readonly type: 'STATS';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the queue's own changes of state; older is stale. */
  readonly seq: number;
  /** Whether it has work. */
  readonly ready: boolean;
  /** A thread waits at the gate. */
  readonly waiting: boolean;
  /** Launches, graph launches and copies so far. */
  readonly submitted: number;
  /** How many of them are known to have finished. */
  readonly completed: number;
  /** Time in which it had work. */
  readonly readyNs: number;
  /** Time that launches waited at the gate. */
  readonly waitedNs: number;
  /** Times that launches came to wait at the gate. */
  readonly suspends: number;
  /** The newest `seq` of PERMIT or SUSPEND that the shim obeys. */
  readonly applied: number;
  /** Microseconds that what was in flight of the queue took of late to leave the GPU, the median; 0: nothing was measured. */
  readonly latencyP50: number;
  /** The same, what 99 of 100 times stayed below. */
  readonly latencyP99: number;
}

/** The process leaves; all its queues go. */
export interface ByeMessage {
  readonly type: 'BYE';
}

/** The process serves a model instance, in itself or in a child. Answered by SERVED. */
export interface ServeMessage {
  readonly type: 'SERVE';
  /** The client's own number for the model instance, unique in its process. */
  readonly label: number;
  /** Name of the model, or empty. */
  readonly model: string;
  /** The model's version, or empty. */
  readonly modelVersion: string;
  /** Name of the model instance; empty for the model as a whole. */
  readonly instance: string;
  /** One of LEVELS: how important the model's own configuration calls it. */
  readonly level: number;
}

/** The model instance is unloaded. */
export interface UnserveMessage {
  readonly type: 'UNSERVE';
  /** The client's own number for the model instance, unique in its process. */
  readonly label: number;
}

/** What one function of the driver has been called for so far. Sent every CALLS_MS when it changed. */
export interface CallsMessage {
  readonly type: 'CALLS';
  /** The driver's name for it, with its suffixes. */
  readonly function: string;
  /** Went through the gate without waiting. */
  readonly passed: number;
  /** Waited at the gate. */
  readonly gated: number;
  /** Reached the driver without the gate: what is never held back, or has no queue. */
  readonly bypassed: number;
  /** Went into a graph that was being captured. */
  readonly captured: number;
  /** The shim does not know the function. */
  readonly unknown: number;
}

/** Answers HELLO. */
export interface WelcomeMessage {
  readonly type: 'WELCOME';
  /** PROTOCOL_VERSION of the daemon. */
  readonly version: number;
  /** One life of the daemon. */
  readonly generation: number;
  /** False while scheduling is switched off. */
  readonly enabled: boolean;
  /** Whether streams' CUDA priorities rank queues inside the process. */
  readonly streamPriority: boolean;
}

/** The queue may launch. Level-triggered: it carries the whole state. */
export interface PermitMessage {
  readonly type: 'PERMIT';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the daemon's decisions on this queue; older is stale. */
  readonly seq: number;
  /** The newest `seq` of the queue's REGISTER, READY or IDLE that the decision has seen. */
  readonly acks: number;
  /** The effective priority; it also ranks the queue inside its process. */
  readonly priority: number;
  /** Launches that may be in flight where `latency` is 0; 0: nobody outranks it. */
  readonly window: number;
  /** Microseconds of GPU time that this process's outranked queues on the device may have in flight together, half of them where only other processes outrank the queue and it has no slot, less what the device needs to pass on to them where it has one; 0: `window` counts launches. */
  readonly latency: number;
  /** Whether somebody of a lower rank in another process waits for the end of its work. */
  readonly watched: boolean;
  /** The same of somebody who does not see that on the board: READY and IDLE matter at once. */
  readonly notify: boolean;
  /** False while scheduling is switched off: all passes. */
  readonly enabled: boolean;
  /** The queue's slot on the board, whose mask holds it back too; 0 for none. */
  readonly slot: number;
}

/** The queue may not launch. Level-triggered: it carries the whole state. */
export interface SuspendMessage {
  readonly type: 'SUSPEND';
  /** The client's own number for the queue, unique in its process for the life of the link. */
  readonly queue: number;
  /** Counts the daemon's decisions on this queue; older is stale. */
  readonly seq: number;
  /** The newest `seq` of the queue's REGISTER, READY or IDLE that the decision has seen. */
  readonly acks: number;
  /** The effective priority; it also ranks the queue inside its process. */
  readonly priority: number;
  /** Launches that may be in flight where `latency` is 0; 0: nobody outranks it. */
  readonly window: number;
  /** Microseconds of GPU time that this process's outranked queues on the device may have in flight together, half of them where only other processes outrank the queue and it has no slot, less what the device needs to pass on to them where it has one; 0: `window` counts launches. */
  readonly latency: number;
  /** Whether somebody of a lower rank in another process waits for the end of its work. */
  readonly watched: boolean;
  /** The same of somebody who does not see that on the board: READY and IDLE matter at once. */
  readonly notify: boolean;
  /** False while scheduling is switched off: all passes. */
  readonly enabled: boolean;
  /** The queue's slot on the board, whose mask holds it back too; 0 for none. */
  readonly slot: number;
}

/** What was wrong with a message; after VERSION or IDENTITY the client is not served. */
export interface ErrorMessage {
  readonly type: 'ERROR';
  /** One of ERROR_CODES. */
  readonly code: number;
  /** For a person: the thing, the value, the limit. */
  readonly message: string;
}

/** Answers SERVE. */
export interface ServedMessage {
  readonly type: 'SERVED';
  /** The client's own number for the model instance, unique in its process. */
  readonly label: number;
}

/** Asks for the daemon's own state. */
export interface StatusMessage {
  readonly type: 'STATUS';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** PROTOCOL_VERSION of the controller. */
  readonly version: number;
}

/** Answers STATUS. */
export interface StatusReplyMessage {
  readonly type: 'STATUS_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** The state. */
  readonly status: DaemonStatus;
}

/** Asks for all queues. */
export interface ListMessage {
  readonly type: 'LIST';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
}

/** Answers LIST. */
export interface ListReplyMessage {
  readonly type: 'LIST_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** All queues. */
  readonly queues: readonly QueueInfo[];
}

/** Gives the queues that a target names a value. */
export interface HintMessage {
  readonly type: 'HINT';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** A queue id, a pid, a name or a label. */
  readonly target: string;
  /** What is set: `priority` or `latency`. */
  readonly hint: string;
  /** The value; its range depends on the hint. */
  readonly value: number;
  /** Takes the hint back; value is ignored. */
  readonly clear: boolean;
}

/** Answers HINT. */
export interface HintReplyMessage {
  readonly type: 'HINT_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** The ids of the queues that it touched. */
  readonly queues: readonly string[];
}

/** Asks for the policy, or changes it. */
export interface PolicyMessage {
  readonly type: 'POLICY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** The policy to use, or empty to ask. */
  readonly name: string;
}

/** Answers POLICY. */
export interface PolicyReplyMessage {
  readonly type: 'POLICY_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** The policy in force. */
  readonly name: string;
  /** All policies. */
  readonly available: readonly string[];
}

/** Switches scheduling on or off: off opens every gate on the machine. */
export interface EnableMessage {
  readonly type: 'ENABLE';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** What it shall be. */
  readonly enabled: boolean;
}

/** Answers ENABLE. */
export interface EnableReplyMessage {
  readonly type: 'ENABLE_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** What it is. */
  readonly enabled: boolean;
}

/** Asks for EVENT messages, or for no more of them. Renewed every 5 s, dropped after 15 s. */
export interface SubscribeMessage {
  readonly type: 'SUBSCRIBE';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** Whether events are wanted. */
  readonly on: boolean;
}

/** Answers SUBSCRIBE. */
export interface SubscribeReplyMessage {
  readonly type: 'SUBSCRIBE_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** What holds now. */
  readonly on: boolean;
}

/** Something happened. */
export interface EventMessage {
  readonly type: 'EVENT';
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  /** registered, gone, model, suspended, resumed, hint, policy, enabled, stalled, unknown-call. */
  readonly kind: string;
  /** The queue or process that it happened to, or empty. */
  readonly id: string;
  /** One line for a person. */
  readonly text: string;
}

/** Asks what the driver was called for, by process and function. */
export interface CallsListMessage {
  readonly type: 'CALLS_LIST';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
}

/** Answers CALLS_LIST. */
export interface CallsReplyMessage {
  readonly type: 'CALLS_REPLY';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** All that is known. */
  readonly calls: readonly CallInfo[];
}

/** Answers a request that could not be carried out. */
export interface ControlErrorMessage {
  readonly type: 'CONTROL_ERROR';
  /** Chosen by the controller; its reply carries the same number. */
  readonly request: number;
  /** One of ERROR_CODES. */
  readonly code: number;
  /** For a person: the thing, the value, the limit. */
  readonly message: string;
}

export type AgentUp =
  | HelloMessage
  | RegisterMessage
  | ReadyMessage
  | IdleMessage
  | UnregisterMessage
  | StatsMessage
  | ByeMessage
  | ServeMessage
  | UnserveMessage
  | CallsMessage;

export type AgentDown =
  | WelcomeMessage
  | PermitMessage
  | SuspendMessage
  | ErrorMessage
  | ServedMessage;

export type ControlUp =
  | StatusMessage
  | ListMessage
  | HintMessage
  | PolicyMessage
  | EnableMessage
  | SubscribeMessage
  | CallsListMessage;

export type ControlDown =
  | StatusReplyMessage
  | ListReplyMessage
  | HintReplyMessage
  | PolicyReplyMessage
  | EnableReplyMessage
  | SubscribeReplyMessage
  | EventMessage
  | CallsReplyMessage
  | ControlErrorMessage;

export type Message = AgentUp | AgentDown | ControlUp | ControlDown;

/** JSON schemas of the decoded messages; `maxBytes` is a keyword of codec.ts. */
export const SCHEMAS: Readonly<Record<Message['type'], object>> = {
  HELLO: {"type":"object","additionalProperties":false,"required":["type","version","pid","startTime","exe","command","name","hasPriority","priority","shim","board"],"properties":{"type":{"const":"HELLO"},"version":{"type":"integer","minimum":0,"maximum":4294967295},"pid":{"type":"integer","minimum":0,"maximum":4294967295},"startTime":{"type":"integer","minimum":0,"maximum":9007199254740991},"exe":{"type":"string","maxBytes":4096},"command":{"type":"string","maxBytes":4096},"name":{"type":"string","maxBytes":256},"hasPriority":{"type":"boolean"},"priority":{"type":"integer","minimum":-255,"maximum":255},"shim":{"type":"string","maxBytes":64},"board":{"type":"integer","minimum":0,"maximum":9007199254740991}}},
  REGISTER: {"type":"object","additionalProperties":false,"required":["type","queue","seq","device","context","stream","streamPriority","label","modelVersion","instance","level","ready","mps"],"properties":{"type":{"const":"REGISTER"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295},"device":{"type":"string","maxBytes":64},"context":{"type":"integer","minimum":0,"maximum":9007199254740991},"stream":{"type":"integer","minimum":0,"maximum":9007199254740991},"streamPriority":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"label":{"type":"string","maxBytes":256},"modelVersion":{"type":"string","maxBytes":32},"instance":{"type":"string","maxBytes":256},"level":{"type":"integer","minimum":0,"maximum":3},"ready":{"type":"boolean"},"mps":{"type":"boolean"}}},
  READY: {"type":"object","additionalProperties":false,"required":["type","queue","seq","waiting"],"properties":{"type":{"const":"READY"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295},"waiting":{"type":"boolean"}}},
  IDLE: {"type":"object","additionalProperties":false,"required":["type","queue","seq"],"properties":{"type":{"const":"IDLE"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295}}},
  UNREGISTER: {"type":"object","additionalProperties":false,"required":["type","queue"],"properties":{"type":{"const":"UNREGISTER"},"queue":{"type":"integer","minimum":0,"maximum":4294967295}}},
  STATS: {"type":"object","additionalProperties":false,"required":["type","queue","seq","ready","waiting","submitted","completed","readyNs","waitedNs","suspends","applied","latencyP50","latencyP99"],"properties":{"type":{"const":"STATS"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295},"ready":{"type":"boolean"},"waiting":{"type":"boolean"},"submitted":{"type":"integer","minimum":0,"maximum":9007199254740991},"completed":{"type":"integer","minimum":0,"maximum":9007199254740991},"readyNs":{"type":"integer","minimum":0,"maximum":9007199254740991},"waitedNs":{"type":"integer","minimum":0,"maximum":9007199254740991},"suspends":{"type":"integer","minimum":0,"maximum":9007199254740991},"applied":{"type":"integer","minimum":0,"maximum":4294967295},"latencyP50":{"type":"integer","minimum":0,"maximum":4294967295},"latencyP99":{"type":"integer","minimum":0,"maximum":4294967295}}},
  BYE: {"type":"object","additionalProperties":false,"required":["type"],"properties":{"type":{"const":"BYE"}}},
  SERVE: {"type":"object","additionalProperties":false,"required":["type","label","model","modelVersion","instance","level"],"properties":{"type":{"const":"SERVE"},"label":{"type":"integer","minimum":0,"maximum":4294967295},"model":{"type":"string","maxBytes":256},"modelVersion":{"type":"string","maxBytes":32},"instance":{"type":"string","maxBytes":256},"level":{"type":"integer","minimum":0,"maximum":3}}},
  UNSERVE: {"type":"object","additionalProperties":false,"required":["type","label"],"properties":{"type":{"const":"UNSERVE"},"label":{"type":"integer","minimum":0,"maximum":4294967295}}},
  CALLS: {"type":"object","additionalProperties":false,"required":["type","function","passed","gated","bypassed","captured","unknown"],"properties":{"type":{"const":"CALLS"},"function":{"type":"string","maxBytes":96},"passed":{"type":"integer","minimum":0,"maximum":9007199254740991},"gated":{"type":"integer","minimum":0,"maximum":9007199254740991},"bypassed":{"type":"integer","minimum":0,"maximum":9007199254740991},"captured":{"type":"integer","minimum":0,"maximum":9007199254740991},"unknown":{"type":"integer","minimum":0,"maximum":9007199254740991}}},
  WELCOME: {"type":"object","additionalProperties":false,"required":["type","version","generation","enabled","streamPriority"],"properties":{"type":{"const":"WELCOME"},"version":{"type":"integer","minimum":0,"maximum":4294967295},"generation":{"type":"integer","minimum":0,"maximum":9007199254740991},"enabled":{"type":"boolean"},"streamPriority":{"type":"boolean"}}},
  PERMIT: {"type":"object","additionalProperties":false,"required":["type","queue","seq","acks","priority","window","latency","watched","notify","enabled","slot"],"properties":{"type":{"const":"PERMIT"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295},"acks":{"type":"integer","minimum":0,"maximum":4294967295},"priority":{"type":"integer","minimum":-255,"maximum":255},"window":{"type":"integer","minimum":0,"maximum":1021},"latency":{"type":"integer","minimum":0,"maximum":1000000},"watched":{"type":"boolean"},"notify":{"type":"boolean"},"enabled":{"type":"boolean"},"slot":{"type":"integer","minimum":0,"maximum":4096}}},
  SUSPEND: {"type":"object","additionalProperties":false,"required":["type","queue","seq","acks","priority","window","latency","watched","notify","enabled","slot"],"properties":{"type":{"const":"SUSPEND"},"queue":{"type":"integer","minimum":0,"maximum":4294967295},"seq":{"type":"integer","minimum":0,"maximum":4294967295},"acks":{"type":"integer","minimum":0,"maximum":4294967295},"priority":{"type":"integer","minimum":-255,"maximum":255},"window":{"type":"integer","minimum":0,"maximum":1021},"latency":{"type":"integer","minimum":0,"maximum":1000000},"watched":{"type":"boolean"},"notify":{"type":"boolean"},"enabled":{"type":"boolean"},"slot":{"type":"integer","minimum":0,"maximum":4096}}},
  ERROR: {"type":"object","additionalProperties":false,"required":["type","code","message"],"properties":{"type":{"const":"ERROR"},"code":{"type":"integer","minimum":0,"maximum":4294967295},"message":{"type":"string","maxBytes":1024}}},
  SERVED: {"type":"object","additionalProperties":false,"required":["type","label"],"properties":{"type":{"const":"SERVED"},"label":{"type":"integer","minimum":0,"maximum":4294967295}}},
  STATUS: {"type":"object","additionalProperties":false,"required":["type","request","version"],"properties":{"type":{"const":"STATUS"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"version":{"type":"integer","minimum":0,"maximum":4294967295}}},
  STATUS_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","status"],"properties":{"type":{"const":"STATUS_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"status":{"type":"object","additionalProperties":false,"required":["version","protocol","pid","generation","uptimeMs","runtimeDir","config","policy","enabled","clients","queues","ready","suspended","messages","refused","unknownCalls","hints"],"properties":{"version":{"type":"string","maxBytes":64},"protocol":{"type":"integer","minimum":0,"maximum":4294967295},"pid":{"type":"integer","minimum":0,"maximum":4294967295},"generation":{"type":"integer","minimum":0,"maximum":9007199254740991},"uptimeMs":{"type":"integer","minimum":0,"maximum":9007199254740991},"runtimeDir":{"type":"string","maxBytes":4096},"config":{"type":"string","maxBytes":4096},"policy":{"type":"string","maxBytes":64},"enabled":{"type":"boolean"},"clients":{"type":"integer","minimum":0,"maximum":4294967295},"queues":{"type":"integer","minimum":0,"maximum":4294967295},"ready":{"type":"integer","minimum":0,"maximum":4294967295},"suspended":{"type":"integer","minimum":0,"maximum":4294967295},"messages":{"type":"integer","minimum":0,"maximum":9007199254740991},"refused":{"type":"integer","minimum":0,"maximum":9007199254740991},"unknownCalls":{"type":"integer","minimum":0,"maximum":9007199254740991},"hints":{"type":"array","maxItems":1024,"items":{"type":"object","additionalProperties":false,"required":["target","hint","value"],"properties":{"target":{"type":"string","maxBytes":256},"hint":{"type":"string","maxBytes":32},"value":{"type":"integer","minimum":-2147483648,"maximum":2147483647}}}}}}}},
  LIST: {"type":"object","additionalProperties":false,"required":["type","request"],"properties":{"type":{"const":"LIST"},"request":{"type":"integer","minimum":0,"maximum":4294967295}}},
  LIST_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","queues"],"properties":{"type":{"const":"LIST_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"queues":{"type":"array","maxItems":65536,"items":{"type":"object","additionalProperties":false,"required":["id","pid","uid","name","exe","command","device","stream","label","version","instance","priority","source","state","reason","target","window","latency","latencyP50","latencyP99","waiting","submitted","completed","readyNs","waitedNs","suspends"],"properties":{"id":{"type":"string","maxBytes":64},"pid":{"type":"integer","minimum":0,"maximum":4294967295},"uid":{"type":"integer","minimum":0,"maximum":4294967295},"name":{"type":"string","maxBytes":256},"exe":{"type":"string","maxBytes":4096},"command":{"type":"string","maxBytes":4096},"device":{"type":"string","maxBytes":64},"stream":{"type":"integer","minimum":0,"maximum":9007199254740991},"label":{"type":"string","maxBytes":256},"version":{"type":"string","maxBytes":32},"instance":{"type":"string","maxBytes":256},"priority":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"source":{"type":"string","maxBytes":64},"state":{"type":"string","maxBytes":16},"reason":{"type":"string","maxBytes":256},"target":{"type":"integer","minimum":0,"maximum":4294967295},"window":{"type":"integer","minimum":0,"maximum":4294967295},"latency":{"type":"integer","minimum":0,"maximum":4294967295},"latencyP50":{"type":"integer","minimum":0,"maximum":4294967295},"latencyP99":{"type":"integer","minimum":0,"maximum":4294967295},"waiting":{"type":"boolean"},"submitted":{"type":"integer","minimum":0,"maximum":9007199254740991},"completed":{"type":"integer","minimum":0,"maximum":9007199254740991},"readyNs":{"type":"integer","minimum":0,"maximum":9007199254740991},"waitedNs":{"type":"integer","minimum":0,"maximum":9007199254740991},"suspends":{"type":"integer","minimum":0,"maximum":9007199254740991}}}}}},
  HINT: {"type":"object","additionalProperties":false,"required":["type","request","target","hint","value","clear"],"properties":{"type":{"const":"HINT"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"target":{"type":"string","maxBytes":256},"hint":{"type":"string","maxBytes":32},"value":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"clear":{"type":"boolean"}}},
  HINT_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","queues"],"properties":{"type":{"const":"HINT_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"queues":{"type":"array","maxItems":65536,"items":{"type":"string","maxBytes":64}}}},
  POLICY: {"type":"object","additionalProperties":false,"required":["type","request","name"],"properties":{"type":{"const":"POLICY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"name":{"type":"string","maxBytes":64}}},
  POLICY_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","name","available"],"properties":{"type":{"const":"POLICY_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"name":{"type":"string","maxBytes":64},"available":{"type":"array","maxItems":64,"items":{"type":"string","maxBytes":64}}}},
  ENABLE: {"type":"object","additionalProperties":false,"required":["type","request","enabled"],"properties":{"type":{"const":"ENABLE"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"enabled":{"type":"boolean"}}},
  ENABLE_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","enabled"],"properties":{"type":{"const":"ENABLE_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"enabled":{"type":"boolean"}}},
  SUBSCRIBE: {"type":"object","additionalProperties":false,"required":["type","request","on"],"properties":{"type":{"const":"SUBSCRIBE"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"on":{"type":"boolean"}}},
  SUBSCRIBE_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","on"],"properties":{"type":{"const":"SUBSCRIBE_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"on":{"type":"boolean"}}},
  EVENT: {"type":"object","additionalProperties":false,"required":["type","timeMs","kind","id","text"],"properties":{"type":{"const":"EVENT"},"timeMs":{"type":"integer","minimum":0,"maximum":9007199254740991},"kind":{"type":"string","maxBytes":32},"id":{"type":"string","maxBytes":64},"text":{"type":"string","maxBytes":512}}},
  CALLS_LIST: {"type":"object","additionalProperties":false,"required":["type","request"],"properties":{"type":{"const":"CALLS_LIST"},"request":{"type":"integer","minimum":0,"maximum":4294967295}}},
  CALLS_REPLY: {"type":"object","additionalProperties":false,"required":["type","request","calls"],"properties":{"type":{"const":"CALLS_REPLY"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"calls":{"type":"array","maxItems":65536,"items":{"type":"object","additionalProperties":false,"required":["pid","name","function","passed","gated","bypassed","captured","unknown"],"properties":{"pid":{"type":"integer","minimum":0,"maximum":4294967295},"name":{"type":"string","maxBytes":256},"function":{"type":"string","maxBytes":96},"passed":{"type":"integer","minimum":0,"maximum":9007199254740991},"gated":{"type":"integer","minimum":0,"maximum":9007199254740991},"bypassed":{"type":"integer","minimum":0,"maximum":9007199254740991},"captured":{"type":"integer","minimum":0,"maximum":9007199254740991},"unknown":{"type":"integer","minimum":0,"maximum":9007199254740991}}}}}},
  CONTROL_ERROR: {"type":"object","additionalProperties":false,"required":["type","request","code","message"],"properties":{"type":{"const":"CONTROL_ERROR"},"request":{"type":"integer","minimum":0,"maximum":4294967295},"code":{"type":"integer","minimum":0,"maximum":4294967295},"message":{"type":"string","maxBytes":1024}}},
};
