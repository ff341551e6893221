import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import boundaries from 'eslint-plugin-boundaries';
import { importX } from 'eslint-plugin-import-x';
import tsdoc from 'eslint-plugin-tsdoc';
import globals from 'globals';
import tseslint from 'typescript-eslint';

const hardware = ['platform', 'mmu', 'gic', 'devices', 'isa-core', 'smmu', 'jit'];
const kit = ['platform', 'mmu', 'gic', 'devices', 'isa-core', 'machine'];

/**
 * What the sources of each package may import; each edge points down the layers.
 *
 * @type {Record<string, string[]>}
 */
const layers = {
  platform: [],
  testkit: ['platform'],
  mmu: ['platform'],
  gic: ['platform'],
  devices: ['platform'],
  'isa-core': ['platform', 'mmu'],
  smmu: ['platform', 'mmu'],
  jit: ['platform', 'mmu', 'isa-core'],
  machine: hardware,
  vmm: kit,
  'hypervisor-classic': [...kit, 'vmm'],
  'hypervisor-paravirt': [...kit, 'vmm'],
  'microkernel-l4': [...kit, 'vmm'],
  'hypervisor-hybrid': [...kit, 'vmm'],
  guests: [],
};
const packages = Object.keys(layers);

/** The host's time, chance and world: a simulated machine that reads them cannot be replayed. */
const hostGlobals = [
  'Date',
  'performance',
  'crypto',
  'fetch',
  'setTimeout',
  'setInterval',
  'queueMicrotask',
  'requestAnimationFrame',
  'console',
];

/** @param {string} root the workspace's root folder */
export function workspace(root) {
  return defineConfig(
    globalIgnores(['**/dist/', '**/coverage/', '**/.turbo/', '**/temp/']),
    js.configs.recommended,
    {
      files: ['**/*.ts', '**/*.tsx'],
      extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
      languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
      rules: {
        '@typescript-eslint/consistent-type-imports': 'error',
        '@typescript-eslint/switch-exhaustiveness-check': 'error',
        '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      },
    },
    {
      files: ['**/*.ts', '**/*.tsx', '**/*.mjs'],
      plugins: { 'import-x': /** @type {any} */ (importX) },
      settings: {
        'import-x/extensions': ['.ts', '.mjs', '.js'],
        'import-x/external-module-folders': ['node_modules'],
        'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
        'import-x/resolver-next': [
          createTypeScriptImportResolver({
            project: ['packages/*/tsconfig.json', 'apps/*/tsconfig.json'],
            conditionNames: ['@worldswitch/source', 'types', 'import', 'node', 'default'],
            noWarnOnMultipleProjects: true,
          }),
        ],
      },
      rules: {
        'import-x/no-relative-packages': 'error',
        'import-x/no-extraneous-dependencies': 'error',
        'import-x/no-unresolved': 'error',
        'import-x/order': [
          'error',
          {
            groups: ['builtin', 'external', 'internal', ['parent', 'sibling', 'index'], 'object'],
            'newlines-between': 'always',
            alphabetize: { order: 'asc' },
            pathGroups: [{ pattern: '@worldswitch/**', group: 'internal' }],
            pathGroupsExcludedImportTypes: ['builtin'],
          },
        ],
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                group: ['@worldswitch/*/src/*', '@worldswitch/*/dist/*'],
                message: "Import the package's public entry.",
              },
            ],
          },
        ],
      },
    },
    {
      files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      plugins: { boundaries: /** @type {any} */ (boundaries), tsdoc: /** @type {any} */ (tsdoc) },
      settings: {
        'boundaries/root-path': root,
        'boundaries/elements': [
          ...packages.map((type) => ({ type, pattern: `packages/${type}` })),
          { type: 'app', pattern: 'apps/*' },
        ],
        'import/resolver': {
          typescript: {
            project: ['packages/*/tsconfig.json', 'apps/*/tsconfig.json'],
            conditionNames: ['@worldswitch/source', 'types', 'import', 'default'],
            noWarnOnMultipleProjects: true,
          },
        },
      },
      rules: {
        'tsdoc/syntax': 'error',
        'boundaries/dependencies': [
          'error',
          {
            default: 'disallow',
            checkAllOrigins: false,
            policies: [
              ...packages.map((type) => ({
                from: { element: { type } },
                allow: { to: { element: { type: [type, ...(layers[type] ?? [])] } } },
              })),
              { from: { element: { type: 'app' } }, allow: { to: { element: { type: packages } } } },
            ],
          },
        ],
        'boundaries/no-unknown-files': 'error',
      },
    },
    {
      files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      rules: { 'max-lines': ['error', { max: 500 }] },
    },
    {
      files: ['packages/*/src/**/*.ts'],
      ignores: ['packages/*/src/node/**'],
      rules: { 'import-x/no-nodejs-modules': 'error' },
    },
    {
      files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      rules: { 'import-x/no-extraneous-dependencies': ['error', { devDependencies: false }] },
    },
    {
      files: [...hardware, 'machine'].map((name) => `packages/${name}/src/**/*.ts`),
      ignores: ['packages/*/src/node/**'],
      rules: {
        'no-restricted-globals': [
          'error',
          ...hostGlobals.map((name) => ({
            name,
            message: 'The simulated machine knows no host: time and input come through the platform.',
          })),
        ],
        'no-restricted-properties': [
          'error',
          { object: 'Math', property: 'random', message: 'Runs are deterministic.' },
          ...hostGlobals.map((property) => ({ object: 'globalThis', property })),
        ],
      },
    },
    { files: ['**/*.mjs', '**/*.config.ts', 'apps/cli/**'], languageOptions: { globals: globals.node } },
    // they run before the installation, when no package has its name yet
    { files: ['scripts/*.mjs'], rules: { 'import-x/no-relative-packages': 'off' } },
    { files: ['**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
  );
}
