// The folders that hold a Makefile of their own, in the order in which they are built.

export const MAKE_FOLDERS = ['native', 'shim', 'test/sim', 'test/demo'];
