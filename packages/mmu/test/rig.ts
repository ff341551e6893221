// A sparse memory, a walker on it, and tables: what most tests here start from.

import { Fault } from '@worldswitch/platform';
import type { Word64 } from '@worldswitch/platform';

import {
  Access,
  createAllocator,
  createControls,
  createRequest,
  createTables,
  createTranslation,
  createWalker,
  installStage1,
  installStage2,
  Permission,
  Regime,
} from '../src/index.ts';
import type {
  DescriptorFormat,
  GranuleShift,
  MmuFeatures,
  TableAllocator,
  Tables,
  Translation,
  TranslationControls,
  TranslationRequest,
  Walker,
  WalkPort,
} from '../src/index.ts';

export const P = Permission;
/** Privileged read and write. */
export const KERNEL_DATA: number = P.PrivilegedRead | P.PrivilegedWrite;
/** What stage 2 gives when it forbids nothing. */
export const EVERYTHING = 63;

/** Memory of 8-byte words; addresses at or above `end`, and those in `broken`, abort. */
export class Memory implements WalkPort {
  readonly words = new Map<number, readonly [number, number]>();
  readonly broken = new Set<number>();
  readonly secureReads: boolean[] = [];
  end = 2 ** 52;

  read64(pa: number, out: Word64, secure = false): Fault {
    this.secureReads.push(secure);
    if (pa >= this.end || this.broken.has(pa)) return Fault.Decode;
    const [lo, hi] = this.words.get(pa) ?? [0, 0];
    out.lo = lo;
    out.hi = hi;
    return Fault.None;
  }

  write64(pa: number, lo: number, hi: number): Fault {
    if (pa >= this.end || this.broken.has(pa)) return Fault.Decode;
    this.words.set(pa, [lo >>> 0, hi >>> 0]);
    return Fault.None;
  }
}

export interface Rig {
  readonly memory: Memory;
  readonly controls: TranslationControls;
  readonly walker: Walker;
  readonly request: TranslationRequest;
  readonly out: Translation;
  readonly allocator: TableAllocator;
}

export function createRig(features: Partial<MmuFeatures> = {}): Rig {
  const memory = new Memory();
  const controls = createControls(features);
  for (const r of [controls.el1, controls.el2, controls.el3]) {
    // Attr0 Normal WB, 1 Device-nGnRnE, 2 Normal NC, 3 Device-nGnRE, 4 Normal WT, 5 outer WB inner NC.
    r.mairLo = 0x04_44_00_ff;
    r.mairHi = 0x00_00_f4_aa;
  }
  return {
    memory,
    controls,
    walker: createWalker(controls, memory),
    request: createRequest(),
    out: createTranslation(),
    allocator: createAllocator(0x10_0000, 0x4000_0000),
  };
}

/** Sets the address of the next request. */
export function at(rig: Rig, va: number | bigint): void {
  const bits = BigInt.asUintN(64, BigInt(va));
  rig.request.vaLo = Number(bits & 0xffff_ffffn);
  rig.request.vaHi = Number(bits >> 32n);
}

/** Translates; a shorthand. */
export function go(rig: Rig, va: number | bigint, access: Access = Access.Read): boolean {
  at(rig, va);
  rig.request.access = access;
  return rig.walker.translate(rig.request, rig.out);
}

/** Stage 1 tables of a regime, installed and switched on. */
export function stage1(
  rig: Rig,
  options: {
    regime?: Regime;
    granule?: GranuleShift;
    inputBits?: number;
    upper?: boolean;
    largePhysical?: boolean;
  } = {},
): Tables {
  const regime = options.regime ?? Regime.EL10;
  const format: DescriptorFormat =
    regime === Regime.EL10 || regime === Regime.EL20 ? 'two-ranges' : 'one-range';
  const { granule = 12, inputBits = 48, largePhysical = false } = options;
  const tables = createTables({
    store: rig.memory,
    allocator: rig.allocator,
    format,
    granule,
    inputBits,
    largePhysical,
  });
  installStage1(rig.controls, regime, tables, options.upper ?? false);
  const registers =
    regime === Regime.EL10 ? rig.controls.el1 : regime === Regime.EL3 ? rig.controls.el3 : rig.controls.el2;
  registers.sctlr |= 0x1005; // M, C and I
  rig.request.regime = regime;
  return tables;
}

/** Stage 2 tables, installed and switched on. */
export function stage2(
  rig: Rig,
  options: {
    granule?: GranuleShift;
    inputBits?: number;
    startLevel?: number;
    format?: DescriptorFormat;
    vmid?: number;
  } = {},
): Tables {
  const { granule = 12, inputBits = 40, format = 'stage-2' } = options;
  const start = options.startLevel === undefined ? {} : { startLevel: options.startLevel };
  const tables = createTables({
    store: rig.memory,
    allocator: rig.allocator,
    format,
    granule,
    inputBits,
    ...start,
  });
  installStage2(rig.controls, tables, options.vmid ?? 0);
  return tables;
}

/** A deterministic generator of numbers in [0, 1). */
export function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
