// Who is trapped where by accesses to the GICv3's registers, against QEMU: every register at EL1 and EL2, under every combination of
// the routing bits of SCR_EL3 and HCR_EL2, and every trap of ICH_HCR_EL2.

import { expect } from 'vitest';

import type { SystemRegisterBank } from '@worldswitch/platform';
import { requireTool } from '@worldswitch/test-tools';

import { machine } from '../reference/machine.ts';
import { onQemu } from './gic-traps.ts';
import type { Attempt, Outcome } from './gic-traps.ts';

const { describe, test } = requireTool('qemu-system-aarch64');

const readOnly = ['IAR0', 'IAR1', 'HPPIR0', 'HPPIR1', 'RPR'];
const writeOnly = ['EOIR0', 'EOIR1', 'DIR', 'SGI0R', 'SGI1R', 'ASGI1R'];
const both = ['PMR', 'BPR0', 'BPR1', 'AP0R0', 'AP1R0', 'CTLR', 'IGRPEN0', 'IGRPEN1'];
const hypervisor = ['HCR', 'VTR', 'MISR', 'EISR', 'ELRSR', 'VMCR', 'AP0R0', 'AP1R0', 'LR0', 'LR3'];

/** All accesses, also those that are against a register's mode, which are UNDEFINED. */
const instructions = [
  ...[...readOnly, ...writeOnly, ...both].flatMap((name) => [
    `mrs x3, ICC_${name}_EL1`,
    `msr ICC_${name}_EL1, x3`,
  ]),
  ...hypervisor.map((name) => `mrs x3, ICH_${name}_EL2`),
  ...['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3', 'ICC_CTLR_EL3', 'ICC_IGRPEN1_EL3'].map(
    (name) => `mrs x3, ${name}`,
  ),
  ...[1, 2, 3].flatMap((n) => [
    `mrs x3, ICC_AP0R${n}_EL1`,
    `mrs x3, ICC_AP1R${n}_EL1`,
    `mrs x3, ICH_AP0R${n}_EL2`,
  ]),
];

/** RW and what is reserved as one. */
const scrBase = 0x430n;
const [NS, IRQ, FIQ, FMO, IMO] = [1n, 2n, 4n, 8n, 16n];
const hcrBase = 1n << 31n;

/** Subsets of two bits. */
const subsets = (a: bigint, b: bigint): readonly bigint[] => [0n, a, b, a | b];

/** A register is reached or trapped by its controls in each of these. */
const worlds: readonly Omit<Attempt, 'instruction'>[] = subsets(IRQ, FIQ).flatMap((routed) => {
  const scr = scrBase | routed;
  const hcrs = subsets(FMO, IMO).map((virtual) => hcrBase | virtual);
  return [
    // A guest's EL1: all traps of ICH_HCR_EL2 (TC, TALL0, TALL1, TDIR).
    ...hcrs.flatMap((hcr) =>
      [0n, 0x400n, 0x800n, 0x1000n, 0x4000n, 0x5c00n].map((ich) => ({ el: 1, scr: scr | NS, hcr, ich })),
    ),
    { el: 2, scr: scr | NS, hcr: hcrBase | FMO | IMO, ich: 0x5c00n },
    { el: 1, scr, hcr: hcrBase | FMO | IMO, ich: 0x5c00n }, // Secure: EL2's controls do nothing
  ];
});

const attempts: readonly Attempt[] = worlds.flatMap((world) =>
  instructions.map((instruction) => ({ ...world, instruction })),
);

/** Registers that hold what is written, as the controls need. */
function bank(): SystemRegisterBank & { readonly values: Map<string, number> } {
  const icc = [...readOnly, ...writeOnly, ...both];
  const registers = [
    ...icc.flatMap((name) => [`ICC_${name}_EL1`, `ICV_${name}_EL1`]),
    ...hypervisor.map((name) => `ICH_${name}_EL2`),
    ...['ICC_SRE_EL1', 'ICC_SRE_EL2', 'ICC_SRE_EL3', 'ICC_CTLR_EL3', 'ICC_IGRPEN1_EL3'],
  ];
  const values = new Map([
    ['ICC_SRE_EL2', 15],
    ['ICC_SRE_EL3', 15],
  ]);
  return {
    registers,
    values,
    id: {},
    read(_, register, out) {
      out.lo = values.get(registers[register] ?? '') ?? 0;
      out.hi = 0;
    },
    write: () => undefined,
  };
}

/** What becomes of an access here. */
function ours(): (attempt: Attempt) => Outcome {
  const registers = bank();
  const m = machine({ el2: true, el3: true }, { banks: [registers] });
  return ({ el, instruction, scr, hcr, ich }) => {
    m.enter(3);
    m.cpu.setRegister('SCR_EL3', scr);
    m.cpu.setRegister('HCR_EL2', hcr);
    registers.values.set('ICH_HCR_EL2', Number(ich));
    m.cpu.contextChanged();
    m.enter(el);
    const before = m.cpu.counters.exceptions;
    m.run(instruction);
    if (m.cpu.counters.exceptions === before) return { el: 0, esr: 0 };
    const taken = m.cpu.state.el;
    return { el: taken, esr: Number(m.cpu.register(`ESR_EL${taken}`)) };
  };
}

const text = (attempt: Attempt | undefined, { el, esr }: Outcome = { el: -1, esr: -1 }): string =>
  attempt === undefined
    ? ''
    : `EL${attempt.el} SCR 0x${attempt.scr.toString(16)} HCR 0x${attempt.hcr.toString(16)} ICH_HCR 0x${attempt.ich.toString(16)}: ` +
      `${attempt.instruction}: ${el === 0 ? 'completes' : `EL${el}, ESR 0x${esr.toString(16)}`}`;

describe('traps of the GICv3 CPU interface', () => {
  test(`are QEMU's in ${attempts.length} accesses`, async () => {
    const here = ours();
    const mine = attempts.map((attempt) => here(attempt));
    const theirs = await onQemu(attempts);
    const shown = (outcomes: readonly Outcome[]): readonly string[] =>
      attempts.map((each, i) => text(each, outcomes[i]));
    const [one, two] = [shown(mine), shown(theirs)];
    const differing = attempts.flatMap((_, i) => (one[i] === two[i] ? [] : [i]));
    expect(differing.slice(0, 20).map((i) => one[i])).toEqual(differing.slice(0, 20).map((i) => two[i]));
    // Each of the ways to end was there.
    for (const el of [0, 1, 2, 3]) expect(mine.some((outcome) => outcome.el === el)).toBe(true);
  });
});
