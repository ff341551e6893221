// What a VM's identification registers show.

import { describe, expect, it } from 'vitest';

import { StateError } from '@worldswitch/platform';

import {
  identificationRegisters,
  identifyAs,
  vcpuOfAffinity,
  VirtualId,
  virtualIdShape,
  virtualMpidr,
} from '../../src/index.ts';
import type { VirtualIdOptions } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

function host(): FakePort {
  const port = new FakePort();
  port.put('ID_AA64PFR0_EL1', 0x0100_1111);
  port.put('ID_AA64DFR0_EL1', 0x1030_5106);
  port.put('ID_AA64ISAR0_EL1', 0x1_1120);
  port.put('ID_AA64MMFR0_EL1', 0x1124);
  port.put('ID_AA64MMFR1_EL1', 0x1000_0100);
  return port;
}

function seen(options: VirtualIdOptions, name: string, port = host()): number {
  const out = { lo: 0, hi: 0 };
  VirtualId.ofHost(port, options).read(name, out);
  return out.lo;
}

describe('virtual ID registers', () => {
  const plain: VirtualIdOptions = { gic: 2, monitors: true };

  it('hide EL2, EL3 and, of a VM with a GICv2, the system registers of the interrupt controller', () => {
    expect(seen(plain, 'ID_AA64PFR0_EL1')).toBe(0x11);
    expect(seen({ ...plain, gic: 3 }, 'ID_AA64PFR0_EL1')).toBe(0x0100_0011);
    expect(seen(plain, 'ID_AA64MMFR1_EL1')).toBe(0);
    // Emulated where the host has none.
    const without = host();
    without.put('ID_AA64PFR0_EL1', 0x11);
    expect(seen({ ...plain, gic: 3 }, 'ID_AA64PFR0_EL1', without)).toBe(0x0100_0011);
  });

  it('show what the VM has of the host', () => {
    expect(seen(plain, 'ID_AA64ISAR0_EL1')).toBe(0x1_1120);
    expect(seen(plain, 'ID_AA64DFR0_EL1')).toBe(0x1030_5106);
    expect(seen({ ...plain, monitors: false }, 'ID_AA64DFR0_EL1')).toBe(0x1030_5006);
    expect(seen({ ...plain, addressBits: 40 }, 'ID_AA64MMFR0_EL1')).toBe(0x1122);
    expect(seen({ ...plain, addressBits: 48 }, 'ID_AA64MMFR0_EL1')).toBe(0x1124);
  });

  it('read zero where nothing is, and know which registers they are', () => {
    expect(seen(plain, 'S3_0_C0_C7_7')).toBe(0);
    expect(VirtualId.has('S3_0_C0_C7_7')).toBe(true);
    expect(VirtualId.has('ID_AA64ISAR1_EL1')).toBe(true);
    expect(VirtualId.has('SCTLR_EL1')).toBe(false);
    expect(identificationRegisters).toHaveLength(36);
  });

  it('are saved, and refused when damaged', () => {
    const made = VirtualId.ofHost(host(), plain);
    const state = virtualIdShape.check(structuredClone(made.save()), '');
    expect(VirtualId.restored(state).save()).toEqual(made.save());
    expect(() => virtualIdShape.check({ values: [1] }, '')).toThrow(StateError);
  });
});

describe('affinities', () => {
  it('are those of clusters of 16', () => {
    expect([0, 15, 16, 33].map(virtualMpidr)).toEqual([0x8000_0000, 0x8000_000f, 0x8000_0100, 0x8000_0201]);
    expect(vcpuOfAffinity(0x100n, 17)).toBe(16);
    expect(vcpuOfAffinity(0x100n, 16)).toBe(-1);
    expect(vcpuOfAffinity(0x1_0000_0000n, 16)).toBe(-1);
  });

  it('are what the CPU shows', () => {
    const port = host();
    port.put('MIDR_EL1', 0x410f_d034);
    identifyAs(port, 1);
    expect(port.get('VPIDR_EL2')).toBe(0x410f_d034n);
    expect(port.get('VMPIDR_EL2')).toBe(0x8000_0001n);
  });
});
