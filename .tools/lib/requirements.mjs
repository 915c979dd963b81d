// What the machine itself must bring: Node, a C and C++ compiler, make.

import { runProgram, StepError } from './steps.mjs';

const NODE_MINIMUM = [20, 19];

/** Throws a StepError when this Node is older than the one that package.json asks for. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [needMajor, needMinor] = NODE_MINIMUM;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new StepError(
    `This needs Node ${NODE_MINIMUM.join('.')} or newer; this is Node ${process.versions.node} ` +
      `(${process.execPath}).`,
  );
}

/**
 * Throws a StepError that names every missing tool and the command that installs them.
 * @param {string} root the repository
 */
export async function checkCompilers(root) {
  const wanted = [
    { program: process.env.CC || 'cc', what: 'a C compiler' },
    { program: process.env.CXX || 'g++', what: 'a C++ compiler' },
    { program: 'make', what: 'GNU make' },
  ];
  const missing = [];
  for (const { program, what } of wanted) {
    const { status } = await runProgram([program, '--version'], { cwd: root });
    if (status !== 0) missing.push(`  ${what} (tried: ${program} --version)`);
  }
  if (missing.length === 0) return;
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  throw new StepError(
    `Missing on this machine:\n${missing.join('\n')}\n\n` +
      `On Debian or Ubuntu this installs them:\n  ${sudo}apt-get update && ${sudo}apt-get install -y build-essential`,
  );
}
