// Debian from power-on to its shell, on each engine.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { debianFiles } from '../debian/fetch.ts';
import { initramfs } from '../debian/initramfs.ts';
import { LINUX } from '../guests.ts';
import type { BenchEngine } from './engines.ts';
import { qemuDebian } from './qemu.ts';
import { turnsOf } from './rounds.ts';
import type { RoundsOptions } from './rounds.ts';
import type { BootRun } from './run.ts';
import { debianInProcess, inTurnsInProcess } from './worker.ts';

/** Boots on one engine. */
export interface BootCell {
  readonly engine: string;
  readonly runs: readonly BootRun[];
}

/** Boots as often as there are rounds, engine after engine. The reference engine would take minutes: it is left out. */
export async function runBoots(
  engines: readonly BenchEngine[],
  options: Pick<RoundsOptions, 'rounds' | 'progress' | 'stop' | 'turns'>,
): Promise<readonly BootCell[]> {
  const { rounds, progress: say, stop } = options;
  const files = await debianFiles('arm64', say);
  const folder = await mkdtemp(join(tmpdir(), 'worldswitch-bench-'));
  try {
    const paths = {
      kernel: join(folder, 'vmlinuz'),
      initrd: join(folder, 'initrd'),
      append: `console=ttyAMA0 ${LINUX}`,
      memory: '512M',
    };
    await writeFile(paths.kernel, files.kernel);
    await writeFile(paths.initrd, initramfs(files));
    const cells = engines
      .filter(({ own }) => own !== 'reference')
      .map((engine) => ({ engine, runs: [] as BootRun[] }));
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}: debian`);
      const turning = turnsOf({ ...options, engines });
      const names = turning.flatMap(({ own }) => own ?? []);
      const together = (await inTurnsInProcess(names, undefined, 0, stop)) as readonly BootRun[];
      for (const { engine, runs } of cells) {
        const { own, qemu = [] } = engine;
        const run = together[turning.indexOf(engine)];
        runs.push(
          run ?? (await (own === undefined ? qemuDebian(qemu, paths, stop) : debianInProcess(own, stop))),
        );
      }
    }
    return cells.map(({ engine, runs }) => ({ engine: engine.name, runs }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
