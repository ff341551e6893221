// A CPU with all exception levels and a bank of the timers' and the GIC's registers, on which one instruction runs at a level under given controls.

import type { SystemRegisterBank, Word64 } from '@worldswitch/platform';

import { systemRegisters } from '../../src/cpu/index.ts';
import type { CpuFeatures } from '../../src/cpu/index.ts';
import { assemble } from '../../src/syntax/index.ts';
import { DATA, machine, RAM, USER } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';

/** Values of registers by name. */
export type Settings = Readonly<Record<string, bigint>>;

/** What became of an instruction: the exception that it took, or `undefined` if it took none. */
export interface Taken {
  readonly el: number;
  readonly ec: number;
  readonly iss: number;
}

/** Registers of the generic timer and of a GICv3 with four list registers, virtual ones too, that hold what is written. */
function heldBank(): SystemRegisterBank {
  const banked = systemRegisters
    .map(({ name }) => name)
    .filter((name) => /^(?:CNT|ICC_|ICH_(?!LR))|^ICH_LR[0-3]_/.test(name));
  const virtual = banked.filter((name) => name.startsWith('ICC_')).map((name) => name.replace('ICC', 'ICV'));
  const registers = [...banked, ...virtual];
  const values = registers.map((): Word64 => ({ lo: 0, hi: 0 }));
  return {
    registers,
    id: {},
    read: (_cpu, register, out) => void Object.assign(out, values[register]),
    write: (_cpu, register, lo, hi) => void Object.assign(values[register] ?? {}, { lo, hi }),
  };
}

/** A part that has IMPLEMENTATION DEFINED registers. */
const CORTEX_A57 = 0x411f_d070n;
const all: Partial<CpuFeatures> = { el2: true, el3: true };

/** A machine with EL2 and EL3 (unless `features` says otherwise) and timers, Non-secure below EL3. */
export function trapMachine(features: Partial<CpuFeatures> = all): Machine {
  const m = machine(features, { banks: [heldBank()], id: { MIDR_EL1: CORTEX_A57 }, cacheSizes: [0n] });
  // The levels above translate by EL1's tables: RAM is where it is, and Normal memory.
  const { cpu } = m;
  for (const el of ['EL2', 'EL3']) {
    cpu.setRegister(`TTBR0_${el}`, cpu.register('TTBR0_EL1'));
    cpu.setRegister(`MAIR_${el}`, cpu.register('MAIR_EL1'));
    cpu.setRegister(`TCR_${el}`, 0x8080_0019n);
    cpu.setRegister(`SCTLR_${el}`, 0x30c5_1835n);
  }
  cpu.contextChanged();
  return m;
}

/** Sets registers, those of the bank too, without traps. */
export function apply(m: Machine, settings: Settings): void {
  for (const [name, value] of Object.entries(settings)) {
    const { cell } = systemRegisters.find((entry) => entry.name === name) ?? {};
    if (cell === undefined) throw new RangeError(`no register is called ${name}`);
    const bank = m.cpu.bankRegister(name);
    if (bank) bank.write(value);
    else m.cpu.setRegister(name, value);
  }
  m.cpu.debug.changed();
  m.cpu.pmu.changed();
  m.cpu.contextChanged();
}

const esr = (m: Machine, el: number): number => Number(m.cpu.register(`ESR_EL${String(el)}`));

/** Executes one instruction at a level; X0 is the address of data that the level may access. */
export function execute(m: Machine, el: number, instruction: string): Taken | undefined {
  m.enter(el);
  m.setX(0, (el === 0 ? USER : RAM) + DATA);
  const before = m.cpu.counters.exceptions;
  m.run(instruction);
  if (m.cpu.counters.exceptions === before) return undefined;
  const target = m.cpu.state.el;
  const syndrome = esr(m, target);
  return { el: target, ec: syndrome >>> 26, iss: syndrome & 0x1ff_ffff };
}

/** The ISS that the architecture asks for when an MSR, MRS or system instruction is trapped (DDI 0487 D17.2.37). */
export function systemIss(instruction: string): number {
  const word = assemble(instruction, RAM);
  const at = (lsb: number, width: number): number => (word >>> lsb) & ((1 << width) - 1);
  const [op0, op1, CRn, CRm, op2, Rt, read] = [
    at(19, 2),
    at(16, 3),
    at(12, 4),
    at(8, 4),
    at(5, 3),
    at(0, 5),
    at(21, 1),
  ];
  return (op0 << 20) | (op2 << 17) | (op1 << 14) | (CRn << 10) | (Rt << 5) | (CRm << 1) | read;
}
