/** `xsched policy`: shows or changes the policy. */
import { EXIT } from '../exit-codes.js';
import { writeJson, writeLine } from '../output.js';
import { printable } from '../text.js';
import type { Asking } from './asking.js';

/** @param name the policy to change to; undefined only asks */
export async function showPolicy(
  { controller, output, json }: Asking,
  name: string | undefined,
): Promise<number> {
  const policy = await controller.policy(name);
  if (json) {
    writeJson(output, policy);
    return EXIT.OK;
  }
  for (const available of policy.available) {
    const inForce = available === policy.name;
    writeLine(
      output,
      `${inForce ? '*' : ' '} ${printable(available)}${inForce ? '  in force' : ''}`,
    );
  }
  return EXIT.OK;
}
