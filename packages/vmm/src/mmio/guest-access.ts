// One access on the guest's behalf, by its virtual address: its stage 1 by an AT instruction, then an emulated device or the VM's
// memory.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Ipa, Transaction, Width, Word64 } from '@worldswitch/platform';

import { addressInto, PhysicalMemory } from '../memory/physical.ts';
import { systemOperation, systemRegister } from '../names.ts';
import type { Stage2Map } from '../stage2/map.ts';
import type { VmBus } from './bus.ts';

const PAR_EL1 = systemRegister('PAR_EL1');
const ISB = systemOperation('ISB');
const AT = {
  S1E0R: systemOperation('AT S1E0R'),
  S1E0W: systemOperation('AT S1E0W'),
  S1E1R: systemOperation('AT S1E1R'),
  S1E1W: systemOperation('AT S1E1W'),
  S12E1R: systemOperation('AT S12E1R'),
} as const;

/** The address in PAR_EL1, bits 47:12. */
const pageOf = ({ lo, hi }: Word64): number => (hi & 0xffff) * 2 ** 32 + ((lo & ~0xfff) >>> 0);

/** PAR_EL1 of one address translation; the guest's own PAR_EL1 stays. */
function translated(port: CpuPort, how: keyof typeof AT, va: number | bigint, out: Word64): void {
  const saved = { lo: 0, hi: 0 };
  port.readSystem(PAR_EL1, saved);
  const whole = BigInt(va);
  port.operate(AT[how], Number(whole & 0xffff_ffffn), Number((whole >> 32n) & 0xffff_ffffn));
  port.operate(ISB);
  port.readSystem(PAR_EL1, out);
  port.writeSystem(PAR_EL1, saved.lo, saved.hi);
}

/** What reaches a VM's address space from its virtual addresses. */
export class GuestAccess {
  readonly bus: VmBus;
  readonly map: Stage2Map;
  readonly memory: PhysicalMemory;
  private readonly par: Word64 = { lo: 0, hi: 0 };
  private readonly at: Word64 = { lo: 0, hi: 0 };

  constructor(bus: VmBus, map: Stage2Map, memory: PhysicalMemory = new PhysicalMemory()) {
    this.bus = bus;
    this.map = map;
    this.memory = memory;
  }

  /** The instruction word at a virtual address of the guest, or -1 where there is none any more. Instructions are little-endian. */
  fetch(port: CpuPort, pc: bigint): number {
    const { par } = this;
    translated(port, 'S12E1R', pc, par);
    if ((par.lo & 1) !== 0) return -1;
    const fault = port.load(addressInto(pageOf(par) + Number(pc & 0xfffn), this.at), 4, par);
    return fault === Fault.None ? par.lo : -1;
  }

  /** Stage 1 alone: the IPA, or the fault status code, negative and minus one. */
  stage1(port: CpuPort, va: bigint, write: boolean, user: boolean): number {
    const { par } = this;
    translated(port, user ? (write ? 'S1E0W' : 'S1E0R') : write ? 'S1E1W' : 'S1E1R', va, par);
    if ((par.lo & 1) !== 0) return -1 - ((par.lo >>> 1) & 63);
    return pageOf(par) + Number(va & 0xfffn);
  }

  /** A load of 1 to 8 bytes within a page, lowest first. */
  load(port: CpuPort, ipa: Ipa, width: Width | 8, out: Word64, by: Transaction): Fault {
    if (this.bus.deviceAt(ipa) !== undefined) return this.bus.read(ipa, width, out, by);
    const at = this.map.translate(port, ipa, false);
    return at === -1 ? Fault.Decode : this.memory.load(port, at, width, out);
  }

  /** A store. */
  store(port: CpuPort, ipa: Ipa, width: Width | 8, lo: number, hi: number, by: Transaction): Fault {
    if (this.bus.deviceAt(ipa) !== undefined) return this.bus.write(ipa, width, lo, hi, by);
    const at = this.map.translate(port, ipa, true);
    return at === -1 ? Fault.Decode : this.memory.store(port, at, width, lo, hi);
  }
}
