// ESLint's rules: strict and type-checked for TypeScript, the recommended ones for the tools.

import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders of ours that each folder may import; test/ may import all of them. */
const MAY_IMPORT = {
  protocol: [],
  native: ['protocol'],
  daemon: ['protocol', 'native'],
  'client-lib': ['protocol'],
};

/** What plain scripts may use without importing it. */
const NODE_GLOBALS = ['process', 'console', 'Buffer', 'URL', 'setTimeout', 'clearTimeout', 'fetch'];

const FOLDERS = ['protocol', 'native', 'daemon', 'client-lib', 'shim', 'test'];

/** The rule that keeps a folder from importing what it must not. */
function restrictImports(folder) {
  const forbidden = FOLDERS.filter((name) => name !== folder && !MAY_IMPORT[folder].includes(name));
  const allowed = MAY_IMPORT[folder].map((name) => `${name}/`).join(' and ') || 'no other folder';
  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
              message: `${folder}/ may import ${allowed} only.`,
            },
          ],
        },
      ],
    },
  };
}

export default defineConfig(
  { ignores: ['build/', 'out/', 'node_modules/', '.cache/'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'TSEnumDeclaration',
          message: 'Use a union of string literals, or a const object: enums have no use here.',
        },
      ],
    },
  },
  ...Object.keys(MAY_IMPORT).map(restrictImports),
);
