// A guest of random tables, which is asked whether the shadow gives what its own tables say.

import { expect } from 'vitest';

import { Access, Permission } from '@worldswitch/mmu';
import type { GranuleShift, Tables } from '@worldswitch/mmu';

import type { ShadowOptions, ShadowView } from '../../src/shadow/index.ts';
import { GUEST_RAM, randomFrom, ShadowRig, xtOf } from './shadow-rig.ts';

const P = Permission;
const VIEWS: readonly ShadowView[] = ['user', 'kernel', 'kernel-pan'];
const ACCESSES = [Access.Read, Access.Write, Access.Execute, Access.ReadWrite] as const;
/** What stage 1 can say. */
const RIGHTS = [
  P.PrivilegedRead,
  P.PrivilegedRead | P.PrivilegedWrite,
  P.PrivilegedRead | P.PrivilegedExecute,
  P.PrivilegedRead | P.PrivilegedWrite | P.PrivilegedExecute,
  P.PrivilegedRead | P.UnprivilegedExecute,
  P.PrivilegedRead | P.UnprivilegedRead,
  P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute,
  P.PrivilegedRead | P.UnprivilegedRead | P.PrivilegedExecute,
  P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute | P.PrivilegedExecute,
  P.PrivilegedRead | P.PrivilegedWrite | P.UnprivilegedRead | P.UnprivilegedWrite,
  P.PrivilegedRead | P.PrivilegedWrite | P.UnprivilegedRead | P.UnprivilegedWrite | P.UnprivilegedExecute,
] as const;

const UPPER = 0xffff_0000_0000_0000n;

/** Of the tables of a half. */
interface HalfShape {
  readonly granule: GranuleShift;
  readonly bits: number;
}

/** Of its tables. */
export interface Shape extends HalfShape {
  readonly name: string;
  /** Of the upper half, where it has another. */
  readonly upper?: HalfShape;
}
/** Those that are tried. */
export const SHAPES: readonly Shape[] = [
  { name: '4 KiB, 48 bits', granule: 12, bits: 48 },
  { name: '4 KiB, 39 bits', granule: 12, bits: 39 },
  { name: '16 KiB, 47 bits', granule: 14, bits: 47 },
  { name: '64 KiB, 42 bits', granule: 16, bits: 42 },
  { name: '64 KiB below 4 KiB', granule: 16, bits: 42, upper: { granule: 12, bits: 39 } },
  { name: '4 KiB below 16 KiB', granule: 12, bits: 48, upper: { granule: 14, bits: 36 } },
];

/** A guest, and the questions to it. */
export class RandomGuest {
  readonly rig: ShadowRig;
  readonly places: bigint[] = [];
  private random: (below: number) => number;
  private readonly shape: Shape;
  private readonly lower: Tables;
  private readonly upper: Tables;

  constructor(shape: Shape, seed: number, options: Partial<ShadowOptions>) {
    this.rig = new ShadowRig(options, { features: { granule16k: true } });
    this.shape = shape;
    this.random = randomFrom(seed);
    this.lower = this.rig.tables(shape.granule, shape.bits);
    const { granule, bits } = shape.upper ?? shape;
    this.upper = this.rig.tables(granule, bits);
    for (let i = 0; i < 24; i++) this.map();
    this.rig.use(this.lower, this.upper);
  }

  /** What follows is decided anew. */
  reseed(seed: number): void {
    this.random = randomFrom(seed);
  }

