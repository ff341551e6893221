// Isolation without a second stage: a VM beside hostile ones, whose kernels run at EL0 over shadow tables of each variant, ends with the
// memory that it ends with beside a harmless one, after as much time; what EL0 reaches by the hardware's tables is each VM's own; what
// hostile guests see is what the architecture says; and a translated kernel does as it does natively, or harms itself alone.
// `WORLDSWITCH_FUZZ=N` does N operations in all: each kind, each variant, one VM beside the quiet one.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { requester } from '@worldswitch/platform';
import { ShadowMmu, SHADOW_VARIANTS } from '@worldswitch/vmm';
import type { ShadowVariant } from '@worldswitch/vmm';

import { CodeCache } from '../src/binary-translation/code-cache.ts';
import type { Host } from '../src/index.ts';
import type { TrapAndEmulate } from '../src/trap-and-emulate/hypervisor.ts';
import { alone, attack, kinds, ownKinds } from './attack.ts';
import type { AnyHost, Attack, Kind, Seen } from './attack.ts';
import { auditTables, memoryView } from './shadow-audit.ts';

const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const TRANSLATED: readonly Kind[] = ['sweep', 'jumps', 'patched', 'cached'];
const ALL = [...Object.keys(kinds), ...Object.keys(ownKinds)] as Kind[];
/** Those that the translator is not meant for; in an order in which each variant has some of each. */
const CROWD = ALL.filter((kind) => !TRANSLATED.includes(kind));
/** Operations of each kind by each variant; the last are for the translator. */
const COUNT = asked > 0 ? Math.ceil(asked / (ALL.length * (SHADOW_VARIANTS.length + 1))) : 200;
const ROUNDS = asked > 0 ? Math.min(Math.max(600, COUNT), 2 ** 14) : 120;
const PATIENCE = asked > 0 ? 3_600_000 : 120_000;
/** A slice of 0.5 ms in ticks of 16 ns. */
const SLICE = 31_250;
/** By how much longer the quiet VM may take, and be charged, than beside a busy one. */
const most = (ticks: number, slices: number): number => ticks * 1.02 + slices * SLICE;
const GROWTH = 512 * 1024;

const audit = (host: AnyHost): string | undefined => auditTables(host as Host<TrapAndEmulate>);
const base = {
  version: 2,
  cpus: 1,
  seed: 1,
  rounds: ROUNDS,
  operations: 0,
  audit,
  most: ROUNDS * 60_000 + 400e6,
} as const;

/** What is wrong with a run beside hostile guests, where so many harmless ones were; empty where nothing is. */
function complaints(seen: Seen, harmless: Seen, hostile = 1): string[] {
  const found: string[] = [];
  if (seen.failure !== undefined) found.push(seen.failure);
  if (seen.hash !== harmless.hash) found.push('memory differs');
  if (seen.ticks > most(harmless.ticks, hostile)) found.push('took too long');
  if (seen.charged > most(harmless.charged, 2)) found.push('was charged too much');
  if (seen.state[1] > seen.state[0] + hostile * GROWTH) found.push('state grows');
  if (seen.mistakes > 0) found.push(`${seen.mistakes} mistakes`);
  return found;
}

/** Kinds that are about interrupts, with either interrupt controller. */
const versionsOf = (mode: Kind, cpus: 1 | 2) =>
  (mode === 'gic' || mode === 'storm' ? ([2, 3] as const) : ([2] as const)).map((version) => ({
    mode,
    cpus,
    version,
  }));

afterEach(() => {
  vi.restoreAllMocks();
});

const say = (text: string): void => {
  if (asked > 0) process.stdout.write(`${text}\n`);
};

