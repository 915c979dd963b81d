// Runs one step of the set-up or of the lint: one line with its time; its output only if it fails.

import { spawn } from 'node:child_process';

/** A failure that has already been explained to the person at the terminal. */
export class StepError extends Error {}

/**
 * Runs a program and collects what it prints.
 * @param {string[]} argv program and arguments
 * @param {{cwd: string, env?: Record<string, string>}} options
 * @returns {Promise<{status: number, output: string}>} status 127 when the program is not there
 */
export function runProgram(argv, { cwd, env = {} }) {
  const [program, ...args] = argv;
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) =>
      resolve({ status: 127, output: `${program}: ${error.message}\n` }),
    );
    child.on('close', (code, signal) => {
      const note = signal ? `\n${program}: ended by ${signal}\n` : '';
      resolve({ status: code ?? 1, output: Buffer.concat(chunks).toString() + note });
    });
  });
}

/**
 * Runs the action of a step and prints one line about it.
 * @param {string} name what the line says
 * @param {() => Promise<string | void>} action may return a short note for the end of the line
 */
export async function runStep(name, action) {
  const startedMs = Date.now();
  const label = `  ${name.padEnd(28)}`;
  if (process.stdout.isTTY) process.stdout.write(`${label} …\r`);
  let mark = 'failed';
  let note = '';
  try {
    note = (await action()) ?? '';
    mark = 'ok';
  } finally {
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1).padStart(6);
    console.log(`${label} ${mark.padEnd(6)} ${seconds} s${note ? `  ${note}` : ''}`);
  }
}

/**
 * Runs a program as (part of) a step; a failure prints all its output.
 * @param {string} name what failed, for the message
 * @param {string[]} argv program and arguments
 * @param {{cwd: string, env?: Record<string, string>}} options
 * @returns {Promise<string>} what it printed
 */
export async function runChecked(name, argv, options) {
  const { status, output } = await runProgram(argv, options);
  if (status !== 0) {
    throw new StepError(`${name} failed (exit status ${status}): ${argv.join(' ')}\n\n${output}`);
  }
  return output;
}

/**
 * Runs main and turns its failure into a message and exit status 1.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    console.error(`\n${error instanceof StepError ? error.message : error.stack}`);
    process.exitCode = 1;
  }
}
