// The guest's translation by shadow tables: the virtual CPU's registers go in, faults and maintenance come out as trap-and-emulate needs them.

import { Access, createTranslation, faultStatusCode, parFromResult } from '@worldswitch/mmu';
import type { Translation } from '@worldswitch/mmu';
import type { CpuPort, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';
import type { ShadowMmu, ShadowView } from '@worldswitch/vmm';

import { Answer } from './guest-memory.ts';
import type { GuestMemory, TlbMaintenance, AccessKind } from './guest-memory.ts';
import { SCTLR_EL1 } from './handles.ts';
import type { VirtualCpu } from './virtual-cpu.ts';

const TTBR0_EL1 = systemRegister('TTBR0_EL1');
const TTBR1_EL1 = systemRegister('TTBR1_EL1');
const TCR_EL1 = systemRegister('TCR_EL1');
const MAIR_EL1 = systemRegister('MAIR_EL1');

const accesses = [Access.Read, Access.Write, Access.Execute] as const;
const viewOf = ({ level }: VirtualCpu): ShadowView => (level === 0 ? 'user' : 'kernel');

/** A VM's shadow. */
export class ShadowMemory implements GuestMemory {
  readonly shadow: ShadowMmu;
  status = 0;
  ipa = 0;
  touched = false;
  private readonly answer: Translation = createTranslation();

  constructor(shadow: ShadowMmu) {
    this.shadow = shadow;
  }

  written(_port: CpuPort, vcpu: VirtualCpu): void {
    const r = this.shadow.registers(vcpu.index);
    r.sctlr = vcpu.get(SCTLR_EL1);
    r.tcrLo = vcpu.get(TCR_EL1);
    r.tcrHi = vcpu.getHi(TCR_EL1);
    r.ttbr0Lo = vcpu.get(TTBR0_EL1);
    r.ttbr0Hi = vcpu.getHi(TTBR0_EL1);
    r.ttbr1Lo = vcpu.get(TTBR1_EL1);
    r.ttbr1Hi = vcpu.getHi(TTBR1_EL1);
    r.mairLo = vcpu.get(MAIR_EL1);
    r.mairHi = vcpu.getHi(MAIR_EL1);
    this.shadow.changed(vcpu.index);
  }

  enter(port: CpuPort, vcpu: VirtualCpu): void {
    this.shadow.enter(port, vcpu.index, viewOf(vcpu));
  }

  fault(port: CpuPort, vcpu: VirtualCpu, va: Readonly<Word64>, kind: AccessKind): Answer {
    const found = this.shadow.resolve(port, vcpu.index, viewOf(vcpu), va, accesses[kind]);
    this.ipa = found.ipa;
    this.touched = found.touched;
    switch (found.kind) {
      case 'filled':
        return Answer.Retry;
      case 'fault':
        this.status = found.code;
        return Answer.Abort;
      case 'mmio':
        return Answer.Device;
      case 'traced':
        return Answer.Traced;
    }
  }

  translate(
    port: CpuPort,
    vcpu: VirtualCpu,
    va: Readonly<Word64>,
    kind: AccessKind,
    privileged: boolean,
  ): Answer {
    if (!this.walk(port, vcpu, va, accesses[kind], privileged)) {
      this.status = faultStatusCode(this.answer);
      return Answer.Abort;
    }
    this.ipa = this.answer.pa;
    return this.shadow.hostOf(this.ipa) < 0 ? Answer.Device : Answer.Retry;
  }

  private walk(
    port: CpuPort,
    vcpu: VirtualCpu,
    va: Readonly<Word64>,
    access: Access,
    privileged: boolean,
  ): boolean {
    return this.shadow.translate(port, vcpu.index, privileged ? 'kernel' : 'user', va, access, this.answer);
  }

  addressTranslation(
    port: CpuPort,
    vcpu: VirtualCpu,
    va: Readonly<Word64>,
    write: boolean,
    privileged: boolean,
    par: Word64,
  ): void {
    this.walk(port, vcpu, va, write ? Access.Write : Access.Read, privileged);
    parFromResult(this.answer, par);
  }

  /** Whether the last address that `translate` found is Device memory. */
  get isDevice(): boolean {
    return (this.answer.dataAttributes & 0xf0) === 0;
  }

  invalidate(port: CpuPort, vcpu: VirtualCpu, what: TlbMaintenance, lo: number, hi: number): void {
    this.shadow.maintain(port, vcpu.index, what, lo, hi);
  }
}
