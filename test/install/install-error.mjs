/** Something is missing on this machine; the message says what and how to get it. */
export class InstallError extends Error {}

/**
 * The end of every installer: what it installed as one line of JSON on standard output; where
 * something is missing, what it is on standard error and an exit status of 1.
 * @param {() => unknown} install
 */
export function reportInstallation(install) {
  try {
    console.log(JSON.stringify(install()));
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
