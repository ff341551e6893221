// Where the guest is: ELR_EL1 and SPSR_EL1, read when somebody asks and written when somebody has changed them (DDI 0487 C5.2.7,
// C5.2.18). N, Z, C, V, IL and SS of the guest are the hardware's own; the rest of its PSTATE is virtual.

import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

const ELR_EL1 = systemRegister('ELR_EL1');
const SPSR_EL1 = systemRegister('SPSR_EL1');

/** SPSR_ELx fields. */
export const Spsr = { NZCV: 0xf000_0000, SS: 0x20_0000, IL: 0x10_0000, DAIF: 0x3c0 } as const;
/** What of it is the hardware's while the guest runs. */
export const HARDWARE: number = (Spsr.NZCV | Spsr.SS | Spsr.IL) >>> 0;

const Flag = { PcRead: 1, PcWritten: 2, SpsrRead: 4, SpsrWritten: 8 } as const;

/** The guest's PC and hardware PSTATE in one exit. */
export class Frame {
  private port: CpuPort | undefined;
  private flags = 0;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private state = 0;

  /** An exit begins. */
  begin(port: CpuPort): void {
    this.port = port;
    this.flags = 0;
  }

  private get entered(): CpuPort {
    if (this.port === undefined) throw new Error('the machine is reached during entries only');
    return this.port;
  }

  /** The guest's PC. */
  get pc(): Readonly<Word64> {
    if ((this.flags & (Flag.PcRead | Flag.PcWritten)) === 0) {
      this.entered.readSystem(ELR_EL1, this.at);
      this.flags |= Flag.PcRead;
    }
    return this.at;
  }

  /** Where it goes on. */
  setPc(lo: number, hi: number): void {
    this.at.lo = lo >>> 0;
    this.at.hi = hi >>> 0;
    this.flags |= Flag.PcWritten;
  }

  /** It goes on behind the instruction that exited. */
  skip(): void {
    const { lo, hi } = this.pc;
    this.setPc(lo + 4, lo >= 0xffff_fffc ? hi + 1 : hi);
  }

  /** The hardware's part of the guest's PSTATE. */
  get spsr(): number {
    if ((this.flags & (Flag.SpsrRead | Flag.SpsrWritten)) === 0) {
      this.entered.readSystem(SPSR_EL1, this.word);
      this.state = (this.word.lo & HARDWARE) >>> 0;
      this.flags |= Flag.SpsrRead;
    }
    return this.state;
  }

  /** What it is to be: the guest runs at EL0 with nothing masked, whatever it believes. */
  setSpsr(value: number): void {
    this.state = (value & HARDWARE) >>> 0;
    this.flags |= Flag.SpsrWritten;
  }

  /** The exit ends: what was changed is written. */
  end(port: CpuPort): void {
    const { flags, at } = this;
    if ((flags & Flag.PcWritten) !== 0) port.writeSystem(ELR_EL1, at.lo, at.hi);
    if ((flags & Flag.SpsrWritten) !== 0) port.writeSystem(SPSR_EL1, this.state, 0);
    this.flags = 0;
  }
}
