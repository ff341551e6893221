// Every counter is moved by some small program, sums are what they say, and counting changes neither code nor what the guest does.

import { afterEach, describe, expect, it } from 'vitest';

import { armv8, assemble } from '@worldswitch/isa-core';

import type { Program } from './programs/assembler.ts';
import { begin, CODE, runSeed } from './programs/run.ts';
import { createRig, eager, modes, RAM } from './rig.ts';
import type { Mode, Rig } from './rig.ts';

const RAM_OFFSET = 0x10000;
const TABLES = RAM + 0x7f000;
const BLOCK = 0x4000_0000;
/** Block descriptors: normal memory (and with EL0's rights), and a device. */
const NORMAL = 0x701n;
const USER = 0x741n;
const DEVICE = 0x705n;
/** An address of RAM that is mapped by `map`. */
const SECOND = 2 * BLOCK + RAM - BLOCK + 0x21000;

type Counts = Readonly<Record<string, number>>;
const countsOf = (rig: Rig): Counts =>
  Object.fromEntries(rig.fast.engine.counts().map(({ name, count }) => [name, count]));
const sides = (rig: Rig): readonly Rig['reference'][] => [rig.reference, rig.fast];
const set = (rig: Rig, registers: Readonly<Record<string, bigint>>): void => {
  for (const { cpu } of sides(rig)) {
    for (const [name, value] of Object.entries(registers)) cpu.setRegister(name, value);
    cpu.debug.changed();
    cpu.pmu.changed();
    cpu.contextChanged();
  }
};
/** Maps the gibibyte at 0x8000_0000. */
const map = (rig: Rig, descriptor: bigint): void => {
  for (const { view } of sides(rig)) view.setBigUint64(RAM_OFFSET + TABLES - RAM + 16, descriptor, true);
};

function counting(
  mode: Mode,
  build: (p: Program) => void,
  registers: Readonly<Record<number, number>> = {},
): Rig {
  const rig = createRig(mode);
  rig.fast.engine.countAll();
  return begin(rig, 3, build, registers);
}
/** A program that goes round and round. */
const round =
  (...lines: readonly string[]) =>
  (p: Program): void => {
    const top = p.place();
    p.add(...lines);
    p.to('b', top);
  };
function run(rig: Rig, ...budgets: readonly number[]): Rig {
  for (const n of budgets) expect(rig.run(n)).toEqual([]);
  return rig;
}
const often = (n: number, times: number): number[] => Array.from({ length: times }, () => n);

/** At EL1 with a page that EL0 may access. */
function unprivileged(mode: Mode): Rig {
  const rig = counting(mode, round('ldtr x0, [x19]', 'sttr x0, [x19]', 'ldtr x1, [x25]'), { 19: SECOND });
  map(rig, BigInt(RAM) | USER);
  return run(rig, ...often(40, 10));
}

/** An access to what is no plain memory. */
function strange(descriptor: bigint, registers: Readonly<Record<string, bigint>> = {}): Rig {
  const rig = counting({}, round('ldr x0, [x19]', 'str x0, [x19]'), { 19: SECOND });
  map(rig, descriptor);
  // Debug exceptions are not masked.
  for (const { cpu } of sides(rig)) cpu.state.daif = 7;
  set(rig, registers);
  return run(rig, ...often(20, 4));
}

/** At another level than EL1, with the MMU off there. */
function levels(el: 2 | 3): Rig {
  const rig = counting(
    { features: { ...armv8, el2: true, el3: true } },
    round('ldr x0, [x19]', 'add x0, x0, #1', 'smc #0'),
  );
  set(rig, { VBAR_EL2: BigInt(RAM + 0x7e000), VBAR_EL3: BigInt(RAM + 0x7e000) });
  for (const { cpu } of sides(rig)) cpu.state.setMode(el, 1, cpu.spCells);
  set(rig, { HCR_EL2: 1n << 31n, SCR_EL3: 0x401n });
  return run(rig, ...often(30, 3));
}

