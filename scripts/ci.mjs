// What a change must pass, on a machine that .ci/run has made ready. Checks that do not need each other share the cores;
// each prints when it has ended. One that fails stops none of the others, and counts as a failed test does.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const tally = join(root, 'temp', 'tally.json');
const env = { ...process.env, WORLDSWITCH_TALLY: tally };

// Two lanes that take about as long.
/** @type {string[][]} */
const checks = [
  ['tsc', '-b'],
  ['eslint', '.'],
];
const builds = [
  [
    'turbo',
    'run',
    'build',
    'hygiene',
    'api',
    '--continue=always',
    '--output-logs=errors-only',
    '--concurrency=2',
  ],
  ['size-limit'],
  ['prettier', '--check', '.'],
  ['depcruise', '--config', '.dependency-cruiser.mjs', 'packages', 'apps', 'tooling'],
  ['knip'],
];

/** Every processor has a worker: unless told, vitest leaves one to whoever watches. */
const testRun = ['vitest', 'run', '--maxWorkers=100%'];

/** Ratios to QEMU: recorded, and no more than that; but all engines have to give the same results. */
const ratios = [
  'node',
  'apps/cli/dist/main.js',
  'bench',
  ...['hot', 'breadth', 'shared', 'apart', '--quick', '--engines', 'jit,qemu,qemu-icount'],
  ...['--json', 'temp/bench.json'],
];

let passed = 0;
let failed = 0;

/**
 * @param {string[]} command
 * @param {'inherit' | 'pipe'} [stdio]
 */
function run([program = '', ...args], stdio = 'pipe') {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', stdio, stdio] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    const end = (/** @type {boolean} */ ok, /** @type {string} */ why) => {
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(`${ok ? 'ok    ' : 'FAILED'} ${[program, ...args].join(' ')} (${seconds} s)${why}`);
      if (!ok) console.log(output);
      resolve(ok);
    };
    child.once('error', (error) => end(false, `: ${error.message}`));
    child.once('close', (status, signal) =>
      end(status === 0, status === 0 ? '' : `: ${signal ?? `status ${status}`}`),
    );
  });
}

/** @param {string[][]} commands */
async function lane(commands) {
  for (const command of commands) {
    if (await run(command)) passed += 1;
    else failed += 1;
  }
}

mkdirSync(join(root, 'temp'), { recursive: true });
rmSync(tally, { force: true });
await Promise.all([lane(checks), lane(builds)]);
const tested = await run(testRun, 'inherit');
if (await run(ratios, 'inherit')) passed += 1;
else failed += 1;
let tests = { passed: 0, failed: 1, skipped: 0 };
try {
  tests = JSON.parse(readFileSync(tally, 'utf8'));
} catch {
  console.log('vitest has left no tally');
}
if (!tested && tests.failed === 0) tests.failed = 1;
process.exitCode = tested && failed + tests.failed === 0 ? 0 : 1;
console.log(`checks: ${passed} passed, ${failed} failed`);
console.log(`${passed + tests.passed} passed, ${failed + tests.failed} failed, ${tests.skipped} skipped`);
