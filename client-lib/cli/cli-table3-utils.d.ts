/** The measuring that cli-table3 does with string-width, which its own types leave out. */
declare module 'cli-table3/src/utils.js' {
  const utils: {
    /** Columns of the widest line, colours not counted. */
    strlen(text: string): number;
  };
  export default utils;
}