  /** Maps something somewhere: pages, blocks, devices, with and without access flags. */
  map(): void {
    const { random } = this;
    const upper = random(2) === 1;
    const shape = (upper ? this.shape.upper : undefined) ?? this.shape;
    const page = 2 ** shape.granule;
    const block = { 12: 2 ** 21, 14: 2 ** 25, 16: 2 ** 29 }[shape.granule];
    const big = random(4) === 0;
    const size = big ? block : page * (1 + random(3));
    const unit = big ? block : page;
    const slots = Math.min(16, 2 ** shape.bits / block);
    const start = random(slots) * block + (big ? 0 : random(6) * page);
    const to = this.target(unit, size);
    const base = upper ? start - 2 ** shape.bits : start;
    (upper ? this.upper : this.lower).map({
      va: base,
      pa: to,
      size,
      permissions: RIGHTS[random(RIGHTS.length)] ?? 1,
      attributes: {
        index: random(8),
        accessed: random(8) !== 0,
        global: random(2) === 0,
        shareability: [0, 2, 3][random(3)] ?? 3,
        contiguous: !big && random(4) === 0,
      },
    });
    const whole = upper ? BigInt.asUintN(64, BigInt(base)) : BigInt(base);
    for (const at of [0, size - 8, Math.floor(size / 2), size]) this.places.push(whole + BigInt(at));
  }

  private target(unit: number, size: number): number {
    const { random } = this;
    // Blocks of 512 MiB begin before the guest's memory and end behind it.
    if (random(6) === 0) return unit > 2 ** 21 ? 0 : 0x900_0000 - (0x900_0000 % unit);
    // Pages of its tables, as its kernel has them mapped.
    if (unit <= 2 ** 16 && random(8) === 0) return GUEST_RAM + 8 * 2 ** 20 + random(24) * unit;
    if (unit > 8 * 2 ** 20) return GUEST_RAM - (GUEST_RAM % unit);
    const room = 8 * 2 ** 20 - size;
    return GUEST_RAM + random(Math.floor(room / unit) + 1) * unit;
  }

  va(): bigint {
    const { random } = this;
    if (random(20) === 0) return UPPER + BigInt(random(2 ** 20) * 4096);
    const place = this.places[random(this.places.length)] ?? 0n;
    return BigInt.asUintN(64, place + BigInt(random(3) * 4096));
  }

  check(context: string): void {
    const { rig, random } = this;
    const va = this.va();
    const view = VIEWS[random(3)] ?? 'user';
    const access = ACCESSES[random(4)] ?? Access.Read;
    rig.pc += 4;
    const expected = rig.expected(va, access, view);
    const found = rig.access(va, access, view);
    if (found.kind === 'traced') {
      // The guest may write there, and it is a table of its own.
      expect(expected.kind, context).toBe('done');
      return;
    }
    expect(found, `${context}: 0x${va.toString(16)} ${access} ${view}`).toEqual(expected);
  }

  /** Unmaps or maps, and tells the TLB in one of the ways. */
  change(): void {
    const { random, rig } = this;
    const before = this.places.length;
    rig.written.clear();
    this.map();
    if (rig.options.variant === 'traced' || rig.options.variant === 'real') this.replay();
    rig.written.clear();
    switch (random(3)) {
      case 0:
        rig.tlbi('VMALLE1IS');
        break;
      case 1:
        rig.tlbi('VMALLE1');
        break;
      default:
        // Everything that was mapped, page by page.
        for (const place of this.places.slice(before)) this.invalidate(place);
        this.invalidateRange(this.places.slice(before));
    }
  }

  /** Traced: the stores that changed tables are seen. Here they were made at once, so all of them are played again. */
  private replay(): void {
    const { rig } = this;
    const word = { lo: 0, hi: 0 };
    for (const at of rig.written) {
      rig.peek(at, word);
      rig.shadow.store(rig.linear, at, 8, word.lo, word.hi);
    }
  }

  private invalidate(va: bigint): void {
    this.rig.tlbi('VAAE1IS', xtOf(va));
  }

  private invalidateRange([first, last]: readonly bigint[]): void {
    if (first === undefined || last === undefined) return;
    const page = BigInt(2 ** Math.min(this.shape.granule, this.shape.upper?.granule ?? 16));
    for (let va = first; va < last + page && va < first + 64n * page; va += page) this.invalidate(va);
  }
}
