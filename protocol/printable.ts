/** Text of others, made fit to be shown: what programs say of themselves ends up on terminals. */

// C0, DEL, C1, line and paragraph separators, and the marks that reverse the direction of text.
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text with every character that a terminal would obey shown as an escape, on one line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escapeCharacter);
}

/** The escape of one character as JSON has it, such as `\u202e`. */
export function escapeUnicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  const code = character.charCodeAt(0);
  if (code > 0xff) return escapeUnicode(character);
  return `\\x${code.toString(16).padStart(2, '0')}`;
}
