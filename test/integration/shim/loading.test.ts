/** Libraries that come and go; see test/shim/clients/loading.c. */
import { describe, expect, it } from 'vitest';
import { expectAllGone, runAlike } from './alike.js';
import { FakeAgentDaemon } from './fake-daemon.js';
import { makeEnvironment, makeStage, runClient } from './programs.js';

const ALARM = /libplugin\.so is loaded with RTLD_DEEPBIND .* what it launches is not scheduled\n/;

describe('a program that loads and unloads', () => {
  it('the driver, and uses it every time', async () => {
    const { daemon } = await runAlike('loading', ['driver']);
    await expectAllGone(daemon, 1);
  });

  it('a library that has work on the GPU, found beside the program', async () => {
    const { daemon } = await runAlike('loading', ['plugin']);
    await expectAllGone(daemon, 1);
    expect(daemon.list('REGISTER').length).toBeGreaterThan(3);
  });
});

describe('a library loaded with RTLD_DEEPBIND', () => {
  it('does what it does, and raises the alarm once when it finds the driver by itself', async () => {
    const expected = await runClient('loading', ['deep'], makeEnvironment(makeStage(), {}, false));
    const { stderr, ...ended } = await runClient('loading', ['deep'], makeEnvironment(makeStage()));
    expect({ ...ended, stderr: '' }).toEqual(expected);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).toMatch(ALARM);
  });

  it('is told to the daemon of a program that uses the GPU otherwise too', async () => {
    const stage = makeStage();
    const daemon = await FakeAgentDaemon.start(stage.runtimeDir);
    const args = ['deep', 'idle'];
    const { code, stderr } = await runClient('loading', args, makeEnvironment(stage));
    expect({ code, alarms: stderr.split('\n').length - 1 }).toEqual({ code: 0, alarms: 1 });
    expect(stderr).toMatch(ALARM);
    const { message } = await daemon.next('CALLS', (calls) => calls.unknown > 0);
    expect(message).toMatchObject({ function: 'dlopen RTLD_DEEPBIND: libplugin.so', unknown: 1 });
  });

  it('raises none when it has nothing to do with the driver', async () => {
    await runAlike('loading', ['deep', 'math']);
  });

  it('raises none where the shim is switched off', async () => {
    const env = makeEnvironment(makeStage(), { XSCHED_DISABLE: '1' });
    expect(await runClient('loading', ['deep'], env)).toMatchObject({ code: 0, stderr: '' });
  });
});