/** An interrupt that is taken to EL2 or to EL3. */
function interrupted(registers: Readonly<Record<string, bigint>>): Rig {
  const rig = counting(
    { features: { ...armv8, el2: true, el3: true } },
    round('add x0, x0, #1', 'msr daifclr, #2'),
  );
  set(rig, { VBAR_EL2: BigInt(RAM + 0x7e000), VBAR_EL3: BigInt(RAM + 0x7e000) });
  set(rig, registers);
  for (const { cpu } of sides(rig)) cpu.setPin('irq', true);
  return run(rig, ...often(5, 4));
}

const { Module } = WebAssembly;
afterEach(() => {
  WebAssembly.Module = Module;
});

/** By name: programs, and what they are there for. */
const programs: Readonly<Record<string, () => Rig>> = {
  'LDTR and STTR, interpreted': () => unprivileged({}),
  'LDTR and STTR, compiled': () => unprivileged(eager),
  'a wait': () => run(counting(eager, round('add x0, x0, #1', 'wfi')), 50, 50),
  'a stop': () => {
    const rig = counting({}, round('svc #0'));
    rig.fast.cpu.observer = {
      exceptionTaken: () => {
        rig.fast.engine.stop();
      },
      unimplemented: () => undefined,
    };
    rig.fast.engine.run(100);
    return rig;
  },
  'a counter that overflows, and samples': () => {
    const rig = counting({ enabled: true }, round('add x0, x0, #1', 'eor x1, x1, x0'));
    const nearly = (1n << 64n) - 5000n;
    set(rig, { PMCNTENSET_EL0: 1n << 31n, PMCR_EL0: 0x41n, PMCCNTR_EL0: nearly, PMINTENSET_EL1: 1n << 31n });
    return run(rig, 30_000, 300_000);
  },
  EL2: () => levels(2),
  EL3: () => levels(3),
  'interrupts to EL2': () => interrupted({ HCR_EL2: (1n << 31n) | (1n << 4n), SCR_EL3: 0x401n }),
  'interrupts to EL3': () => interrupted({ HCR_EL2: 1n << 31n, SCR_EL3: 0x403n }),
  'an illegal state': () => {
    const rig = counting({}, round('add x0, x0, #1'));
    for (const { cpu } of sides(rig)) cpu.state.il = 1;
    return run(rig, 5, 5);
  },
  'a fetch from nowhere': () => run(counting({}, round('br x25')), 20, 20),
  'all kinds of instructions': () =>
    run(
      counting(
        eager,
        round(
          'mrs x0, id_aa64pfr0_el1',
          'mrs x0, ttbr0_el1',
          'msr ttbr0_el1, x0',
          'msr daifset, #2',
          'at s1e1r, x19',
          'isb',
          'dsb sy',
          'dmb sy',
          'clrex',
          'yield',
          'sev',
          'ic iallu',
          'dc isw, xzr',
          'tlbi vmalle1',
          'hvc #0',
          'smc #0',
          'brk #0',
          'svc #0',
          'ldxr x0, [x25]',
          'ldr x0, [x25]',
          'str x0, [x25]',
          'ldp x0, x1, [x24]',
          'stp x0, x1, [x24]',
          'fadd d0, d1, d2',
          'udf #0',
        ),
      ),
      ...often(90, 10),
    ),
  'floating point that traps': () => {
    const rig = counting(eager, round('add x0, x0, #1', 'fadd d0, d1, d2'));
    set(rig, { CPACR_EL1: 0n });
    return run(rig, ...often(30, 5));
  },
  'a word that is no instruction': () => {
    const rig = counting({}, round('nop', 'nop'));
    rig.code(CODE, 0xffff_ffff);
    return run(rig, 20);
  },
  'checked alignment': () => strange(BigInt(RAM) | NORMAL, { SCTLR_EL1: 0x0400_121fn }),
  'a watchpoint': () =>
    strange(BigInt(RAM) | NORMAL, {
      OSLSR_EL1: 8n,
      MDSCR_EL1: 0xa000n,
      DBGWVR1_EL1: BigInt(SECOND + 64),
      DBGWCR1_EL1: 0x1fffn,
    }),
  'memory of a device type': () => strange(BigInt(RAM) | DEVICE, { MAIR_EL1: 0xffn }),
  'no memory at all': () => strange(BigInt(3 * BLOCK) | NORMAL),
  'read-only memory': () => {
    const rig = counting({}, round('ldr x0, [x19]', 'str x0, [x19]'));
    for (const { memory } of sides(rig)) (memory as { writable: boolean }).writable = false;
    return run(rig, 20, 20);
  },
  'memory that may only be written': () => {
    const rig = counting({ features: { ...armv8, el2: true } }, round('str x0, [x19]', 'ldr x1, [x19]'), {
      19: SECOND,
    });
    map(rig, BigInt(2 * BLOCK) | NORMAL);
    // Stage 2: a gibibyte each, RAM as it is, and once more where it may only be written.
    for (const { view } of sides(rig)) {
      const at = RAM_OFFSET + 0x70000;
      view.setBigUint64(at + 8, BigInt(RAM) | 0x7fdn, true);
      view.setBigUint64(at + 16, BigInt(RAM) | 0x7bdn, true);
    }
    set(rig, {
      VTTBR_EL2: BigInt(RAM + 0x70000),
      VTCR_EL2: 25n | (1n << 6n) | (2n << 16n) | (1n << 31n),
      HCR_EL2: (1n << 31n) | 1n,
      VBAR_EL2: BigInt(RAM + 0x7e000),
    });
    return run(rig, ...often(10, 4));
  },
  'many address spaces': () => {
    const rig = counting({}, round('ldr x0, [x19]'));
    for (let asid = 0n; asid < 20n; asid++) {
      set(rig, { TTBR0_EL1: BigInt(TABLES) | (asid << 48n) });
      run(rig, 10);
    }
    return rig;
  },
  'code that was data': () => {
    const rig = counting(
      {},
      (p) => {
        const top = p.place();
        p.add('str x1, [x19]', 'blr x19');
        p.to('b', top);
      },
      { 1: assemble('ret'), 19: RAM + 0x21000 },
    );
    return run(rig, ...often(50, 4));
  },
  'more code than there is room for': () => {
    const rig = counting({}, (p) => {
      p.add('nop');
    });
    for (let page = 0; page < 100; page++)
      rig.code(RAM + page * 4096, assemble(page === 99 ? 'b -405504' : 'b 4096'));
    for (const { cpu } of sides(rig)) cpu.state.pc = BigInt(RAM);
    return run(rig, 500);
  },
  'a page that is written as a whole': () => {
    const rig = run(counting({}, round('add x0, x0, #1')), 20);
    rig.fast.engine.invalidate(CODE & ~0xfff, 4096);
    return run(rig, 20);
  },
  'a hot loop': () =>
    run(counting({ enabled: true }, round('add x0, x0, #1', 'eor x1, x1, x0')), ...often(100_000, 6)),
  'code that compiled code comes to': () => {
    // A switch with a table of jumps.
    const rig = counting({ enabled: true, threshold: 3 }, (p) => {
      const top = p.place();
      const end = p.label();
      const table = p.label();
      p.add('add x0, x0, #1', 'and x1, x0, #7');
      p.to('adr x2,', table);
      p.add('add x2, x2, x1, lsl #3', 'br x2');
      p.place(table);
      for (let i = 0; i < 8; i++) {
        p.add(`add x3, x3, #${String(i)}`);
        p.to('b', end);
      }
      p.place(end);
      p.add('eor x4, x4, x3');
      p.to('b', top);
    });
    return run(rig, ...often(100_000, 4), ...often(1000, 50));
  },
  'stores beside code': () => {
    const rig = counting(eager, round('add x0, x0, #1', 'str x0, [x19]'), { 19: CODE + 0x800 });
    return run(rig, ...often(100, 20));
  },
  'stores beside interpreted code': () => {
    const rig = counting({ enabled: true }, round('add x0, x0, #1', 'str x0, [x19]'), { 19: CODE + 0x800 });
    return run(rig, 3000, 3000);
  },
  'a host that does not compile': () => {
    const rig = run(counting(eager, round('add x0, x0, #1', 'cbz x25, 8', 'eor x1, x1, x0')), 1);
    WebAssembly.Module = function (): never {
      throw new RangeError('not now');
    } as unknown as typeof Module;
    for (let i = 0; i < 40; i++) {
      rig.code(CODE + 8, i % 2 === 0 ? 0xca000021 : 0xca000022);
      run(rig, 97);
    }
    WebAssembly.Module = Module;
    return rig;
  },
};

