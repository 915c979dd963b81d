/** What programs say of themselves, shown on a terminal. */
import { describe, expect, it } from 'vitest';
import { printable } from '../../../protocol/printable.js';

describe('printable', () => {
  it('shows what a terminal would obey as escapes', () => {
    expect(printable('a\nb\tc\u001b[2Jd\u009be\u007f')).toBe('a\\nb\\tc\\x1b[2Jd\\x9be\\x7f');
    expect(printable('a\u202eb\u2066c\u2028d')).toBe('a\\u202eb\\u2066c\\u2028d');
  });

  it('leaves everything else as it is', () => {
    expect(printable('größer \u{1f600} 模型 "x" \\n')).toBe('größer \u{1f600} 模型 "x" \\n');
  });
});
