/** What clients that said HELLO say. */
import { ERROR_CODES } from '../../protocol/messages.js';
import { takeCalls } from './calls.js';
import { loseClient, refuse } from './clients.js';
import type { Turn } from './decide.js';
import type { Event } from './events.js';
import { hearClient } from './liveness.js';
import { endModel, serveModel } from './models.js';
import { registerQueue, removeQueue, setReady, takeStats } from './queues.js';
import { describeQueue, isOlder } from './state.js';

type AgentMessage = Extract<Event, { type: 'message' }>['message'];

/** A message of a client that said HELLO before. */
export function hearMessage(turn: Turn, link: string, message: AgentMessage): void {
  const client = turn.state.clients.get(link);
  if (client === undefined) {
    refuse(turn, link, ERROR_CODES.STATE, `${message.type} came before HELLO`);
    return;
  }
  hearClient(turn, client);
  if (message.type === 'BYE') {
    loseClient(turn, link, 'it said goodbye', false);
    return;
  }
  if (message.type === 'REGISTER') {
    const refusal = registerQueue(turn, client, message);
    if (refusal !== undefined) refuse(turn, link, ERROR_CODES.LIMIT, refusal);
    return;
  }
  if (message.type === 'SERVE') {
    const refusal = serveModel(turn, client, message);
    if (refusal !== undefined) refuse(turn, link, ERROR_CODES.LIMIT, refusal);
    return;
  }
  if (message.type === 'UNSERVE') {
    endModel(turn, client, message.label);
    return;
  }
  if (message.type === 'CALLS') {
    const refusal = takeCalls(turn, client, message);
    if (refusal !== undefined) refuse(turn, link, ERROR_CODES.LIMIT, refusal);
    return;
  }
  const queue = client.queues.get(message.queue);
  if (queue === undefined) {
    const text = `${message.type} names queue ${String(message.queue)}, which is not registered`;
    refuse(turn, link, ERROR_CODES.STATE, text);
    return;
  }
  switch (message.type) {
    case 'READY':
      if (!isOlder(message.seq, queue.clientSeq)) {
        queue.clientSeq = message.seq;
        setReady(turn, queue, true, message.waiting);
      }
      // Whoever waits is answered, so that a lost answer delays and never hangs.
      if (message.waiting) turn.answer(queue);
      return;
    case 'IDLE':
      if (isOlder(message.seq, queue.clientSeq)) return;
      queue.clientSeq = message.seq;
      setReady(turn, queue, false, false);
      return;
    case 'STATS':
      takeStats(turn, queue, message);
      return;
    case 'UNREGISTER':
      removeQueue(turn, queue);
      turn.state.hints.dropQueue(queue.id);
      turn.later({
        type: 'report',
        kind: 'gone',
        level: 'debug',
        id: queue.id,
        text: `queue ${describeQueue(queue)} is gone`,
      });
      return;
  }
}
