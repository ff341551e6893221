// Isolation: a VM beside a hostile one ends with the memory that it ends with beside a harmless one, after as much time; the hypervisor
// goes on, and its memory does not grow. `WORLDSWITCH_FUZZ=N` does N operations in all. Each check has what makes it fail.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { ipa } from '@worldswitch/platform';
import type { CpuPort, Pa } from '@worldswitch/platform';
import { LazyFloat, Scheduler } from '@worldswitch/vmm';

import type { Host } from '../src/index.ts';
import { attack, kinds } from './attack.ts';
import type { AnyHost, Attack, Kind, Seen } from './attack.ts';

const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const MODES = Object.keys(kinds) as Kind[];
const BOARDS = [
  { version: 2, cpus: 1 },
  { version: 3, cpus: 2 },
] as const;
/** Operations of each kind on each board. */
const COUNT = asked > 0 ? Math.ceil(asked / (MODES.length * BOARDS.length)) : 600;
const ROUNDS = Math.min(Math.max(600, Math.ceil(COUNT / 4)), 2 ** 18);
const PATIENCE = asked > 0 ? 3_600_000 : 120_000;
/** A slice of 0.5 ms in ticks of 16 ns. */
const SLICE = 31_250;
/** By how much longer the quiet VM may take than beside a busy one: a fiftieth, and one slice, or two where slices are what is counted. */
const most = (ticks: number, slices = 1): number => ticks * 1.02 + slices * SLICE;
/** Bytes by which the text of the hypervisor's state may grow: numbers become longer, and queues of a bounded length fill. */
const GROWTH = 256 * 1024;
/** What the test process may gain: instances of machines that are not collected yet. */
const PROCESS = 1536 * 2 ** 20;

const base = { seed: 1, rounds: ROUNDS, operations: 0, most: ROUNDS * 20_000 + 200e6 } as const;
const memory = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
let total = 0;
let before = 0;
beforeAll(() => {
  before = memory();
});
afterAll(() => {
  if (asked > 0)
    process.stdout.write(
      `isolation: ${total} operations, ${Math.round((memory() - before) / 2 ** 20)} MiB more in the process\n`,
    );
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** What is wrong with a run beside one with a harmless neighbour; empty where nothing is. */
function complaints(seen: Seen, harmless: Seen): string[] {
  const found: string[] = [];
  if (seen.failure !== undefined) found.push(seen.failure);
  if (seen.hash !== harmless.hash) found.push('memory differs');
  if (seen.ticks > most(harmless.ticks)) found.push('took too long');
  if (seen.charged > most(harmless.charged, 2)) found.push('was charged too much');
  if (seen.state[1] > seen.state[0] + GROWTH) found.push('state grows');
  if (seen.pages[0] !== seen.pages[1]) found.push('pages are gone');
  return found;
}

const line = (mode: string, { version, cpus }: Pick<Attack, 'version' | 'cpus'>, s: Seen, b: Seen): string =>
  `isolation: ${mode}, GICv${version}, ${cpus} CPUs: ${s.operations} operations, ${(s.instructions / 1e6).toFixed(0)} M instructions; ` +
  `ticks ${(s.ticks / b.ticks).toFixed(4)}, charged ${(s.charged / b.charged).toFixed(4)}, state ${s.state.join(' to ')}\n`;

describe.each(BOARDS)('GICv$version, $cpus CPUs', (board) => {
  let harmless: Seen;
  beforeAll(async () => {
    harmless = await attack({ ...base, ...board, mode: 'busy' });
    expect(harmless.failure).toBeUndefined();
  }, PATIENCE);

  it.each(MODES)(
    'operations of kind %s change nothing',
    async (mode) => {
      let done = 0;
      // A guest that loses itself is made anew.
      for (let seed = 1; done < COUNT && seed <= 1000; seed++) {
        const seen = await attack({ ...base, ...board, mode, seed, operations: COUNT - done });
        expect(complaints(seen, harmless), `${mode}, seed ${seed}`).toEqual([]);
        done += seen.operations;
        if (asked > 0) process.stdout.write(line(mode, board, seen, harmless));
      }
      expect(done).toBeGreaterThanOrEqual(COUNT);
      total += done;
      expect(memory() - before).toBeLessThan(PROCESS);
    },
    PATIENCE,
  );
});

describe('the same check finds', () => {
  const board = BOARDS[0];
  const check = async (broken: Partial<Attack>): Promise<string[]> => {
    const wanted = { ...base, ...board, rounds: 600, most: 100e6, mode: 'busy' } as const;
    const harmless = await attack(wanted);
    return complaints(await attack({ ...wanted, ...broken }), harmless);
  };
  /** Does something at the end of the hypervisor's boot. */
  const booted =
    (change: (host: Host, port: CpuPort) => void) =>
    (any: AnyHost): void => {
      const host = any as Host;
      const { hypervisor } = host;
      const boot = hypervisor.boot.bind(hypervisor);
      hypervisor.boot = (port) => {
        const leave = boot(port);
        change(host, port);
        return leave;
      };
    };

  it(
    'one page of the other VM in stage 2',
    async () => {
      const prepare = booted((host, port) => {
        const at = (host.setup.vms[1]?.vm.base ?? 0) + 0x410_0000;
        host.hypervisor.vms[0]?.stage2.map(port, ipa(0x4900_0000), at as Pa, 4096);
      });
      expect(await check({ mode: 'outside', operations: 100_000, prepare })).toEqual(['memory differs']);
    },
    PATIENCE,
  );

  it(
    'a GIC that is not filtered',
    async () => {
      const prepare = booted((host, port) => {
        host.hypervisor.vms[0]?.stage2.map(port, ipa(0x0800_0000), 0x0800_0000 as Pa, 4096, {
          memory: 'device',
        });
      });
      const found: string[] = [];
      for (let seed = 1; seed <= 4 && found.length === 0; seed++)
        found.push(...(await check({ mode: 'gic', seed, operations: 3000, prepare })));
      expect(found).not.toEqual([]);
    },
    PATIENCE,
  );

  it(
    'a scheduler without slices, and one that is unfair',
    async () => {
      expect(await check({ share: 2 })).toContain('took too long');
      vi.spyOn(Scheduler.prototype, 'nextPick').mockReturnValue(Infinity);
      const broken = await attack({ ...base, ...board, rounds: 600, most: 100e6, mode: 'busy' });
      expect(broken.failure).toBe('the quiet VM did not come to its end');
    },
    PATIENCE,
  );

  it(
    'FP registers that are not switched',
    async () => {
      vi.spyOn(LazyFloat.prototype, 'load').mockImplementation(() => undefined);
      const [alone, beside] = await Promise.all(
        (['busy', 'quiet'] as const).map((mode) =>
          attack({ ...base, ...board, rounds: 600, most: 100e6, mode }),
        ),
      );
      expect(beside?.hash).not.toBe(alone?.hash);
    },
    PATIENCE,
  );
});
