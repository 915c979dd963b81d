/**
 * Programs that use several devices: what they do on one waits for what they do on another, as in
 * collectives, so that they must not have their turns on each at other times.
 */
import type { Turn } from './decide.js';
import type { Client, Device, State } from './state.js';

/** A service manager is nobody's parent in this sense. */
const FIRST_PID = 1;

/**
 * A client uses a device, perhaps for the first time. It spans devices from now on, until it leaves, when
 * it uses another one too, or one of its family does: its parent, what that has started, or what it has
 * started itself. That may be more than belongs together, never less of what one launcher starts.
 */
export function noteDevice(turn: Turn, client: Client, device: Device): void {
  if (client.devices.has(device.id)) return;
  client.devices.add(device.id);
  const family = familyOf(turn.state, client);
  const devices = new Set([...family].flatMap((member) => [...member.devices]));
  if (devices.size < 2) return;
  for (const member of family) {
    if (member.spans) continue;
    member.spans = true;
    for (const queue of member.queues.values()) turn.touch(queue);
  }
}

function familyOf({ clientByPid, descendants }: State, client: Client): ReadonlySet<Client> {
  const family = new Set([client, ...(descendants.get(client.pid) ?? [])]);
  const parent = client.ancestors[0]?.pid ?? FIRST_PID;
  if (parent === FIRST_PID) return family;
  for (const sibling of descendants.get(parent) ?? []) family.add(sibling);
  const elder = clientByPid.get(parent);
  if (elder !== undefined) family.add(elder);
  return family;
}