/** Counters that no program moves, with the reason. */
const never: Readonly<Record<string, string>> = {
  'regions.irreducible': 'control flow with more ways in than a region may have: the soak has some',
};

/** What counts together must be. */
function checkSums(counts: Counts): void {
  const of = (...names: readonly string[]): number =>
    names.reduce((all, name) => all + (counts[name] ?? NaN), 0);
  const sum = (prefix: string): number =>
    Object.entries(counts).reduce((all, [name, count]) => (name.startsWith(prefix) ? all + count : all), 0);
  const relations: Readonly<Record<string, readonly [number, number]>> = {
    steps: [of('steps'), sum('step.')],
    'kinds of steps': [of('steps'), sum('slow.')],
    crossings: [of('crossings'), sum('left.')],
    slices: [of('slices'), sum('slices.')],
    entries: [of('entries'), sum('cut.')],
    interrupts: [of('interrupts'), sum('interrupts.')],
    refills: [
      of('refills'),
      sum('refused.') +
        of('fill.read', 'fill.write', 'fill.both', 'fill.beside', 'fill.unprivileged', 'fill.inside'),
    ],
    fills: [sum('fill.el'), sum('fill.') - sum('fill.el')],
    pages: [of('pages.made'), of('pages.alive', 'pages.givenUp', 'pages.evicted')],
    regions: [
      of('regions.compiled'),
      of(
        'regions.alive',
        'regions.changed',
        'regions.dropped',
        'regions.evicted',
        'regions.grown',
        'regions.remade',
      ),
    ],
    wishes: [sum('wish.'), sum('answer.') + of('regions.failed', 'regions.irreducible', 'regions.refused')],
    'ways into regions': [of('region.entered'), of('gate.found', 'call.own')],
    'ways out of regions': [
      of('region.entered'),
      sum('exit.') + of('region.refused', 'call.left', 'call.elsewhere'),
    ],
  };
  for (const [what, [a, b]] of Object.entries(relations)) expect(a, what).toBe(b);
}

