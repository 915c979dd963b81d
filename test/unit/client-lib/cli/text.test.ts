import { describe, expect, it } from 'vitest';
import { makeColors } from '../../../../client-lib/cli/colors.js';
import { cutText, printable, textWidth, toJson } from '../../../../client-lib/cli/text.js';

describe('printable', () => {
  it('shows what a terminal would obey', () => {
    expect(printable('a\x1b[2Jb\rc\nd\x9be\x7f')).toBe('a\\x1b[2Jb\\x0dc\\nd\\x9be\\x7f');
    expect(printable('x\u202ey')).toBe('x\\u202ey');
  });

  it('leaves letters of all scripts alone', () => {
    expect(printable('modèle 模型 🚀')).toBe('modèle 模型 🚀');
  });
});

describe('toJson', () => {
  it('escapes what JSON.stringify lets through, and means the same', () => {
    const value = { name: 'a\x1b\x9b\x7f\u202e' };
    const text = toJson(value);
    expect(text).toBe('{"name":"a\\u001b\\u009b\\u007f\\u202e"}');
    expect(JSON.parse(text)).toEqual(value);
  });
});

describe('cutText', () => {
  it('counts the columns of wide letters', () => {
    expect(textWidth('模型')).toBe(4);
    expect(textWidth(cutText('模型模型', 5))).toBeLessThanOrEqual(5);
  });

  it('cuts between what a reader takes for characters', () => {
    expect(cutText('🚀🚀🚀', 4)).toBe('🚀…');
    expect(cutText('🚀🚀🚀', 5)).toBe('🚀🚀…');
    expect(cutText('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
    expect(cutText('👩‍👩‍👧a👩‍👩‍👧', 4)).toBe('👩‍👩‍👧a…');
  });

  it('closes what it has opened', () => {
    const { cyan, dim } = makeColors(true);
    expect(cutText(`${cyan('blue')} ${dim('pale')}`, 7)).toBe(`${cyan('blue')} ${dim('p…')}`);
    expect(cutText(`${cyan('blue')} ${dim('pale')}`, 3)).toBe(`${cyan('bl…')}${dim('')}`);
  });

  it('leaves short text alone and marks what was cut', () => {
    expect(cutText('short', 5)).toBe('short');
    expect(cutText('longer', 5)).toBe('long…');
    expect(cutText('longer', 0)).toBe('');
  });
});
