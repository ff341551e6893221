// Stage 2 descriptors: what they say, and a bit of software's in them (DDI 0487 D8.3).

import { leafDescriptor, Permission } from '@worldswitch/mmu';
import type { Descriptor } from '@worldswitch/mmu';

/** What a mapping gives besides reading. */
export interface Stage2Attributes {
  /** True unless given. */
  readonly write?: boolean;
  /** True unless given, but never for device memory. */
  readonly execute?: boolean;
  /** Normal Write-Back memory unless given; `device` is Device-nGnRE, `uncached` Normal Non-cacheable. */
  readonly memory?: 'normal' | 'uncached' | 'device';
}

/** Nothing mapped. */
export const NOTHING: Descriptor = { lo: 0, hi: 0 };

const MEM_ATTR = { normal: 15, uncached: 5, device: 1 } as const;
/** S2AP[1], lower half. */
const WRITE = 1 << 7;
/** XN[1], upper half. */
const XN = 1 << 22;
/** Bit 55, for software: the VM may write here, whatever S2AP says while writes are logged. */
const WRITABLE = 1 << 23;

const ALL_READ = Permission.PrivilegedRead | Permission.UnprivilegedRead;
const ALL_WRITE = Permission.PrivilegedWrite | Permission.UnprivilegedWrite;
const ALL_EXECUTE = Permission.PrivilegedExecute | Permission.UnprivilegedExecute;

/** True for a descriptor that maps something or leads to a table. */
export const isValid = (d: Descriptor): boolean => (d.lo & 1) !== 0;
/** True for a descriptor that leads to a table. */
export const isTable = (d: Descriptor, level: number): boolean => level < 3 && (d.lo & 3) === 3;
/** The address in a descriptor. */
export const addressOf = (d: Descriptor): number => (d.hi & 0xffff) * 2 ** 32 + ((d.lo & ~0xfff) >>> 0);
/** True where the VM may write, by rights. */
export const mayWrite = (d: Descriptor): boolean => (d.hi & WRITABLE) !== 0;
/** True where the hardware lets it. */
export const canWrite = (d: Descriptor): boolean => (d.lo & WRITE) !== 0;
/** True where the VM may execute. */
export const canExecute = (d: Descriptor): boolean => (d.hi & XN) === 0;
/** The kind of memory. */
export function memoryOf(d: Descriptor): 'normal' | 'uncached' | 'device' {
  const attr = (d.lo >>> 2) & 15;
  if (attr >>> 2 === 0) return 'device';
  return attr === MEM_ATTR.uncached ? 'uncached' : 'normal';
}

/** A block or page. With `logged`, writes fault whatever the attributes say. */
export function leafFor(level: number, pa: number, a: Stage2Attributes, logged: boolean): Descriptor {
  const memory = a.memory ?? 'normal';
  const write = a.write !== false;
  const execute = a.execute !== false && memory !== 'device';
  const permissions = ALL_READ | (write && !logged ? ALL_WRITE : 0) | (execute ? ALL_EXECUTE : 0);
  return leafDescriptor('stage-2', level === 3, pa, permissions, {
    memAttr: MEM_ATTR[memory],
    shareability: memory === 'normal' ? 3 : 2,
    extraHi: write ? WRITABLE : 0,
  });
}

/** The same leaf, with or without the hardware's write permission. */
export const withWrite = (d: Descriptor, write: boolean): Descriptor => ({
  lo: (write ? d.lo | WRITE : d.lo & ~WRITE) >>> 0,
  hi: d.hi,
});

/** The same leaf with other rights; absent ones stay. */
export function withRights(
  d: Descriptor,
  rights: Pick<Stage2Attributes, 'write' | 'execute'>,
  logged: boolean,
): Descriptor {
  let hi = d.hi;
  if (rights.execute !== undefined) hi = rights.execute ? hi & ~XN : hi | XN;
  if (rights.write === undefined) return { lo: d.lo, hi: hi >>> 0 };
  hi = rights.write ? hi | WRITABLE : hi & ~WRITABLE;
  return withWrite({ lo: d.lo, hi: hi >>> 0 }, rights.write && !logged);
}

/** True where two leaves of one level differ in nothing but permissions and software's bit: no break-before-make is needed. */
export function sameButRights(a: Descriptor, b: Descriptor): boolean {
  const rights = 3 << 6;
  return ((a.lo ^ b.lo) & ~rights) === 0 && ((a.hi ^ b.hi) & ~(XN | WRITABLE)) === 0;
}
