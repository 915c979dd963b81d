import { expect, it } from 'vitest';
import { makeColors } from '../../../../../client-lib/cli/colors.js';
import { formatEvent } from '../../../../../client-lib/cli/commands/events.js';

const colors = makeColors(false);
const timeMs = new Date(2026, 1, 3, 4, 5, 6, 7).getTime();

it('puts an event on one line, with the queue where the text does not name it', () => {
  const event = { timeMs, kind: 'suspended', id: '1.2', text: 'by the policy' };
  expect(formatEvent(event, colors)).toBe('04:05:06.007  suspended     1.2: by the policy');
  const named = { ...event, text: '1.2 waits' };
  expect(formatEvent(named, colors)).toBe('04:05:06.007  suspended     1.2 waits');
});

it('shows what a terminal would obey', () => {
  const event = { timeMs, kind: 'gone', id: '', text: 'a\x1b[2J\nb' };
  expect(formatEvent(event, colors)).toContain('a\\x1b[2J\\nb');
});
