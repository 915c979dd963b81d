/** All settings, repeat by repeat. */
import type { Progress } from '../demo/progress.js';
import { measureSetting, type Context, type Measurement } from './measure.js';
import { HIGH_MODEL, LOW_MODEL } from './models.js';
import type { Options, Setting } from './options.js';

/** What starting and ending a server and its clients is planned to take. */
const START_SECONDS = 5;

function settingSeconds(setting: Setting, seconds: number): number {
  return START_SECONDS + (setting === 'standalone' ? 1.5 * seconds : seconds);
}

/** How long everything takes, in seconds. */
export function plannedSeconds({ settings, seconds, repeat }: Options): number {
  const each = settings.map((setting) => settingSeconds(setting, seconds));
  return repeat * each.reduce((total, value) => total + value, 0);
}

function describe(setting: Setting, repeat: number, repeats: number): string {
  const number = repeats === 1 ? '' : `${repeat}/${repeats} `;
  const beside = setting === 'standalone' ? 'alone' : `beside ${LOW_MODEL}`;
  return `${number}${setting}: ${HIGH_MODEL[setting]} ${beside}`;
}

/**
 * Measures all settings in turn, as often as the options say, so that whatever else the machine does
 * meets all of them. Each measurement is added to `measured` as soon as it is there.
 */
export async function measureAll(
  context: Context,
  progress: Progress,
  measured: Measurement[],
): Promise<void> {
  const { settings, seconds, repeat: repeats } = context.options;
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    for (const setting of settings) {
      const title = describe(setting, repeat, repeats);
      const work = (): Promise<Measurement> => measureSetting(context, setting, repeat);
      const planned = settingSeconds(setting, seconds);
      measured.push(await progress.phase(title, planned, () => '', work));
    }
  }
}
