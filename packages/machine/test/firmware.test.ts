// PSCI as firmware answers it, and the ID registers that follow from composition.

import { describe, expect, test } from 'vitest';

import { psciCall } from '../src/firmware/psci.ts';
import type { PsciHost } from '../src/firmware/psci.ts';
import { models } from '../src/id/models.ts';
import { idRegisters } from '../src/id/registers.ts';

/** Calls a function; what happened to the host, and X0. */
function call(...args: readonly bigint[]): { result: bigint | undefined; log: string[] } {
  const log: string[] = [];
  let result: bigint | undefined;
  const host: PsciHost = {
    argument: (_cpu, n) => args[n] ?? 0n,
    setResult: (_cpu, value) => (result = value),
    cpuOf: (affinity) => (affinity === 0n ? 0 : affinity === 1n ? 1 : -1),
    isOn: (cpu) => cpu === 0,
    start: (cpu, entry, context) =>
      log.push(`start ${cpu} at ${entry.toString(16)} with ${context.toString(16)}`),
    stopCpu: (cpu) => log.push(`stop ${cpu}`),
    suspend: (cpu) => log.push(`suspend ${cpu}`),
    powerOff: () => log.push('off'),
    reset: () => log.push('reset'),
  };
  psciCall(host, 0);
  return { result, log };
}

const signed = (n: number): bigint => BigInt.asUintN(64, BigInt(n));

describe('PSCI (DEN 0022)', () => {
  test.each([
    ['VERSION is 1.1', [0x8400_0000n], 0x1_0001n, []],
    ['the upper half of the function identifier is ignored', [0xdead_0000_8400_0000n], 0x1_0001n, []],
    ['FEATURES of one that is there', [0x8400_000an, 0xc400_0003n], 0n, []],
    ['FEATURES of one that is not', [0x8400_000an, 0x8400_0012n], signed(-1), []],
    ['an unknown function', [0x8400_00ffn], signed(-1), []],
    ['VERSION has no 64-bit form', [0xc400_0000n], signed(-1), []],
    ['a call of no standard service', [0n], signed(-1), []],
    ['MIGRATE_INFO_TYPE', [0x8400_0006n], 2n, []],
    ['AFFINITY_INFO, on', [0xc400_0004n, 0n], 0n, []],
    ['AFFINITY_INFO, off', [0xc400_0004n, 1n], 1n, []],
    ['AFFINITY_INFO of nobody', [0xc400_0004n, 7n], signed(-2), []],
    ['CPU_ON', [0xc400_0003n, 1n, 0x4020_0000n, 0x1_0000_0005n], 0n, ['start 1 at 40200000 with 100000005']],
    [
      'CPU_ON with 32-bit arguments',
      [0x8400_0003n, 1n, 0xf_4020_0000n, 0x1_0000_0005n],
      0n,
      ['start 1 at 40200000 with 5'],
    ],
    ['CPU_ON of one that is on', [0xc400_0003n, 0n, 0x4020_0000n], signed(-4), []],
    ['CPU_ON of nobody', [0xc400_0003n, 0x100n, 0x4020_0000n], signed(-2), []],
    ['CPU_SUSPEND', [0xc400_0001n], 0n, ['suspend 0']],
    ['CPU_SUSPEND, powering a cluster down', [0xc400_0001n, 0x0101_0001n], 0n, ['suspend 0']],
    ['CPU_SUSPEND with reserved bits', [0xc400_0001n, 0xfe00_0000n], signed(-2), []],
    ['CPU_SUSPEND with reserved bits', [0xc400_0001n, 0x0400_0000n], signed(-2), []],
    ['CPU_OFF does not return', [0x8400_0002n], undefined, ['stop 0']],
    ['SYSTEM_OFF does not return', [0x8400_0008n], undefined, ['off']],
    ['SYSTEM_RESET does not return', [0x8400_0009n], undefined, ['reset']],
  ] as const)('%s', (_name, args, result, log) => {
    expect(call(...args)).toEqual({ result, log });
  });
});

describe('ID registers', () => {
  const id = (model: keyof typeof models, el2: boolean): Record<string, bigint> =>
    idRegisters({ model: models[model], index: 0, el2, el3: false, banks: [] });

  test('EL2 shows where it is', () => {
    expect(id('cortex-a57', false)['ID_AA64PFR0_EL1']).toBe(0x11n);
    expect(id('cortex-a57', true)['ID_AA64PFR0_EL1']).toBe(0x111n);
  });

  test.each([
    ['cortex-a53', 0x410f_d034n, 0x1122n],
    ['cortex-a57', 0x411f_d070n, 0x1124n],
    ['cortex-a72', 0x410f_d083n, 0x1124n],
  ] as const)('%s: MIDR_EL1, ID_AA64MMFR0_EL1', (model, midr, mmfr0) => {
    expect(id(model, true)).toMatchObject({
      MIDR_EL1: midr,
      ID_AA64MMFR0_EL1: mmfr0,
      ID_AA64ISAR0_EL1: 0x1_1120n,
      CTR_EL0: 0x8444_c004n,
      DCZID_EL0: 4n,
      MPIDR_EL1: 0x8000_0000n,
    });
  });

  test('a bank contributes fields; one that nobody knows is refused, and AArch32 has none', () => {
    const bank = (fields: Record<string, Record<string, number>>) => ({
      registers: [],
      id: fields,
      read: () => undefined,
      write: () => undefined,
    });
    const inputs = { model: models['cortex-a57'], index: 0, el2: false, el3: false };
    expect(
      idRegisters({ ...inputs, banks: [bank({ ID_AA64PFR0_EL1: { GIC: 1 } })] })['ID_AA64PFR0_EL1'],
    ).toBe(0x100_0011n);
    expect(idRegisters({ ...inputs, banks: [bank({ ID_PFR1_EL1: { GenTimer: 1 } })] })).not.toHaveProperty(
      'ID_PFR1_EL1',
    );
    expect(() => idRegisters({ ...inputs, banks: [bank({ ID_AA64PFR0_EL1: { SVE: 1 } })] })).toThrow(
      /ID_AA64PFR0_EL1\.SVE/,
    );
  });
});
