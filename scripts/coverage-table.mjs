// Writes docs/coverage.md and docs/coverage.json anew from the CPU's tables and its tests. With `--lower`, also where a count goes
// down, which the tests refuse otherwise.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const mode = process.argv.includes('--lower') ? 'lower' : 'write';
const { status } = spawnSync('vitest', ['run', '--project', 'isa-core', 'test/evidence'], {
  cwd: root,
  env: { ...process.env, WORLDSWITCH_COVERAGE: mode },
  stdio: 'inherit',
});
process.exit(status ?? 1);