describe('counting', () => {
  it('changes no code that is compiled without it', () => {
    const bytes = (count: boolean): number => {
      const rig = createRig(eager);
      if (count) rig.fast.engine.countAll();
      expect(runSeed(rig, 703, 3000)).toBeUndefined();
      const counts = countsOf(rig);
      if (!count) {
        // Nothing else counts either, but for the few that always do.
        const kept = /^(left\.|pages\.(made|givenUp|evicted|alive)$|regions\.\w+$|[a-zA-Z]+$)/;
        expect(Object.keys(counts).filter((name) => !kept.test(name) && (counts[name] ?? 0) > 0)).toEqual([]);
      }
      return counts['regions.bytes'] ?? 0;
    };
    // The golden tests have the code itself.
    expect(bytes(true)).toBeGreaterThan(bytes(false));
  });
});

describe('every counter', () => {
  const moved = new Set<string>();
  const note = (rig: Rig): void => {
    const counts = countsOf(rig);
    for (const [name, count] of Object.entries(counts)) if (count > 0) moved.add(name);
    checkSums(counts);
  };

  it.each(Object.keys(programs))('is looked at with %s', (name) => {
    const made = programs[name]?.();
    if (made !== undefined) note(made);
  });

  it.each(modes.map(([name, mode], i) => [name, mode, 700 + 6 * i] as const))(
    'is looked at with random programs, %s',
    (_, mode, first) => {
      const rig = createRig(mode);
      rig.fast.engine.countAll();
      for (let seed = first; seed < first + 6; seed++) expect(runSeed(rig, seed, 4000)).toBeUndefined();
      note(rig);
    },
  );

  it('is moved by one of them', () => {
    const all = createRig()
      .fast.engine.counts()
      .map(({ name }) => name);
    expect(all.length).toBeGreaterThanOrEqual(100);
    expect(all.filter((name) => !moved.has(name) && !(name in never))).toEqual([]);
    expect(Object.keys(never).filter((name) => moved.has(name) || !all.includes(name))).toEqual([]);
  });
});
