/** Something is missing on this machine; the message says what and how to get it. */
export class InstallError extends Error {}
