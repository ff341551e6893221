// A bench on which one instruction is executed twice from one state: at EL1, as a kernel natively, and at EL0, as a kernel that is run
// without privilege, with what a hypervisor does about its state done: its stack pointer, and tables in which EL0 has what EL1 has.

import { assembleProgram, CpuLayout, createStepper } from '@worldswitch/isa-core';
import { createMachine, rawKernel, virt } from '@worldswitch/machine';

import { createHost } from '../src/index.ts';

const RAM = 0x4000_0000;
/** The instruction; a block that both levels read and execute. */
const TEXT = RAM + 0x1000;
const TABLES = RAM + 0x10_0000;
/** Where the pages are, and where they are in memory. */
const PAGES = RAM + 0x20_0000;
const BEHIND = 0x40_0000;
const PAGE = 0x1000;

/** What the kernel's own tables give to whom, and what a shadow for its virtual level gives EL0: AP of each page. */
export const PLACES = {
  "the kernel's": { own: 0, shadow: 1 },
  'shared with its user': { own: 1, shadow: 1 },
  "the kernel's, read-only": { own: 2, shadow: 3 },
  'shared, read-only': { own: 3, shadow: 3 },
} as const;
const places = Object.values(PLACES);

/** A state that an instruction begins in. */
export interface Start {
  readonly place: number;
  /** Of what fills registers. */
  readonly seed: number;
  /** PSTATE.SP of the kernel natively, and its mask. */
  readonly spSel: 0 | 1;
  readonly daif: number;
}

/** What came of it, as text that is the same where nothing of it can tell the levels from each other. */
export interface Came {
  /** The exception class, as if all were taken from one level; undefined where there was no exception. */
  readonly ec: number | undefined;
  readonly text: string;
}

/** Controls of EL1 as a hypervisor leaves them to its guest's kernel. */
export const CONTROLS = ['SCTLR_EL1', 'CPACR_EL1', 'CNTKCTL_EL1', 'PMUSERENR_EL0', 'MDSCR_EL1'] as const;
export type Controls = Readonly<Record<(typeof CONTROLS)[number], bigint>>;

/** Those of trap-and-emulate, looked at while its guest's kernel runs. */
export function hypervisorsControls(): Controls {
  const vms = [{ name: 'guest', board: virt({ memory: '32M' }) }];
  const at = RAM + 0x20_0000;
  // FP is the guest's own to allow.
  const { words } = assembleProgram(`movz x1, #0x30, lsl #16\n msr cpacr_el1, x1\n isb\n b ${at + 12}`, at);
  const host = createHost(
    { board: virt({ memory: '64M' }), technique: 'trap-and-emulate', vms },
    { guest: { kernel: rawKernel(new Uint8Array(words.buffer), at) } },
  );
  host.machine.run(60_000);
  const { cpu } = host.machine;
  if (cpu.state.el !== 0) throw new Error('the kernel does not run at EL0');
  const values = CONTROLS.map((name) => [name, cpu.register(name)] as const);
  return Object.fromEntries(values) as Controls;
}

/** Controls that a kernel has itself. */
const OWN: Controls = {
  SCTLR_EL1: 0x30d0_1985n,
  CPACR_EL1: 3n << 20n,
  CNTKCTL_EL1: 0n,
  // It lets its users count.
  PMUSERENR_EL0: 15n,
  MDSCR_EL1: 0n,
};

/** Classes that differ by the level that an exception comes from. */
const SAME_LEVEL: Readonly<Record<number, number>> = { 0x21: 0x20, 0x25: 0x24, 0x33: 0x32, 0x35: 0x34 };

export class Bench {
  private readonly machine = createMachine({
    ...virt({ memory: '16M' }),
    engine: 'reference',
  });
  private readonly stepper = createStepper(this.machine.cpu);
  private readonly memory: Uint8Array;
  private readonly view: DataView;
  private readonly pristine: Uint8Array;

  constructor() {
    const { bytes } = this.machine.board.ram;
    this.memory = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.pristine = Uint8Array.from({ length: places.length * PAGE }, (_, i) => Math.imul(i, 41) >>> 3);
    this.root(0, ({ own }) => own);
    this.root(1, ({ shadow }) => shadow);
    const { cpu } = this.machine;
    // 39 bits of 4 KiB pages in the lower half alone.
    const registers = { MAIR_EL1: 0xffn, TCR_EL1: 25n | (1n << 23n), VBAR_EL1: BigInt(RAM + 0x8000) };
    for (const [name, value] of Object.entries(registers)) cpu.setRegister(name, value);
  }