describe.each(SHADOW_VARIANTS)('beside guests that are hostile, over a shadow that is %s', (shadow) => {
  if (asked === 0) {
    // In turn: all kinds are there, each beside others and by some variant.
    const turn = SHADOW_VARIANTS.indexOf(shadow);
    const [mode = 'outside', ...also] = CROWD.filter((_, i) => i % SHADOW_VARIANTS.length === turn);
    // Where the interrupt controller and storms of interrupts have their turn, it is a GICv3.
    const turns = { ...base, version: turn < 2 ? 2 : 3 } as const;
    it(
      `a VM is what it is: ${[mode, ...also].join(', ')}`,
      async () => {
        const busy = also.map(() => 'busy' as const);
        const harmless = await attack({ ...turns, shadow, mode: 'busy', also: busy });
        expect(harmless.failure).toBeUndefined();
        const seen = await attack({ ...turns, shadow, mode, also, operations: COUNT });
        expect(complaints(seen, harmless, 1 + also.length)).toEqual([]);
        expect(Math.min(seen.operations, ...seen.others)).toBeGreaterThan(0);
      },
      PATIENCE,
    );
    if (shadow !== 'real') return;
    it(
      'and where another CPU is kept in long exits, it has its time',
      async () => {
        const two = { ...base, cpus: 2, shadow, rounds: 600, most: 600 * 60_000 + 400e6 } as const;
        const beside = await attack({ ...two, mode: 'busy' });
        const seen = await attack({ ...two, mode: 'exclusive', operations: COUNT });
        expect(complaints(seen, beside)).toEqual([]);
        expect(seen.operations).toBeGreaterThan(0);
      },
      PATIENCE,
    );
    return;
  }

  it.each(ALL.flatMap((mode) => ([1, 2] as const).flatMap((cpus) => versionsOf(mode, cpus))))(
    'a VM is what it is: $mode, $cpus CPUs, GICv$version',
    async ({ mode, cpus, version }) => {
      const one = { ...base, cpus, version };
      const beside = await attack({ ...one, shadow, mode: 'busy' });
      let done = 0;
      for (let seed = 1; done < COUNT / 2 && seed <= 200; seed++) {
        const seen = await attack({ ...one, shadow, mode, seed, operations: COUNT / 2 - done });
        expect(complaints(seen, beside), `${mode}, seed ${seed}`).toEqual([]);
        done += seen.operations;
        say(
          `${shadow}, ${mode}, ${cpus} CPUs, GICv${version}: ${seen.operations} operations, ${(seen.instructions / 1e6).toFixed(0)} M instructions; ` +
            `ticks ${(seen.ticks / beside.ticks).toFixed(4)}, charged ${(seen.charged / beside.charged).toFixed(4)}, state ${seen.state.join(' to ')}`,
        );
      }
      expect(done).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

/** Leaves caches 256 KiB, which are full that much sooner. */
function keepSmall(): void {
  const add = Reflect.get<CodeCache, 'add'>(CodeCache.prototype, 'add');
  vi.spyOn(CodeCache.prototype, 'add').mockImplementation(function (this: CodeCache, ...unit) {
    Reflect.set(this, 'bytes', 256 * 1024);
    return add.apply(this, unit);
  });
}

describe('a VM beside translated kernels', () => {
  const all = TRANSLATED.flatMap((mode) => ([1, 2] as const).map((cpus) => ({ mode, cpus })));
  it.each(asked > 0 ? all : [{ mode: 'patched', cpus: 2 } as const])(
    'that are hostile is what it is: $mode with $cpus vCPUs, and others',
    async ({ mode, cpus }) => {
      if (asked === 0) keepSmall();
      // The one that comes to its first operation late, where all is asked for.
      const also = TRANSLATED.filter((one) => one !== mode && (asked > 0 || one !== 'jumps'));
      const beside = { ...base, cpus, translated: true } as const;
      const harmless = await attack({ ...beside, mode: 'busy', also: also.map(() => 'busy') });
      expect(harmless.failure).toBeUndefined();
      const seen = await attack({ ...beside, mode, also, operations: COUNT });
      say(
        `binary translation, ${mode}, ${cpus} CPUs: ${seen.operations} operations, ` +
          `ticks ${(seen.ticks / harmless.ticks).toFixed(4)}`,
      );
      expect(complaints(seen, harmless, 1 + also.length)).toEqual([]);
      const done = [seen.operations, ...seen.others];
      expect(asked > 0 ? Math.max(...done) : Math.min(...done)).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

describe('a kernel from the translation cache', () => {
  const some: readonly Kind[] = asked > 0 ? ALL : [...TRANSLATED, 'emulated'];
  it.each(some.flatMap((mode) => versionsOf(mode, 1)))(
    'that is hostile by $mode with a GICv$version sees what the architecture says, and ends or goes on',
    async ({ mode, version }) => {
      let [done, emptied] = [0, 0];
      if (mode === 'sweep' && asked === 0) keepSmall();
      for (let seed = 1; done < COUNT && seed <= 20; seed++) {
        const seen = await alone({
          ...{ technique: 'binary-translation', mode, version, seed, operations: COUNT - done },
          most: asked > 0 ? 2e9 : 60e6,
        });
        expect(seen.failure, seen.failure).toBeUndefined();
        expect(['off', 'idle', 'budget']).toContain(seen.end);
        expect(seen.mistakes).toBe(0);
        expect(seen.host && auditTables(seen.host)).toBeUndefined();
        emptied += seen.host?.hypervisor.translated?.counts?.emptied ?? 0;
        done += seen.operations;
        say(
          `binary translation, ${mode}, GICv${version}: ${seen.operations} operations, ${seen.end}, emptied ${emptied} times`,
        );
      }
      expect(done).toBeGreaterThan(0);
      // There was more than the cache has room for.
      if (mode === 'sweep') expect(emptied).toBeGreaterThan(asked > 0 ? 0 : 4);
    },
    PATIENCE,
  );

  it(
    'natively: the same operations see no mistake either',
    async () => {
      for (const mode of ['jumps', 'patched'] as const) {
        const seen = await alone({ technique: 'native', mode, seed: 1, operations: COUNT, most: 60e6 });
        expect([seen.end, seen.operations, seen.mistakes]).toEqual(['off', COUNT, 0]);
      }
    },
    PATIENCE,
  );
});

describe('the same check finds', () => {
  const wanted = {
    ...base,
    most: 8e6,
    last: 8e6,
    shadow: 'lazy',
    rounds: 40,
    mode: 'outside',
  } as const satisfies Attack;
  /** Blocks of another VM's memory in a table of the first one, behind its own memory. */
  const intrude = (host: Host<TrapAndEmulate>): boolean => {
    const { view, base: from } = memoryView(host);
    const halves = host.hypervisor.save()?.vms[0]?.shadow.halves ?? [];
    const other = host.setup.vms[1]?.vm.base ?? 0;
    let done = false;
    for (const { tables, upper } of halves)
      for (let i = 0; upper && i < tables.length; i += 2) {
        // Of level 2, for the second GiB of the upper 512.
        if (tables[i] !== 4 * (2 ** 18 - 2 ** 9 + 1) + 2) continue;
        const at = (tables[i + 1] ?? 0) - from;
        const own = Array.from({ length: 64 }, (_, n) => at + 8 * n).find(
          (place) => (view.getUint32(place, true) & 3) === 1,
        );
        if (own === undefined) continue;
        for (let n = 0; n < 64; n++) {
          const lo = (view.getUint32(own, true) & 0x1f_ffff) | (other + n * 2 ** 21);
          view.setUint32(at + 8 * (64 + n), lo, true);
          view.setUint32(at + 8 * (64 + n) + 4, view.getUint32(own + 4, true), true);
        }
        done = true;
      }
    return done;
  };

  it(
    'memory of another VM in a shadow: by its tables, and by what becomes of the other VM',
    async () => {
      const harmless = await attack({ ...wanted, mode: 'busy' });
      const [found, lost] = await Promise.all(
        [true, false].map((looks) =>
          attack({
            ...wanted,
            operations: 1500,
            audit: (host) => {
              const trapped = host as Host<TrapAndEmulate>;
              intrude(trapped);
              return looks ? audit(host) : undefined;
            },
          }),
        ),
      );
      expect(found?.failure).toMatch(/^VM 0, half \d+: 0x[0-9a-f]+ is not its own$/);
      expect(lost?.hash).not.toBe(harmless.hash);
    },
    PATIENCE,
  );

  it(
    'a distributor that another VM reaches: by what becomes of who has it',
    async () => {
      const [harmless, changed] = await Promise.all(
        [false, true].map((reaches) =>
          attack({
            ...{ ...base, version: 3, shadow: 'lazy', operations: COUNT },
            mode: reaches ? 'gic' : 'busy',
            audit: (host) => {
              const gicd = (host as Host<TrapAndEmulate>).hypervisor.vms[1]?.gic.blocks[0];
              if (reaches) gicd?.mmio.write(0x104, 4, 0x8000_0000, requester());
              return undefined;
            },
          }),
        ),
      );
      expect(harmless?.hash).not.toBe('');
      expect(changed?.hash).not.toBe(harmless?.hash);
    },
    PATIENCE,
  );

  it(
    'tables that do not follow',
    async () => {
      vi.spyOn(ShadowMmu.prototype, 'maintain').mockReturnValue(true);
      const shadow: ShadowVariant = 'lazy';
      const seen = await alone({
        ...{ technique: 'trap-and-emulate', shadow, mode: 'hole', seed: 1, operations: COUNT, most: 60e6 },
      });
      expect(seen.mistakes).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
