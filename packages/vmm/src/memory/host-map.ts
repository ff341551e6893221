// EL2's own stage 1: an identity map of memory and devices (DDI 0487 D8.2, D17.2 TCR_EL2, MAIR_EL2, SCTLR_EL2).

import { createTables, Permission } from '@worldswitch/mmu';
import type { TableAllocator } from '@worldswitch/mmu';
import type { CpuPort, Pa } from '@worldswitch/platform';

import { systemOperation, systemRegister } from '../names.ts';
import type { PhysicalMemory } from './physical.ts';

/** A range of the identity map: 4 KiB at least. */
export interface HostRange {
  readonly base: number;
  readonly size: number;
  /** Normal Write-Back memory, or Device-nGnRE. */
  readonly kind: 'memory' | 'device';
  /** True for the hypervisor's code. */
  readonly execute?: boolean;
}

/** What EL2's translation registers get: halves. */
export interface HostMap {
  readonly ttbr0: readonly [lo: number, hi: number];
  readonly tcr: readonly [lo: number, hi: number];
  readonly mair: readonly [lo: number, hi: number];
}

/** Attribute 0 is Normal Write-Back, 1 is Device-nGnRE. */
const MAIR = 0x04ff;
/** Bits 31 and 23 are RES1; walks are Write-Back and Inner Shareable. */
const TCR = 0x8080_3500;
/** The bits of SCTLR_EL2 that are RES1, and I, SA, C and M. */
const SCTLR = 0x30c5_0830 | 0x1000 | 0x8 | 0x4 | 0x1;
const { PrivilegedRead, PrivilegedWrite, PrivilegedExecute } = Permission;

/**
 * Builds the tables; `useHostMap` switches them on. Overlapping ranges: the last one counts.
 *
 * @param paBits - physical address bits of the CPU, 32 to 48
 */
export function buildHostMap(
  port: CpuPort,
  memory: PhysicalMemory,
  allocator: TableAllocator,
  ranges: readonly HostRange[],
  paBits = 40,
): HostMap {
  const inputBits = Math.min(paBits, 48);
  const tables = createTables({
    store: {
      read64: (at, out) => void memory.load(port, at as Pa, 8, out),
      write64: (at, lo, hi) => void memory.store(port, at as Pa, 8, lo, hi),
    },
    allocator,
    format: 'one-range',
    inputBits,
  });
  for (const { base, size, kind, execute } of ranges) {
    const permissions = PrivilegedRead | PrivilegedWrite | (execute === true ? PrivilegedExecute : 0);
    const attributes = { index: kind === 'memory' ? 0 : 1 };
    tables.map({ va: base, pa: base, size, permissions, attributes });
  }
  return hostMapAt(tables.root, inputBits);
}

/**
 * The map whose tables begin at an address.
 *
 * @param paBits - as it was built
 */
export function hostMapAt(root: number, paBits = 40): HostMap {
  const ps = Math.max(0, [32, 36, 40, 42, 44, 48].indexOf(paBits));
  return {
    ttbr0: [root >>> 0, Math.floor(root / 2 ** 32)],
    tcr: [(TCR | (64 - paBits) | (ps << 16)) >>> 0, 0],
    mair: [MAIR, 0],
  };
}

const MAIR_EL2 = systemRegister('MAIR_EL2');
const TCR_EL2 = systemRegister('TCR_EL2');
const TTBR0_EL2 = systemRegister('TTBR0_EL2');
const SCTLR_EL2 = systemRegister('SCTLR_EL2');
const ISB = systemOperation('ISB');
const DSB_ISH = systemOperation('DSB ISH');
const TLBI_ALLE2 = systemOperation('TLBI ALLE2');

/** Switches this CPU's EL2 to the map: translation and caches on. */
export function useHostMap(port: CpuPort, map: HostMap): void {
  port.writeSystem(MAIR_EL2, ...map.mair);
  port.writeSystem(TCR_EL2, ...map.tcr);
  port.writeSystem(TTBR0_EL2, ...map.ttbr0);
  port.operate(DSB_ISH);
  port.operate(TLBI_ALLE2);
  port.operate(DSB_ISH);
  port.operate(ISB);
  port.writeSystem(SCTLR_EL2, SCTLR >>> 0, 0);
  port.operate(ISB);
}
