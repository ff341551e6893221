// A hypervisor in TypeScript at EL2 for tests: one VM with stage 2 in simulated memory, built by its own stores.

import { systemOperation, systemRegister } from '@worldswitch/isa-core';
import { Fault, record, stateCodec, uint } from '@worldswitch/platform';
import type {
  CpuPort,
  Exception,
  Leave,
  PrivilegedSoftware,
  SoftwareContext,
  StateCodec,
  Word64,
} from '@worldswitch/platform';

const R = {
  VBAR: systemRegister('VBAR_EL2'),
  HCR: systemRegister('HCR_EL2'),
  VTCR: systemRegister('VTCR_EL2'),
  VTTBR: systemRegister('VTTBR_EL2'),
  ELR: systemRegister('ELR_EL2'),
  SPSR: systemRegister('SPSR_EL2'),
  ESR: systemRegister('ESR_EL2'),
  FAR: systemRegister('FAR_EL2'),
  HPFAR: systemRegister('HPFAR_EL2'),
} as const;
const FLUSH = systemOperation('TLBI VMALLS12E1IS');
const DSB = systemOperation('DSB ISH');
const ISB = systemOperation('ISB');
const SMC = systemOperation('SMC');

/** Where it keeps stage 2: a table of 1 GiB, one of 2 MiB. */
const TABLES = 0x4040_0000;
/** Where the guest is, and the RAM that stage 2 maps for it: 2 MiB. */
export const GUEST = 0x4000_0000;

const word = (lo: number, hi = 0): Word64 => ({ lo: lo >>> 0, hi });

/** HCR_EL2: stage 2, AArch64, interrupts to EL2, WFI and SMC trap. */
const HCR = 0x8008_2039;
/** VTCR_EL2: 39 bits from level 1, Normal Inner Write-Back tables, 36-bit outputs. */
const VTCR = 0x8001_3559;

/** What it has seen. */
export interface Seen {
  readonly [name: string]: number;
  readonly calls: number;
  readonly emulated: number;
  readonly waits: number;
  readonly interrupts: number;
}

export const seenCodec: StateCodec<Seen> = stateCodec(
  1,
  record<Seen>({ calls: uint(), emulated: uint(), waits: uint(), interrupts: uint() }),
);

/** The hypervisor. */
export class SmallHypervisor implements PrivilegedSoftware<Seen> {
  readonly context: SoftwareContext;
  seen: { calls: number; emulated: number; waits: number; interrupts: number };
  private readonly out: Word64 = { lo: 0, hi: 0 };

  constructor(context: SoftwareContext, seen?: Seen) {
    this.context = context;
    this.seen = { calls: 0, emulated: 0, waits: 0, interrupts: 0, ...seen };
  }
  save(): Seen {
    return { ...this.seen };
  }

  boot(cpu: CpuPort): Leave {
    const store = (at: number, value: number): void => {
      if (cpu.store(word(at), 8, value, 0) !== Fault.None) throw new Error('a table cannot be written');
    };
    cpu.writeSystem(R.VBAR, this.context.page, 0);
    cpu.zero(word(TABLES), 0x2000);
    store(TABLES + 8, TABLES + 0x1000 + 3);
    // Normal Write-Back, inner shareable, read and write.
    store(TABLES + 0x1000, GUEST + 0x7fd);
    this.more(cpu, store);
    cpu.writeSystem(R.VTCR, VTCR, 0);
    cpu.writeSystem(R.VTTBR, TABLES, 1 << 16);
    cpu.writeSystem(R.HCR, HCR, 0);
    cpu.operate(FLUSH);
    cpu.operate(DSB);
    cpu.operate(ISB);
    this.enter(cpu);
    return 'eret';
  }
  /** Further mappings. */
  protected readonly more: (cpu: CpuPort, store: (at: number, value: number) => void) => void = () =>
    undefined;
  protected enter(cpu: CpuPort): void {
    cpu.writeSystem(R.ELR, GUEST + 0x1000 * cpu.index, 0);
    cpu.writeSystem(R.SPSR, 0x3c5, 0);
  }

  take({ kind, from }: Exception, cpu: CpuPort): Leave {
    if (kind === 'irq') return this.interrupted(cpu, from);
    const { out } = this;
    cpu.readSystem(R.ESR, out);
    const esr = out.lo;
    switch (esr >>> 26) {
      case 0x01:
        this.seen.waits++;
        this.skip(cpu);
        return this.waits(cpu);
      case 0x16:
        this.seen.calls++;
        return this.called(cpu, esr & 0xffff);
      case 0x24:
        this.emulate(cpu, esr);
        return 'eret';
      default:
        return this.other(cpu, esr);
    }
  }
  protected readonly interrupted: (cpu: CpuPort, from: Exception['from']) => Leave = () => {
    this.seen.interrupts++;
    return 'eret';
  };
  /** HVC 0 adds one to X0; HVC 1 switches off. */
  protected called(cpu: CpuPort, immediate: number): Leave {
    if (immediate === 1) return this.off(cpu);
    cpu.readX(0, this.out);
    cpu.writeX(0, this.out.lo + 1, this.out.hi);
    return 'eret';
  }
  protected readonly waits: (cpu: CpuPort) => Leave = () => 'eret';
  protected readonly other: (cpu: CpuPort, esr: number) => Leave = (_, esr) => {
    throw new Error(`exception class 0x${(esr >>> 26).toString(16)} is not expected`);
  };
  protected off(cpu: CpuPort): Leave {
    cpu.writeX(0, 0x8400_0008, 0);
    cpu.operate(SMC, 0);
    return 'wait';
  }
  protected skip(cpu: CpuPort): void {
    cpu.readSystem(R.ELR, this.out);
    cpu.writeSystem(R.ELR, this.out.lo + 4, this.out.hi);
  }
  /** A load from the device gives the low bits of its address and 0x1000; stores are counted. */
  protected emulate(cpu: CpuPort, esr: number): void {
    if ((esr & 0x100_0000) === 0) throw new Error('a data abort without a syndrome');
    this.seen.emulated++;
    cpu.readSystem(R.FAR, this.out);
    const at = this.out.lo;
    if ((esr & 0x40) === 0) cpu.writeX((esr >>> 16) & 31, (at & 0xfff) | 0x1000, 0);
    this.skip(cpu);
  }
}
