/** Policies asked about made-up devices. */
import { DeviceQueues } from '../../../../daemon/policy/device-queues.js';
import type { Policy, PolicyQueue, Survey, Verdict } from '../../../../daemon/policy/policy.js';

/** A device with these queues. */
export function deviceOf(queues: readonly PolicyQueue[]): DeviceQueues<PolicyQueue> {
  const device = new DeviceQueues<PolicyQueue>('GPU-0');
  for (const queue of queues) device.update(queue);
  return device;
}

/** What a policy says of all queues of a device, in their order. */
export function decide(
  policy: Policy,
  queues: readonly PolicyQueue[],
  now: number,
): { readonly survey: Survey; readonly verdicts: readonly Verdict[] } {
  const survey = policy.survey(deviceOf(queues), now);
  return { survey, verdicts: queues.map((queue) => policy.judge(queue, survey)) };
}
