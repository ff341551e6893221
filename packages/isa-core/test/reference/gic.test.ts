// The GICv3 CPU interface's registers: which of ICC and ICV an access reaches, and who is trapped where (IHI 0069 12.2 to 12.4).

import { describe, expect, test } from 'vitest';

import type { SystemRegisterBank } from '@worldswitch/platform';

import { machine } from './machine.ts';
import type { Machine } from './machine.ts';

const UNKNOWN = 0x00;
const TRAPPED = 0x18;
const DONE = -1;

/** HCR_EL2, SCR_EL3 and ICH_HCR_EL2 bits. */
const [FMO, IMO] = [8n, 16n];
const [NS, IRQ, FIQ] = [1n, 2n, 4n];
const [TC, TALL0, TALL1, TDIR] = [0x400, 0x800, 0x1000, 0x4000];

const GROUP0 = ['IAR0', 'EOIR0', 'HPPIR0', 'BPR0', 'AP0R0', 'IGRPEN0'];
const GROUP1 = ['IAR1', 'EOIR1', 'HPPIR1', 'BPR1', 'AP1R0', 'IGRPEN1'];
const COMMON = ['PMR', 'RPR', 'CTLR', 'DIR'];
const SGI = ['SGI0R', 'SGI1R', 'ASGI1R'];
const ALL = [...GROUP0, ...GROUP1, ...COMMON];
const HYPERVISOR = ['HCR', 'VTR', 'MISR', 'EISR', 'ELRSR', 'VMCR', 'AP0R0', 'AP1R0', 'LR0', 'LR3'];
const WRITE_ONLY = ['EOIR0', 'EOIR1', 'DIR', ...SGI];

/** A bank that keeps what is written and notes every access. */
interface Notebook {
  readonly bank: SystemRegisterBank;
  readonly log: string[];
  readonly values: Map<string, number>;
}

function notebook(): Notebook {
  const registers = [
    ...ALL.flatMap((name) => [`ICC_${name}_EL1`, `ICV_${name}_EL1`]),
    ...SGI.map((name) => `ICC_${name}_EL1`),
    ...['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3', 'ICC_CTLR_EL3', 'ICC_IGRPEN1_EL3'],
    ...HYPERVISOR.map((name) => `ICH_${name}_EL2`),
    'ICC_PE_STATE',
  ];
  const log: string[] = [];
  const values = new Map([
    ['ICC_SRE_EL2', 15],
    ['ICC_SRE_EL3', 15],
  ]);
  const note = (kind: string, name: string): void => {
    // What traps look at is no access of the guest's.
    if (!['ICH_HCR_EL2', 'ICC_SRE_EL2', 'ICC_SRE_EL3', 'ICC_PE_STATE'].includes(name))
      log.push(`${kind} ${name}`);
  };
  const bank: SystemRegisterBank = {
    registers,
    id: {},
    read(_, register, out) {
      const name = registers[register] ?? '';
      note('read', name);
      out.lo = values.get(name) ?? 0;
      out.hi = 0;
    },
    write(_, register, lo) {
      const name = registers[register] ?? '';
      note('write', name);
      values.set(name, lo);
    },
  };
  return { bank, log, values };
}

interface World {
  readonly el?: number;
  readonly el2?: boolean;
  readonly el3?: boolean;
  readonly hcr?: bigint;
  readonly scr?: bigint;
  /** ICH_HCR_EL2. */
  readonly ich?: number;
  readonly bank?: boolean;
}

/** A CPU at a level, with controls set. */
function at(world: World): { readonly m: Machine; readonly notes: Notebook } {
  const { el = 1, el2 = true, el3 = false, hcr = 0n, scr = NS, ich = 0, bank = true } = world;
  const notes = notebook();
  const m = machine({ el2, el3 }, bank ? { banks: [notes.bank] } : {});
  if (el3) m.cpu.setRegister('SCR_EL3', scr | (1n << 10n));
  if (el2) m.cpu.setRegister('HCR_EL2', hcr | (1n << 31n));
  m.cpu.contextChanged();
  notes.values.set('ICH_HCR_EL2', ich);
  m.enter(el);
  return { m, notes };
}

/** Accesses one register; where it was trapped to by class, or which of the bank's it reached. */
function access(name: string, world: World): string {
  const { m, notes } = at(world);
  const isWrite = WRITE_ONLY.includes(name.replace(/^IC[CH]_|_EL\d$/g, ''));
  const before = m.cpu.counters.exceptions;
  m.run(isWrite ? `msr ${name}, x0` : `mrs x0, ${name}`);
  if (m.cpu.counters.exceptions === before) return notes.log.at(-1)?.split(' ')[1] ?? 'the bank, unnoted';
  const el = m.cpu.state.el;
  const ec = m.exceptionClass(el);
  return ec === UNKNOWN ? `undefined at EL${el}` : ec === TRAPPED ? `trapped to EL${el}` : `class ${ec}`;
}

/** What all registers of a list do. */
const accesses = (names: readonly string[], world: World): ReadonlySet<string> =>
  new Set(names.map((name) => access(`ICC_${name}_EL1`, world).replace(`_${name}_EL1`, '')));

