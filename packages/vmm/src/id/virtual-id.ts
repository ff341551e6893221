// What a VM's identification registers show (DDI 0487 D17.2): the host's, less what a VM has not: EL2, EL3, and what the VM's
// description leaves out. HCR_EL2.TID3 makes EL1's reads exits; MIDR_EL1 and MPIDR_EL1 are VPIDR_EL2's and VMPIDR_EL2's.

import { systemRegisterNames } from '@worldswitch/isa-core';
import { bits, list, record, StateError } from '@worldswitch/platform';
import type { CpuPort, Shape, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';

/** What a VM has of what the host has. */
export interface VirtualIdOptions {
  /** The VM's interrupt controller: a GICv3 has system registers, which are there or emulated. */
  readonly gic: 2 | 3;
  /** Performance monitors. */
  readonly monitors: boolean;
  /** Bits of the VM's physical addresses: a size that ID_AA64MMFR0_EL1.PARange can say; what the host has when absent. */
  readonly addressBits?: 32 | 36 | 40 | 42 | 44 | 48;
}

/** All registers that HCR_EL2.TID3 traps and that have a name: CRn 0, CRm 1 to 7. */
export const identificationRegisters: readonly string[] = systemRegisterNames.filter((name) =>
  /^(?:ID_|MVFR)/.test(name),
);

/** A four-bit field that a VM sees otherwise than the host: its lowest bit, and its value from the host's. */
interface Field {
  readonly register: string;
  readonly at: number;
  readonly seen: (host: number) => number;
}

const absent = (): number => 0;
const addressSizes: readonly number[] = [32, 36, 40, 42, 44, 48];

function fieldsOf(options: VirtualIdOptions): readonly Field[] {
  const { gic, monitors, addressBits } = options;
  const most = addressBits === undefined ? 15 : addressSizes.indexOf(addressBits);
  return [
    { register: 'ID_AA64PFR0_EL1', at: 8, seen: absent }, // EL2
    { register: 'ID_AA64PFR0_EL1', at: 12, seen: absent }, // EL3
    { register: 'ID_AA64PFR0_EL1', at: 24, seen: (host) => (gic === 3 ? Math.max(host, 1) : 0) }, // GIC
    { register: 'ID_AA64DFR0_EL1', at: 8, seen: (host) => (monitors ? host : 0) }, // PMUVer
    { register: 'ID_AA64DFR0_EL1', at: 32, seen: absent }, // PMSVer
    { register: 'ID_AA64MMFR0_EL1', at: 0, seen: (host) => Math.min(host, most) }, // PARange
    { register: 'ID_AA64MMFR0_EL1', at: 32, seen: absent }, // TGran16_2
    { register: 'ID_AA64MMFR0_EL1', at: 36, seen: absent }, // TGran64_2
    { register: 'ID_AA64MMFR0_EL1', at: 40, seen: absent }, // TGran4_2
    { register: 'ID_AA64MMFR1_EL1', at: 8, seen: absent }, // VH
    { register: 'ID_AA64MMFR1_EL1', at: 28, seen: absent }, // XNX
    { register: 'ID_AA64MMFR2_EL1', at: 24, seen: absent }, // NV
    { register: 'ID_AA64MMFR2_EL1', at: 56, seen: absent }, // EVT
  ];
}

/** The saved state: lower and upper halves, in the order of `identificationRegisters`. */
export type VirtualIdState = Readonly<{ values: readonly number[] }>;

/** How it is checked. */
export const virtualIdShape: Shape<VirtualIdState> = record<VirtualIdState>({
  values: list(bits(), 2 * identificationRegisters.length),
});

function setField(word: Word64, { at, seen }: Field): void {
  const half = at < 32 ? 'lo' : 'hi';
  const shift = at & 31;
  const value = seen((word[half] >>> shift) & 15);
  word[half] = ((word[half] & ~(15 << shift)) | (value << shift)) >>> 0;
}

/** A VM's identification registers. */
export class VirtualId {
  private readonly values: Uint32Array;

  private constructor(values: ArrayLike<number>) {
    this.values = Uint32Array.from(values);
  }

  /** From the host's registers. */
  static ofHost(port: CpuPort, options: VirtualIdOptions): VirtualId {
    const fields = fieldsOf(options);
    const word: Word64 = { lo: 0, hi: 0 };
    const values = identificationRegisters.flatMap((name) => {
      port.readSystem(systemRegister(name), word);
      for (const field of fields) if (field.register === name) setField(word, field);
      return [word.lo, word.hi];
    });
    return new VirtualId(values);
  }

  /** As it was saved. Throws a StateError for values of another list of registers. */
  static restored(state: VirtualIdState): VirtualId {
    if (state.values.length !== 2 * identificationRegisters.length) {
      throw new StateError('values', `must have ${2 * identificationRegisters.length} elements`);
    }
    return new VirtualId(state.values);
  }

  /** What a trapped read of a register shows; zero for a name that is none of these, as reserved encodings are. */
  read(name: string, out: Word64): void {
    const at = 2 * identificationRegisters.indexOf(name);
    out.lo = this.values[at] ?? 0;
    out.hi = this.values[at + 1] ?? 0;
  }

  /** True for a register of the trapped space, reserved ones included. */
  static has(name: string): boolean {
    return identificationRegisters.includes(name) || /^S3_0_C0_C[1-7]_[0-7]$/.test(name);
  }

  /** As plain data. */
  save(): VirtualIdState {
    return { values: Array.from(this.values) };
  }
}

/** What VMPIDR_EL2 is for a vCPU: clusters of 16, as the board's GICv3 has them; bit 31 is RES1. */
export const virtualMpidr = (vcpu: number): number => (0x8000_0000 | ((vcpu >> 4) << 8) | (vcpu & 15)) >>> 0;

/** The vCPU of an affinity (MPIDR_EL1 without its flags), or -1. */
export function vcpuOfAffinity(affinity: bigint, vcpus: number): number {
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    if (affinity === BigInt(virtualMpidr(vcpu) & 0xff_ffff)) return vcpu;
  }
  return -1;
}

const VPIDR_EL2 = systemRegister('VPIDR_EL2');
const VMPIDR_EL2 = systemRegister('VMPIDR_EL2');
const MIDR_EL1 = systemRegister('MIDR_EL1');

/** Makes the CPU show itself as a vCPU does: MIDR_EL1 of the host, and the vCPU's own MPIDR_EL1. At each change of vCPU. */
export function identifyAs(port: CpuPort, vcpu: number): void {
  const word: Word64 = { lo: 0, hi: 0 };
  port.readSystem(MIDR_EL1, word);
  port.writeSystem(VPIDR_EL2, word.lo, word.hi);
  port.writeSystem(VMPIDR_EL2, virtualMpidr(vcpu), 0);
}
