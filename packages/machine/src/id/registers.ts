// ID registers from what is plugged together (DDI 0487 D17.2): the model's, the exception levels, and what banks contribute.

import type { SystemRegisterBank } from '@worldswitch/platform';

import type { CpuModel } from './models.ts';

/** What decides them. */
export interface IdInputs {
  readonly model: CpuModel;
  /** Index of the CPU. */
  readonly index: number;
  readonly el2: boolean;
  readonly el3: boolean;
  readonly banks: readonly SystemRegisterBank[];
}

/** Fields that banks may contribute, by register: their lowest bits. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ID_AA64PFR0_EL1: { GIC: 24 },
  ID_AA64MMFR0_EL1: { ECV: 60 },
};

/** MPIDR_EL1: one cluster, as QEMU's `virt`; bit 31 is RES1. */
export const mpidr = (index: number): bigint => 0x8000_0000n | BigInt(index);

/** Values by name; those that are not there are zero. */
export function idRegisters(inputs: IdInputs): Record<string, bigint> {
  const { model } = inputs;
  const id: Record<string, bigint> = {
    MIDR_EL1: model.midr,
    REVIDR_EL1: model.revidr,
    MPIDR_EL1: mpidr(inputs.index),
    CTR_EL0: 0x8444_c004n,
    DCZID_EL0: 4n,
    CLIDR_EL1: model.clidr,
    // EL0 and EL1 in AArch64 alone; FP and Advanced SIMD without half precision are 0.
    ID_AA64PFR0_EL1: 0x11n | (inputs.el2 ? 0x100n : 0n) | (inputs.el3 ? 0x1000n : 0n),
    // DebugVer 6 (Armv8.0), six breakpoints of which two are context-aware, four watchpoints; PMUv3.
    ID_AA64DFR0_EL1: 0x1030_5106n,
    // Arm's; the CPU itself says how many counters there are.
    PMCR_EL0: 0x4100_0000n | (model.pmuId << 16n),
    // CRC32; SHA2, SHA1, and AES with PMULL.
    ID_AA64ISAR0_EL1: 0x1_0000n | (model.crypto ? 0x1120n : 0n),
    // PARange; 16-bit ASIDs; mixed endianness; Secure memory; 4 and 64 KiB granules, no 16 KiB.
    ID_AA64MMFR0_EL1: 0x1120n | (model.paBits === 40 ? 2n : 4n),
  };
  for (const bank of inputs.banks) {
    for (const [register, fields] of Object.entries(bank.id)) {
      for (const [field, value] of Object.entries(fields)) {
        // There is no AArch32, so its registers stay zero.
        if (!register.startsWith('ID_AA64')) continue;
        const shift = FIELDS[register]?.[field];
        if (shift === undefined) throw new RangeError(`no part may contribute ${register}.${field} yet`);
        id[register] = (id[register] ?? 0n) | (BigInt(value) << BigInt(shift));
      }
    }
  }
  return id;
}
