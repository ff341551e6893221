// The soak at length: node apps/cli/scripts/soak.mjs [INSTRUCTIONS] [SAMPLES] [WINDOW] [MODES]
//
// Four CPUs of Debian under a mixed load on the fast engine, by default 10^10 instructions with constant eviction; 20 windows of
// 500,000 instructions are replayed by the reference engine, each in a process of its own. Prints how fast it was, what the engine
// did and how much memory the process had; ends with status 1 where a window differs, the guest went wrong or the memory grew.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const say = (line) => process.stdout.write(`soak: ${line}\n`);
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** The soak's code, bundled from the sources. */
async function bundled(folder) {
  const { build } = await import('tsup');
  symlinkSync(here('../../../packages/guests/images'), join(folder, 'images'));
  await build({
    config: false,
    silent: true,
    entry: [here('../test/soak.ts')],
    outDir: join(folder, 'dist'),
    tsconfig: here('../tsconfig.test.json'),
    format: ['esm'],
    outExtension: () => ({ js: '.mjs' }),
    target: 'node20',
    platform: 'node',
    noExternal: [/^(?!node:)/],
    esbuildOptions: (options) => {
      options.conditions = ['@worldswitch/source'];
    },
  });
  return join(folder, 'dist', 'soak.mjs');
}

/** In a process of its own: replays one window. */
async function replay(program, file) {
  const { replayed } = await import(pathToFileURL(program).href);
  const { at, hashes, step } = JSON.parse(readFileSync(`${file}.json`, 'utf8'));
  const why = await replayed({ at, hashes, snapshot: new Uint8Array(readFileSync(file)) }, { step });
  if (why !== undefined) say(`DIVERGED: window at ${at}: ${why}`);
  process.exitCode = why === undefined ? 0 : 1;
}

async function main(instructions, samples, window, modes) {
  const folder = mkdtempSync(join(tmpdir(), 'worldswitch-soak-'));
  const program = await bundled(folder);
  // What replays must be there to the end, whatever becomes of the sources meanwhile.
  const script = join(folder, 'soak.mjs');
  copyFileSync(here('soak.mjs'), script);
  const { soak, verdict } = await import(pathToFileURL(program).href);
  const options = {
    instructions,
    from: 0,
    samples,
    window,
    step: Math.max(1, Math.floor(window / 5)),
    engineOptions: modes,
    flavour: 'arm64',
  };
  let bad = 0;
  let equal = 0;
  const sampled = async ({ at, snapshot, hashes }) => {
    const file = join(folder, String(at));
    writeFileSync(file, snapshot);
    writeFileSync(`${file}.json`, JSON.stringify({ at, hashes, step: options.step }));
    const child = spawn(process.execPath, [...process.execArgv, script, '--replay', program, file], {
      stdio: 'inherit',
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status === 0) equal++;
    else bad++;
    if (status === 0) rmSync(file);
    say(`window at ${at}: ${status === 0 ? 'the reference engine agrees' : `FAILED, kept as ${file}`}`);
  };
  const report = await soak(options, sampled, say);
  const { seconds, resident, counts, rounds, wrong } = report;
  say(
    `${instructions} instructions, ${seconds.toFixed(0)} s of processor time, ${(instructions / seconds / 1e6).toFixed(1)} MIPS; ${equal} of ${samples} windows agree`,
  );
  say(
    `rounds of the load: ${Object.entries(rounds)
      .map(([name, n]) => `${name} ${n}`)
      .join(', ')}`,
  );
  say(
    `resident: ${resident
      .filter((_, i) => i % Math.ceil(resident.length / 20) === 0)
      .map(mib)
      .join(' ')}, most ${mib(Math.max(...resident))}`,
  );
  for (const [name, count] of Object.entries(counts)) if (count > 0) say(`  ${name} ${count}`);
  for (const line of [...wrong, ...verdict(resident)]) {
    bad++;
    say(`FAILED: ${line}`);
  }
  if (bad === 0) rmSync(folder, { recursive: true, force: true });
  if (process.env.WORLDSWITCH_CONSOLE) writeFileSync(process.env.WORLDSWITCH_CONSOLE, report.console);
  say(bad === 0 ? 'passed' : `${bad} failures`);
  process.exitCode = bad === 0 ? 0 : 1;
}

const [first = '10000000000', ...rest] = process.argv.slice(2);
if (first === '--replay') await replay(...rest);
else {
  const [samples = '20', window = '500000', modes = '{"evict":true,"threshold":50}'] = rest;
  await main(Number(first), Number(samples), Number(window), JSON.parse(modes));
}
