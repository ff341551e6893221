// CPU models: identification registers as the parts' Technical Reference Manuals give them (Cortex-A53 100095, A57 DDI 0488,
// A72 100095), less what is not modelled: AArch32.

/** Names of the CPU models. */
export const cpuModels = ['cortex-a53', 'cortex-a57', 'cortex-a72'] as const;
/** A CPU model. */
export type CpuModelName = (typeof cpuModels)[number];

/** What a model decides. */
export interface CpuModel {
  /** The device-tree name. */
  readonly compatible: string;
  readonly midr: bigint;
  readonly revidr: bigint;
  /** Physical address bits. */
  readonly paBits: 40 | 44;
  readonly clidr: bigint;
  /** The Cryptographic Extension, which the parts may have: AES, PMULL of 64 bits, SHA-1, SHA-256. */
  readonly crypto: boolean;
  /** PMCR_EL0.IDCODE. */
  readonly pmuId: bigint;
  /** CCSIDR_EL1 by CSSELR_EL1: L1 data, L1 instruction, L2. */
  readonly cacheSizes: readonly bigint[];
}

const CLIDR = 0x0a20_0023n;

/** The models. */
export const models: Readonly<Record<CpuModelName, CpuModel>> = {
  'cortex-a53': {
    compatible: 'arm,cortex-a53',
    midr: 0x410f_d034n,
    revidr: 0n,
    paBits: 40,
    pmuId: 3n,
    crypto: true,
    clidr: CLIDR,
    cacheSizes: [0x700f_e01an, 0x201f_e00an, 0x707f_e07an],
  },
  'cortex-a57': {
    compatible: 'arm,cortex-a57',
    midr: 0x411f_d070n,
    revidr: 0n,
    paBits: 44,
    pmuId: 1n,
    crypto: true,
    clidr: CLIDR,
    cacheSizes: [0x701f_e00an, 0x201f_e012n, 0x70ff_e07an],
  },
  'cortex-a72': {
    compatible: 'arm,cortex-a72',
    midr: 0x410f_d083n,
    revidr: 0n,
    paBits: 44,
    pmuId: 2n,
    crypto: true,
    clidr: CLIDR,
    cacheSizes: [0x701f_e00an, 0x201f_e012n, 0x707f_e07an],
  },
};