describe('at EL1 the physical or the virtual interface is reached', () => {
  test.each([
    ['nothing is virtual', 0n, 'ICC', 'ICC', 'ICC'],
    ['HCR_EL2.FMO', FMO, 'ICV', 'ICC', 'ICV'],
    ['HCR_EL2.IMO', IMO, 'ICC', 'ICV', 'ICV'],
    ['both', FMO | IMO, 'ICV', 'ICV', 'ICV'],
  ])('with %s', (_, hcr, group0, group1, common) => {
    expect(accesses(GROUP0, { hcr })).toEqual(new Set([group0]));
    expect(accesses(GROUP1, { hcr })).toEqual(new Set([group1]));
    expect(accesses(COMMON, { hcr })).toEqual(new Set([common]));
  });

  test('the physical one at EL2 and EL3, whatever HCR_EL2 says', () => {
    const hcr = FMO | IMO;
    expect(accesses(ALL, { el: 2, hcr })).toEqual(new Set(['ICC']));
    expect(accesses(ALL, { el: 3, hcr, el3: true })).toEqual(new Set(['ICC']));
  });

  test('the physical one in the Secure state, which has no EL2', () => {
    expect(accesses(ALL, { hcr: FMO | IMO, el3: true, scr: 0n })).toEqual(new Set(['ICC']));
  });

  test('with a value that comes and goes', () => {
    const { m, notes } = at({ hcr: IMO });
    notes.values.set('ICV_IAR1_EL1', 27);
    m.setX(1, 0xf0);
    m.run('mrs x0, ICC_IAR1_EL1', 'msr ICC_PMR_EL1, x1');
    expect([m.x(0), notes.values.get('ICV_PMR_EL1')]).toEqual([27n, 0xf0]);
  });
});

describe("EL2 traps EL1's accesses", () => {
  test.each([
    ['TALL0', TALL0, GROUP0],
    ['TALL1', TALL1, GROUP1],
    ['TC', TC, COMMON],
    ['TC', TC, SGI],
    ['TDIR', TDIR, ['DIR']],
  ])('by ICH_HCR_EL2.%s', (_, ich, names) => {
    const trapped = new Set(['trapped to EL2']);
    expect(accesses(names, { ich })).toEqual(trapped);
    expect(accesses(names, { ich, hcr: FMO | IMO })).toEqual(trapped);
    const others = ALL.filter((name) => !names.includes(name) && !(ich === TC && COMMON.includes(name)));
    expect(accesses(others, { ich })).toEqual(new Set(['ICC']));
    expect(accesses(names, { ich, el: 2 })).toEqual(new Set(['ICC']));
  });

  test('has the syndrome of a system register', () => {
    const { m } = at({ ich: TC });
    m.run('msr ICC_PMR_EL1, x7');
    // op0 3, op2 0, op1 0, CRn 4, Rt 7, CRm 6, write.
    expect(m.cpu.register('ESR_EL2') & 0x1ff_ffffn).toBe(BigInt((3 << 20) | (4 << 10) | (7 << 5) | (6 << 1)));
  });

  test.each([
    ['FMO', FMO],
    ['IMO', IMO],
  ])('that send SGIs by HCR_EL2.%s', (_, hcr) => {
    expect(accesses(SGI, { hcr })).toEqual(new Set(['trapped to EL2']));
    expect(accesses(SGI, { hcr, el: 2 })).toEqual(new Set(['ICC']));
  });
});

describe('EL3 traps accesses of lower levels', () => {
  const trapped = new Set(['trapped to EL3']);
  const untouched = new Set(['ICC']);

  test.each([1, 2])('from EL%i by SCR_EL3.FIQ and IRQ', (el) => {
    const world = { el, el3: true };
    expect(accesses(GROUP0, { ...world, scr: NS | FIQ })).toEqual(trapped);
    expect(accesses([...GROUP1, ...COMMON, ...SGI], { ...world, scr: NS | FIQ })).toEqual(untouched);
    expect(accesses(GROUP1, { ...world, scr: NS | IRQ })).toEqual(trapped);
    expect(accesses([...GROUP0, ...COMMON, ...SGI], { ...world, scr: NS | IRQ })).toEqual(untouched);
    expect(accesses([...ALL, ...SGI], { ...world, scr: NS | IRQ | FIQ })).toEqual(trapped);
  });

  test('and none of its own', () => {
    expect(accesses([...ALL, ...SGI], { el: 3, el3: true, scr: NS | IRQ | FIQ })).toEqual(untouched);
  });

  test('but not those to the virtual interface', () => {
    const world = { el3: true, hcr: FMO | IMO, scr: NS | IRQ | FIQ };
    expect(accesses(ALL, world)).toEqual(new Set(['ICV']));
  });
});

