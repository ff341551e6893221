// System registers as software in TypeScript reaches them without a handler: the same as by MRS and MSR, for every register and level.

import { describe, expect, it } from 'vitest';

import type { Bus } from '@worldswitch/platform';

import { handlers, readSystemRegister } from '../src/cpu/handlers.ts';
import { directly, writeDirectly } from '../src/cpu/software/registers.ts';
import type { SystemRegisterEntry } from '../src/cpu/sysregs/entry.ts';
import { armv8, Cpu, systemRegisters } from '../src/index.ts';

const cpuAt = (el2: boolean, el: number): Cpu => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const cpu = new Cpu({ memory, base: 0, index: 0, bus: {} as Bus, features: { ...armv8, el2 }, id: {} });
  cpu.reset({ pc: 0n, el });
  return cpu;
};

const VALUES: readonly (readonly [lo: number, hi: number])[] = [
  [0xffff_ffff, 0xffff_ffff],
  [0x1234_5679, 0x9abc_def1],
  [0, 0],
];

/** What a write has left: all registers, and what translation derives from them. */
const outcome = ({ state, translator, controls }: Cpu) => ({
  registers: Array.from(state.u32),
  context: translator.context,
  asid: translator.asid,
  ttbr0: [controls.el1.ttbr0Lo, controls.el1.ttbr0Hi],
  ttbr1: [controls.el1.ttbr1Lo, controls.el1.ttbr1Hi],
});

/** Differences between a cell that is written at once and MSR's handler. */
function differences(
  entry: SystemRegisterEntry,
  make: () => Cpu,
  write: typeof writeDirectly,
): readonly string[] {
  return VALUES.filter(([lo, hi]) => {
    const [quick, slow] = [make(), make()];
    write(quick, entry, lo, hi);
    handlers['msr']?.(slow, [BigInt(entry.id), (BigInt(hi) << 32n) | BigInt(lo)]);
    return JSON.stringify(outcome(quick)) !== JSON.stringify(outcome(slow));
  }).map(([lo]) => `${entry.name} 0x${lo.toString(16)}`);
}

describe.each([
  [false, 1],
  [true, 1],
  [true, 2],
] as const)('with EL2 %s, at EL%i', (el2, el) => {
  const make = (): Cpu => cpuAt(el2, el);
  const direct = (write: boolean): readonly SystemRegisterEntry[] =>
    systemRegisters.filter((entry) => directly(make(), entry, write));

  it('what is read at once is what MRS reads', () => {
    for (const entry of direct(false)) {
      const cpu = make();
      if (entry.minWrite <= el) handlers['msr']?.(cpu, [BigInt(entry.id), 0x1234_5678_9abc_def1n]);
      if (!directly(cpu, entry, false)) continue;
      expect([entry.name, readSystemRegister(cpu, entry.id)]).toEqual([
        entry.name,
        cpu.state.cell(entry.cell),
      ]);
    }
  });

  it('what is written at once is what MSR writes, with its effects', () => {
    for (const entry of direct(true)) expect(differences(entry, make, writeDirectly)).toEqual([]);
  });

  it('is so for the registers of exceptions, stack pointers and tables, whose masks and effects count', () => {
    const names = direct(true).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'SP_EL0',
        'ELR_EL1',
        'SPSR_EL1',
        'ESR_EL1',
        'FAR_EL1',
        'TTBR0_EL1',
        'TTBR1_EL1',
      ]),
    );
    expect(names).not.toContain('SCTLR_EL1');
    const plainly: typeof writeDirectly = (cpu, { cell }, lo, hi) => {
      cpu.state.setCellHalves(cell, lo, hi);
    };
    const wrong = direct(true).flatMap((entry) => differences(entry, make, plainly));
    expect(wrong).toEqual(
      expect.arrayContaining(['SPSR_EL1 0xffffffff', 'TTBR0_EL1 0xffffffff', 'TTBR1_EL1 0x12345679']),
    );
  });
});