  /** Tables of three levels: the block of the text, and the pages. */
  private root(which: number, ap: (place: (typeof places)[number]) => number): void {
    const at = TABLES - RAM + which * 3 * PAGE;
    const put = (table: number, index: number, value: bigint): void => {
      this.view.setBigUint64(at + table * PAGE + 8 * index, value, true);
    };
    const table = (n: number): bigint => BigInt(RAM + at + n * PAGE) | 3n;
    put(0, 1, table(1));
    // Read-only for both, accessed, of the ASID alone.
    put(1, 0, BigInt(RAM) | 0xfc1n);
    put(1, 1, table(2));
    places.forEach((place, i) => {
      put(2, i, BigInt(RAM + BEHIND + i * PAGE) | 0xf03n | BigInt(ap(place) << 6) | (1n << 11n));
    });
  }

  /** Executes a word at a level. */
  step(word: number, level: 0 | 1, start: Start, controls: Controls = OWN): Came {
    const { cpu } = this.machine;
    const { state } = cpu;
    this.memory.set(this.pristine, BEHIND);
    this.view.setUint32(TEXT - RAM, word, true);
    for (const name of CONTROLS) cpu.setRegister(name, controls[name]);
    const which = level === 1 ? 0 : 1;
    const root = BigInt(TABLES + which * 3 * PAGE) | (BigInt(1 + which) << 48n);
    cpu.setRegister('TTBR0_EL1', root);
    for (const name of ['ESR_EL1', 'FAR_EL1', 'TPIDR_EL0', 'TPIDRRO_EL0']) cpu.setRegister(name, 0n);
    cpu.setRegister('SPSR_EL1', 0n);
    // The stack pointer that the kernel has, by whichever name the level has it.
    const place = BigInt(PAGES + start.place * PAGE + 0x800);
    state.setMode(level, level === 0 ? 0 : start.spSel, cpu.spCells);
    cpu.setRegister('SP_EL0', 0n);
    for (let n = 0; n < 31; n++) state.setX(n, valueOf(n, start, place));
    state.setX(31, place);
    for (let i = 0; i < 128; i++)
      state.setWord(CpuLayout.v + 4 * i, Math.imul(i + start.seed, 0x9e37_79b9) >>> 0);
    state.setWord(CpuLayout.fpcr, 0);
    state.setWord(CpuLayout.fpsr, 0);
    state.setWord(CpuLayout.exclusiveOpen, 0);
    state.pc = BigInt(TEXT);
    state.nzcv = (start.seed & 15) << 28;
    // A hypervisor has the guest's mask in its own memory: EL0 runs with interrupts open.
    state.daif = level === 0 ? 0 : start.daif;
    cpu.contextChanged();
    const before = cpu.counters.exceptions;
    this.stepper.step();
    return cpu.counters.exceptions === before ? this.after(start.daif, level) : this.taken();
  }

  private taken(): Came {
    const { cpu } = this.machine;
    const esr = Number(cpu.register('ESR_EL1'));
    const ec = SAME_LEVEL[esr >>> 26] ?? esr >>> 26;
    const [iss, far, elr] = [esr & 0x1ff_ffff, cpu.register('FAR_EL1'), cpu.register('ELR_EL1')];
    return {
      ec,
      text: `exception ${ec.toString(16)} ${iss.toString(16)} ${far.toString(16)} ${elr.toString(16)}`,
    };
  }

  /** All that the kernel can see of it. */
  private after(daif: number, level: number): Came {
    const { state } = this.machine.cpu;
    const registers = Array.from({ length: 32 }, (_, n) => state.x(n).toString(16));
    const floats = Array.from({ length: 128 }, (_, i) => state.word(CpuLayout.v + 4 * i).toString(16));
    const flags = [state.pc, state.nzcv, state.word(CpuLayout.fpcr), state.word(CpuLayout.fpsr)];
    // What EL0 did not change of its mask the guest has not changed of its own.
    const mask = level === 1 ? state.daif : state.daif === 0 ? daif : state.daif | 0x1000;
    const memory = this.memory.subarray(BEHIND, BEHIND + this.pristine.length);
    const stored = Buffer.compare(memory, this.pristine) === 0 ? '' : Buffer.from(memory).toString('base64');
    return {
      ec: undefined,
      text: [...registers, ...flags.map(String), mask, ...floats, stored].join(' '),
    };
  }
}

/** Even registers are addresses in the place, odd ones small numbers. */
function valueOf(n: number, { seed }: Start, place: bigint): bigint {
  const mixed = Math.imul(seed + n, 0x85eb_ca6b) >>> 0;
  return n % 2 === 0 ? place + BigInt((mixed >>> 20) & 0x3c0) - 0x200n : BigInt(mixed >>> 26);
}