describe('ICC_SRE', () => {
  /** With an Enable bit cleared. */
  function sre(name: string, world: World, cleared: string): number | string {
    const { m, notes } = at(world);
    notes.values.set(cleared, 7);
    const before = m.cpu.counters.exceptions;
    m.run(`mrs x0, ${name}`);
    return m.cpu.counters.exceptions === before
      ? DONE
      : `EL${m.cpu.state.el}, ${m.exceptionClass(m.cpu.state.el)}`;
  }

  test.each([
    ['ICC_SRE_EL1', 1, 'ICC_SRE_EL2', 'EL2, 24'],
    ['ICC_SRE_EL1', 1, 'ICC_SRE_EL3', 'EL3, 24'],
    ['ICC_SRE_EL1', 2, 'ICC_SRE_EL2', DONE],
    ['ICC_SRE_EL1', 2, 'ICC_SRE_EL3', 'EL3, 24'],
    ['ICC_SRE_EL2', 2, 'ICC_SRE_EL3', 'EL3, 24'],
    ['ICC_SRE_EL2', 3, 'ICC_SRE_EL3', DONE],
    ['ICC_SRE_EL3', 3, 'ICC_SRE_EL3', DONE],
    ['ICC_SRE_EL1', 1, 'none', DONE],
  ])('%s from EL%i with %s.Enable clear: %s', (name, el, cleared, what) => {
    expect(sre(name, { el, el3: true }, cleared)).toBe(what);
  });
});

describe('an access is UNDEFINED', () => {
  test('at EL0', () => {
    expect(accesses([...ALL, ...SGI, 'SRE'], { el: 0 })).toEqual(new Set(['undefined at EL1']));
  });

  test("below the register's level", () => {
    expect(HYPERVISOR.map((name) => access(`ICH_${name}_EL2`, {}))).toEqual(
      HYPERVISOR.map(() => 'undefined at EL1'),
    );
    for (const name of ['ICC_CTLR_EL3', 'ICC_SRE_EL3', 'ICC_IGRPEN1_EL3'])
      expect(access(name, { el: 2 })).toBe('undefined at EL2');
  });

  test.each([
    ['mrs x0, ICC_EOIR1_EL1'],
    ['mrs x0, ICC_SGI1R_EL1'],
    ['mrs x0, ICC_DIR_EL1'],
    ['msr ICC_IAR1_EL1, x0'],
    ['msr ICC_RPR_EL1, x0'],
    ['msr ICH_VTR_EL2, x0'],
    ['mrs x0, ICC_AP0R1_EL1'],
    ['mrs x0, ICC_AP1R3_EL1'],
    ['mrs x0, ICH_LR4_EL2'],
  ])('%s', (instruction) => {
    const { m } = at({ el: 2 });
    m.run(instruction);
    expect([m.cpu.state.el, m.exceptionClass(2), m.cpu.counters.exceptions]).toEqual([2, UNKNOWN, 1]);
  });

  test('where no GICv3 is plugged in', () => {
    const world = { el: 2, bank: false };
    expect(accesses([...ALL, ...SGI, 'SRE'], world)).toEqual(new Set(['undefined at EL2']));
    expect(access('ICC_SRE_EL2', world)).toBe('undefined at EL2');
    expect(access('ICH_HCR_EL2', world)).toBe('undefined at EL2');
  });
});

describe('without EL2', () => {
  test('EL1 has the physical interface', () => {
    expect(accesses([...ALL, ...SGI], { el2: false })).toEqual(new Set(['ICC']));
  });

  test("EL3 reads EL2's registers as zero", () => {
    const { m } = at({ el: 3, el2: false, el3: true });
    m.setX(0, 5);
    m.run('mrs x0, ICH_VMCR_EL2', 'msr ICH_LR0_EL2, x1');
    expect([m.x(0), m.cpu.counters.exceptions]).toEqual([0n, 0]);
  });
});

describe('the interface is told', () => {
  /** The bits of ICC_PE_STATE: Secure, EL3, SCR_EL3.FIQ, SCR_EL3.IRQ. */
  const told = (notes: Notebook): number | undefined => notes.values.get('ICC_PE_STATE');

  test.each([
    [1, NS, 0],
    [2, NS, 0],
    [1, 0n, 1],
    [3, NS, 2],
    [3, 0n, 3],
    [1, NS | FIQ, 4],
    [1, IRQ, 9],
  ])('at EL%i with SCR_EL3 %i: %i', (el, scr, state) => {
    expect(told(at({ el, el3: true, scr }).notes) ?? 0).toBe(state);
  });

  test('when an exception changes it', () => {
    const { m, notes } = at({ el: 1, el3: true, scr: NS | IRQ | FIQ });
    m.run('mrs x0, ICC_PMR_EL1');
    expect([m.cpu.state.el, told(notes)]).toEqual([3, 14]);
  });

  test('nothing where there is no EL3', () => {
    expect(told(at({ el: 2 }).notes)).toBeUndefined();
  });
});

test('the value of a register without side effects leaves the acknowledge registers alone', () => {
  const { m, notes } = at({});
  notes.values.set('ICC_PMR_EL1', 0xf0);
  expect(m.cpu.register('ICC_PMR_EL1')).toBe(0xf0n);
  m.cpu.register('ICC_IAR1_EL1');
  expect(notes.log).not.toContain('read ICC_IAR1_EL1');
});
