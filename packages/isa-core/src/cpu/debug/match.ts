// Which breakpoint or watchpoint matches (DDI 0487 D2.8 to D2.10; J1: AArch64.StateMatch, AArch64.BreakpointValueMatch,
// AArch64.WatchpointByteMatch). Where programming is CONSTRAINED UNPREDICTABLE, reserved values disable.

import type { Cpu } from '../cpu.ts';

/** Breakpoints, those at the end that compare contexts too, and watchpoints: as Cortex-A53, A57 and A72 have them. */
export const BREAKPOINTS = 6;
const CONTEXT_AWARE = 2;
/** Watchpoints. */
export const WATCHPOINTS = 4;

/** Bits of an address that are compared: 48:0. */
const VA = 0x1_ffff_ffff_ffffn;
const LOW32 = 0xffff_ffffn;

const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n)}_EL1`);
const BVR = names('DBGBVR', BREAKPOINTS);
const BCR = names('DBGBCR', BREAKPOINTS);
const WVR = names('DBGWVR', WATCHPOINTS);
const WCR = names('DBGWCR', WATCHPOINTS);

/** DBGBVR<n>_EL1. */
export const breakpointValue = (cpu: Cpu, n: number): bigint => cpu.register(BVR[n] ?? '');
/** DBGBCR<n>_EL1. */
export const breakpointControl = (cpu: Cpu, n: number): number => Number(cpu.register(BCR[n] ?? ''));
/** DBGWVR<n>_EL1. */
const watchpointValue = (cpu: Cpu, n: number): bigint => cpu.register(WVR[n] ?? '');
/** DBGWCR<n>_EL1. */
export const watchpointControl = (cpu: Cpu, n: number): number => Number(cpu.register(WCR[n] ?? ''));

/** What a breakpoint compares: BT, bits 23:20 of DBGBCR. Undefined for a reserved type. */
interface BreakpointType {
  readonly address: boolean;
  readonly context: boolean;
  readonly vmid: boolean;
  readonly linked: boolean;
}
/** The type of a breakpoint. */
export function breakpointType(cpu: Cpu, n: number, control: number): BreakpointType | undefined {
  const bt = (control >>> 20) & 15;
  // Address mismatch exists in AArch32 alone.
  if ((bt & 6) === 4 || (bt & 6) === 6) return undefined;
  const address = (bt & 10) === 0;
  if (!address && n < BREAKPOINTS - CONTEXT_AWARE) return undefined;
  const vmid = (bt & 8) !== 0;
  if (vmid && !cpu.features.el2) return undefined;
  return { address, context: (bt & 2) !== 0, vmid, linked: (bt & 1) !== 0 };
}

/** HMC:SSC:PxC that no implementation without Secure EL2 has. */
const RESERVED: ReadonlySet<number> = new Set([
  0b01100, 0b10100, 0b01101, 0b01111, 0b11101, 0b11111, 0b01110, 0b10000, 0b10010, 0b10110, 0b11010, 0b11110,
]);

/** CheckValidStateMatch(): false for a reserved combination. */
function validStateMatch(cpu: Cpu, hmc: number, ssc: number, pxc: number): boolean {
  const { el2, el3 } = cpu.features;
  const all = (hmc << 4) | (ssc << 2) | pxc;
  if (RESERVED.has(all)) return false;
  if (hmc === 0 && pxc === 0 && ssc !== 3) return false;
  if (!el3 && !el2 && (hmc !== 0 || ssc !== 0)) return false;
  if (!el3 && (ssc === 1 || ssc === 2)) return false;
  return el2 || all !== 0b11100;
}

/** Whether the level and the Security state are those that HMC, SSC and PMC or PAC name, and a linked breakpoint matches. */
function stateMatches(cpu: Cpu, control: number, el: number, linked: boolean): boolean {
  const pxc = (control >>> 1) & 3;
  const hmc = (control >>> 13) & 1;
  const ssc = (control >>> 14) & 3;
  if (!validStateMatch(cpu, hmc, ssc, pxc)) return false;
  const levels = [
    (pxc & 2) !== 0,
    (pxc & 1) !== 0,
    (hmc === 1 && (ssc !== 2 || pxc !== 0)) || ssc === 3,
    hmc === 1 && (ssc & 1) === 0,
  ];
  if (levels[el] !== true) return false;
  const { secure } = cpu;
  if (ssc === 1 && secure) return false;
  if (ssc === 2 && !secure) return false;
  if (ssc === 3 && hmc === 0 && !secure) return false;
  return !linked || breakpointValueMatches(cpu, (control >>> 16) & 15, 0n, true);
}

/** AArch64.BreakpointValueMatch(). `linkedTo`: another breakpoint or a watchpoint asks for the context. */
function breakpointValueMatches(cpu: Cpu, n: number, pc: bigint, linkedTo: boolean): boolean {
  if (n >= BREAKPOINTS) return false;
  const control = breakpointControl(cpu, n);
  if ((control & 1) === 0) return false;
  const type = breakpointType(cpu, n, control);
  if (type === undefined) return false;
  if (linkedTo ? !type.linked || type.address : type.linked && !type.address) return false;
  const value = breakpointValue(cpu, n);
  // Of BAS only the bit of an A64 instruction's first byte counts.
  if (type.address) return (control & 0x20) !== 0 && ((pc ^ value) & VA & ~3n) === 0n;
  if (cpu.state.el > 1) return false;
  if (type.context && ((cpu.register('CONTEXTIDR_EL1') ^ value) & LOW32) !== 0n) return false;
  if (!type.vmid) return true;
  const vmid = (cpu.register('VTTBR_EL2') >> 48n) & 0xffn;
  return cpu.el2Enabled && vmid === ((value >> 32n) & 0xffn);
}

/** AArch64.BreakpointMatch(). */
export function breakpointMatches(cpu: Cpu, n: number, pc: bigint): boolean {
  const control = breakpointControl(cpu, n);
  const linked = ((control >>> 20) & 11) === 1;
  return breakpointValueMatches(cpu, n, pc, false) && stateMatches(cpu, control, cpu.state.el, linked);
}

/** The first and the last address that a watchpoint can match, as far as WVR and MASK say; undefined for a reserved MASK. */
export function watchedRange(cpu: Cpu, n: number): readonly [bigint, bigint] | undefined {
  const value = watchpointValue(cpu, n) & VA;
  const mask = (watchpointControl(cpu, n) >>> 24) & 31;
  if (mask === 1 || mask === 2) return undefined;
  const bits = mask > 0 ? BigInt(mask) : (value & 4n) === 0n ? 3n : 2n;
  const first = (value >> bits) << bits;
  return [first, first + (1n << bits) - 1n];
}

/**
 * AArch64.WatchpointMatch(): the first watched byte of an access as an offset, or -1.
 *
 * @param va - the lowest address
 * @param el - the level whose permissions the access has
 */
export function watchpointMatches(
  cpu: Cpu,
  n: number,
  va: bigint,
  bytes: number,
  write: boolean,
  el: number,
): number {
  const control = watchpointControl(cpu, n);
  if ((control & (write ? 0x10 : 8)) === 0) return -1;
  const range = watchedRange(cpu, n);
  if (range === undefined) return -1;
  const [first, last] = range;
  const masked = control >>> 24 !== 0;
  const bas = (control >>> 5) & 0xff;
  for (let i = 0; i < bytes; i++) {
    const at = (va + BigInt(i)) & VA;
    if (at < first || at > last) continue;
    // Of a watchpoint of a word only BAS[3:0] count; with a mask all bytes are watched.
    if (!masked && (bas & (1 << Number(at - first))) === 0) continue;
    return stateMatches(cpu, control, el, (control & (1 << 20)) !== 0) ? i : -1;
  }
  return -1;
}
