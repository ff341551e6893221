// Code on the CPU's own TLB: lookup, walk and fill, as `Tlb` and `Walker` of the mmu package do them where `simpleWalk` holds.

import { tlbLayout } from '@worldswitch/mmu';
import type { TlbLayout, TlbShape } from '@worldswitch/mmu';

import { Tables } from '../emit/frame.ts';
import { FastLayout, SLOT_BYTES } from '../interpreter/fast-layout.ts';
import { Layout } from '../isa.ts';
import { Code } from '../wasm/code.ts';
import type { FunctionType } from '../wasm/module.ts';
import { Writer } from '../wasm/writer.ts';
import type { Push } from '../wasm/writer.ts';
import { RANGE_BYTES, RangeLayout, WalkLayout } from './layout.ts';

/** Where things are. */
export interface WalkPlaces {
  /** The CPU's block. */
  readonly base: number;
  /** The fast TLBs: `FastLayout`. */
  readonly fast: number;
  /** `WalkLayout`. */
  readonly walk: number;
  /** Of the CPU's TLB. */
  readonly shape: TlbShape;
  /** Entries of each fast TLB. */
  readonly tlbEntries: number;
  /** Instructions have costs. */
  readonly costs: boolean;
}

/** Takes the `Reason` of a miss; 1 if the instruction can begin anew, 0 if it is TypeScript's. */
export const refillType: FunctionType = { parameters: ['i32'], results: ['i32'] };

/** The bits of an address that name its page. */
export const PAGE: bigint = ~0xfffn;
const GLOBAL = -1;
/** Bits of descriptors (DDI 0487 D8.3). */
const ADDRESS = 0xffff_ffff_f000n;
const AF = 1n << 10n;
const NG = 11;

/** What functions on the TLB share. They answer 0 where TypeScript has to do it. */
export abstract class TlbCode extends Writer {
  protected readonly places: WalkPlaces;
  protected readonly tlb: TlbLayout;
  /** The address, its lower half, its page, and the page of the PC. */
  protected readonly va: number;
  protected readonly vaLo: number;
  protected readonly page: number;
  protected readonly pcPage: number;
  /** Index of the entry, or -1; then what the walk finds. */
  protected readonly found: number;
  protected readonly first: number;
  protected readonly pa: number;
  protected readonly permissions: number;
  protected readonly attributes: number;
  private readonly shift: number;
  private readonly range: number;
  private readonly descriptor: number;
  private readonly inherited: number;
  private readonly references: number;
  private readonly i: number;
  private readonly address: number;

  constructor(places: WalkPlaces) {
    const code = new Code(undefined, refillType.parameters);
    super(code);
    this.places = places;
    this.tlb = tlbLayout(places.shape);
    this.va = code.fixedLocal('i64');
    this.page = code.fixedLocal('i64');
    this.pcPage = code.fixedLocal('i64');
    this.pa = code.fixedLocal('i64');
    this.descriptor = code.fixedLocal('i64');
    this.address = code.fixedLocal('i64');
    this.vaLo = code.fixedLocal('i32');
    this.found = code.fixedLocal('i32');
    this.first = code.fixedLocal('i32');
    this.permissions = code.fixedLocal('i32');
    this.attributes = code.fixedLocal('i32');
    this.shift = code.fixedLocal('i32');
    this.range = code.fixedLocal('i32');
    this.inherited = code.fixedLocal('i32');
    this.references = code.fixedLocal('i32');
    this.i = code.fixedLocal('i32');
  }

  /** Address of a field of the walker's block. */
  protected walkAt(field: keyof typeof WalkLayout): number {
    return this.places.walk + WalkLayout[field];
  }
  /** A word of it. */
  protected word(field: keyof typeof WalkLayout): Push {
    return this.at('i32_load', this.walkAt(field));
  }
  /** Leaves it to TypeScript. */
  protected failIf(condition: Push): void {
    this.if(condition, () => {
      this.code.i32(0);
      this.code.op('return');
    });
  }
  /** Where an address is in a table of the fast TLB: bits of its page's number, times the bytes of an entry. */
  protected slotOffset(low: Push, shift: number, bytes: number): Push {
    const mask = (this.places.tlbEntries - 1) * bytes;
    return this.op('i32_and', this.op('i32_shr_u', low, this.i32(shift)), this.i32(mask));
  }

  // ---- the TLB's arrays

  private arrayAt(field: keyof TlbLayout): number {
    return this.walkAt('tlb') + this.tlb[field];
  }
  private byte(field: keyof TlbLayout, index: Push): Push {
    return this.load('i32_load8_u', index, this.arrayAt(field));
  }
  private setByte(field: keyof TlbLayout, index: Push, value: Push): void {
    this.store('i32_store8', index, this.arrayAt(field), value);
  }
  private entryWord(field: keyof TlbLayout, index: Push): Push {
    return this.load('i32_load', this.op('i32_shl', index, this.i32(2)), this.arrayAt(field));
  }
  private setWord(field: keyof TlbLayout, index: Push, value: Push): void {
    this.store('i32_store', this.op('i32_shl', index, this.i32(2)), this.arrayAt(field), value);
  }

  /** Looks the page up: `found`. */
  protected find(): void {
    const { code, places } = this;
    const { sets, ways } = places.shape;
    const set = this.op(
      'i32_and',
      this.op('i32_shr_u', this.of(this.vaLo), this.i32(12)),
      this.i32(sets - 1),
    );
    this.set(this.first, this.op('i32_mul', set, this.i32(ways)));
    this.set(this.found, this.of(this.first));
    const low = this.let('i32', this.op('i32_or', this.lowPage(this.of(this.vaLo)), this.i32(1)));
    const high = this.let(
      'i32',
      this.op('i32_wrap_i64', this.op('i64_shr_u', this.of(this.va), this.i64(32))),
    );
    const done = code.block();
    const again = code.loop();
    const same = (field: keyof TlbLayout, value: Push): Push =>
      this.op('i32_eq', this.entryWord(field, this.of(this.found)), value);
    this.if(same('tagLo', this.of(low)), () => {
      const asid = this.op('i32_or', same('tagAsid', this.word('asid')), same('tagAsid', this.i32(GLOBAL)));
      const rest = this.op('i32_and', same('tagHi', this.of(high)), same('tagContext', this.word('context')));
      this.when(this.op('i32_and', rest, asid), done);
    });
    this.set(this.found, this.op('i32_add', this.of(this.found), this.i32(1)));
    const end = this.op('i32_add', this.of(this.first), this.i32(ways));
    this.when(this.op('i32_lt_u', this.of(this.found), end), again);
    code.end();
    this.set(this.found, this.i32(-1));
    code.end();
  }

  private lowPage(low: Push): Push {
    return this.op('i32_and', low, this.i32(~0xfff));
  }

  /** What the entry says. */
  protected takeFound(): void {
    this.set(this.permissions, this.byte('permissions', this.of(this.found)));
    this.set(this.attributes, this.byte('attributes', this.of(this.found)));
    const pa = this.load(
      'f64_load',
      this.op('i32_shl', this.of(this.found), this.i32(3)),
      this.arrayAt('pa'),
    );
    this.set(this.pa, this.op('i64_trunc_sat_f64_u', pa));
  }

  /** The place in the shared memory of a physical address in the window. */
  protected hostOf(pa: Push): Push {
    this.set(this.address, this.op('i64_sub', pa, this.at('i64_load', this.walkAt('windowBase'))));
    this.failIf(this.op('i64_ge_u', this.of(this.address), this.at('i64_load', this.walkAt('windowSize'))));
    return this.op('i32_add', this.op('i32_wrap_i64', this.of(this.address)), this.word('windowHost'));
  }

  // ---- the walk

  /** Walks stage 1: permissions, attributes, address and size of the page, in locals. */
  protected walk(): void {
    const { code } = this;
    this.failIf(this.op('i32_eqz', this.word('walks')));
    this.chooseRange();
    this.set(this.references, this.i32(0));
    this.set(this.inherited, this.i32(0));
    const mask = this.let('i32', this.rangeWord('mask'));
    this.set(this.shift, this.rangeWord('shift'));
    this.set(this.pa, this.rangeLong('table'));
    const leaf = code.block();
    const again = code.loop();
    const shift = this.op('i64_extend_i32_u', this.of(this.shift));
    const index = this.op(
      'i32_and',
      this.op('i32_wrap_i64', this.op('i64_shr_u', this.of(this.va), shift)),
      this.of(mask),
    );
    const at = this.op(
      'i64_add',
      this.of(this.pa),
      this.op('i64_extend_i32_u', this.op('i32_shl', index, this.i32(3))),
    );
    this.set(this.descriptor, this.load('i64_load', this.hostOf(at), 0));
    this.set(this.references, this.op('i32_add', this.of(this.references), this.i32(1)));
    const kind = this.op('i32_wrap_i64', this.of(this.descriptor));
    this.failIf(this.op('i32_eqz', this.op('i32_and', kind, this.i32(1))));
    const table = this.op('i32_and', kind, this.i32(2));
    const isLast = this.op('i32_eq', this.of(this.shift), this.i32(12));
    this.if(isLast, () => {
      this.failIf(this.op('i32_eqz', table));
      code.br(leaf);
    });
    this.if(this.op('i32_eqz', table), () => {
      this.failIf(this.op('i32_gt_u', this.of(this.shift), this.i32(30)));
      code.br(leaf);
    });
    this.set(this.pa, this.op('i64_and', this.of(this.descriptor), this.i64(ADDRESS)));
    this.checkSize();
    const high = this.op('i32_and', this.highHalf(), this.rangeWord('inherited'));
    this.set(this.inherited, this.op('i32_or', this.of(this.inherited), high));
    this.set(this.shift, this.op('i32_sub', this.of(this.shift), this.i32(9)));
    this.set(mask, this.i32(511));
    code.br(again);
    code.end();
    code.end();
    this.leaf();
  }

  private rangeWord(field: keyof typeof RangeLayout): Push {
    return this.load('i32_load', this.of(this.range), RangeLayout[field]);
  }
  private rangeLong(field: keyof typeof RangeLayout): Push {
    return this.load('i64_load', this.of(this.range), RangeLayout[field]);
  }
  private highHalf(): Push {
    return this.op('i32_wrap_i64', this.op('i64_shr_u', this.of(this.descriptor), this.i64(32)));
  }

  /** The range of the address; the bits that are not translated must be as it has them. */
  private chooseRange(): void {
    const upper = this.let(
      'i32',
      this.op(
        'i32_and',
        this.op('i32_wrap_i64', this.op('i64_shr_u', this.of(this.va), this.i64(55))),
        this.word('twoRanges'),
      ),
    );
    const offset = this.op('i32_mul', this.of(upper), this.i32(RANGE_BYTES));
    this.set(this.range, this.op('i32_add', offset, this.i32(this.walkAt('ranges'))));
    this.failIf(this.op('i32_eqz', this.rangeWord('walks')));
    const sign = this.op('i64_sub', this.i64(0), this.op('i64_extend_i32_u', this.of(upper)));
    const bits = this.op('i64_xor', this.of(this.va), sign);
    const kept = this.op('i64_shl', bits, this.rangeLong('ignoredBits'));
    const all = this.op('i64_shr_u', kept, this.rangeLong('ignoredBits'));
    const above = this.op('i64_shr_u', all, this.rangeLong('inputBits'));
    this.failIf(this.op('i64_ne', above, this.i64(0)));
  }

  /** An address size fault. */
  private checkSize(): void {
    const above = this.op('i64_shr_u', this.of(this.pa), this.rangeLong('outputBits'));
    this.failIf(this.op('i64_ne', above, this.i64(0)));
  }

  /** Takes the last descriptor apart. */
  private leaf(): void {
    const d = this.of(this.descriptor);
    const shift = this.op('i64_extend_i32_u', this.of(this.shift));
    const inside = this.let('i64', this.op('i64_sub', this.op('i64_shl', this.i64(1), shift), this.i64(1)));
    const outside = this.op('i64_xor', this.of(inside), this.i64(-1));
    this.set(this.pa, this.op('i64_and', this.op('i64_and', d, this.i64(ADDRESS)), outside));
    this.checkSize();
    this.failIf(this.op('i64_eqz', this.op('i64_and', d, this.i64(AF))));
    const rest = this.op('i64_and', this.op('i64_and', this.of(this.va), this.of(inside)), this.i64(PAGE));
    this.set(this.pa, this.op('i64_or', this.of(this.pa), rest));
    const index = this.op(
      'i32_and',
      this.op('i32_shr_u', this.op('i32_wrap_i64', d), this.i32(2)),
      this.i32(7),
    );
    this.set(this.attributes, this.load('i32_load8_u', index, this.walkAt('attributes')));
    this.takePermissions();
  }

  /** `stage1Permissions`: AP, XN and what the tables above took away, WXN, and what EL0 writes EL1 does not execute. */
  private takePermissions(): void {
    const low = (bit: number): Push => this.bit(this.op('i32_wrap_i64', this.of(this.descriptor)), bit);
    const high = (bit: number): Push => this.bit(this.highHalf(), bit);
    const above = (bit: number): Push => this.bit(this.of(this.inherited), bit);
    const not = (x: Push): Push => this.op('i32_eqz', x);
    const or = (a: Push, b: Push): Push => this.op('i32_or', a, b);
    const and = (a: Push, b: Push): Push => this.op('i32_and', a, b);
    const readOnly = this.of(this.let('i32', or(low(7), above(30))));
    const xn = this.of(this.let('i32', or(high(22), above(28))));
    const wxn = this.word('wxn');
    const shifted = (x: Push, by: number): Push => this.op('i32_shl', x, this.i32(by));
    const common = or(this.i32(1), shifted(not(readOnly), 1));
    const executes = or(readOnly, not(wxn));
    this.if(
      this.word('twoRanges'),
      () => {
        const el0 = this.of(this.let('i32', and(low(6), not(above(29)))));
        const el0Writes = this.of(this.let('i32', and(el0, not(readOnly))));
        const pxn = or(high(21), above(27));
        const user = or(this.op('i32_mul', el0, this.i32(8 | 64)), shifted(el0Writes, 4));
        const userExecutes = shifted(and(not(xn), not(and(wxn, el0Writes))), 5);
        const executed = shifted(and(and(not(pxn), not(el0Writes)), executes), 2);
        this.set(this.permissions, or(or(common, user), or(userExecutes, executed)));
      },
      () => {
        this.set(this.permissions, or(common, shifted(and(not(xn), executes), 2)));
      },
    );
  }

  private bit(value: Push, bit: number): Push {
    return this.op('i32_and', this.op('i32_shr_u', value, this.i32(bit)), this.i32(1));
  }

  // ---- the fill

  /** Enters what the walk found into the TLB. */
  protected fill(): void {
    const { places } = this;
    const { ways } = places.shape;
    const set = this.op('i32_shr_u', this.of(this.first), this.i32(Math.log2(ways)));
    const at = this.found;
    const evicts = this.code.fixedLocal('i32');
    this.chooseVictim(evicts, set);
    this.checkVictim();
    this.charge();
    this.if(this.of(evicts), () => {
      this.addAt(this.walkAt('evictions'), this.i32(1));
      const next = this.op('i32_add', this.byte('nextWay', set), this.i32(1));
      this.setByte('nextWay', set, this.op('i32_and', next, this.i32(ways - 1)));
    });
    this.if(this.entryWord('tagLo', this.of(at)), () => {
      this.track(-1);
      this.dropFast();
    });
    this.writeEntry();
    this.track(1);
    this.addAt(this.walkAt('misses'), this.i32(1));
    this.addAt(this.walkAt('references'), this.of(this.references));
  }

  /** The lowest free entry of the set, or the one whose turn it is. */
  private chooseVictim(evicts: number, set: Push): void {
    const { code } = this;
    const { ways } = this.places.shape;
    this.set(evicts, this.i32(0));
    this.set(this.found, this.of(this.first));
    const done = code.block();
    const again = code.loop();
    this.when(this.op('i32_eqz', this.entryWord('tagLo', this.of(this.found))), done);
    this.set(this.found, this.op('i32_add', this.of(this.found), this.i32(1)));
    const end = this.op('i32_add', this.of(this.first), this.i32(ways));
    this.when(this.op('i32_lt_u', this.of(this.found), end), again);
    code.end();
    this.set(evicts, this.i32(1));
    this.set(this.found, this.op('i32_add', this.of(this.first), this.byte('nextWay', set)));
    code.end();
  }

  /** The page of the instruction must stay, and what stage 2 or a large granule made is TypeScript's to drop. */
  private checkVictim(): void {
    const at = this.of(this.found);
    this.if(this.entryWord('tagLo', at), () => {
      this.failIf(this.byte('stage2Shift', at));
      this.failIf(this.op('i32_ge_u', this.byte('stage1Shift', at), this.i32(32)));
      this.failIf(this.op('i64_eq', this.victimPage(), this.of(this.pcPage)));
    });
  }

  private victimPage(): Push {
    const high = this.op('i64_extend_i32_u', this.entryWord('tagHi', this.of(this.found)));
    const low = this.lowPage(this.entryWord('tagLo', this.of(this.found)));
    return this.op('i64_or', this.op('i64_shl', high, this.i64(32)), this.op('i64_extend_i32_u', low));
  }

  /** What the walk costs, if there is so much left that the instruction goes on all the same. */
  private charge(): void {
    const { base, costs } = this.places;
    if (!costs) return;
    const fetched = this.op('i32_mul', this.of(this.references), this.word('descriptorCost'));
    const cost = this.let('i32', this.op('i32_add', this.word('missCost'), fetched));
    const left = this.at('i32_load', base + Layout.remaining);
    this.failIf(this.op('i32_le_s', left, this.of(cost)));
    const all = this.at('i64_load', base + Layout.remaining);
    this.storeAt(
      'i64_store',
      base + Layout.remaining,
      this.op('i64_sub', all, this.op('i64_extend_i32_u', this.of(cost))),
    );
  }

  /** Counts the entry in or out, as `Tlb` does: all valid ones, and those of blocks by a hash of their address. */
  private track(by: 1 | -1): void {
    const at = this.of(this.found);
    this.addAt(this.arrayAt('live'), this.i32(by));
    const size = this.byte('stage1Shift', at);
    this.if(this.op('i32_gt_u', size, this.i32(12)), () => {
      const low = this.op('i32_shr_u', this.entryWord('tagLo', at), size);
      const high = this.op('i32_and', this.entryWord('tagHi', at), this.i32(0xff_ffff));
      const block = this.op('i32_or', low, this.op('i32_shl', high, this.op('i32_sub', this.i32(32), size)));
      const mixed = this.op('i32_xor', block, this.op('i32_shl', size, this.i32(26)));
      const hash = this.op('i32_mul', mixed, this.i32(0x9e3779b1));
      this.addWord('blockSlots', this.op('i32_shr_u', hash, this.i32(21)), by);
      this.addWord('blockSizes', size, by);
    });
  }
  private addWord(field: keyof TlbLayout, index: Push, by: number): void {
    const i = this.of(this.let('i32', index));
    this.setWord(field, i, this.op('i32_add', this.entryWord(field, i), this.i32(by)));
  }

  /** Drops the victim's page from all fast TLBs, as `FastTlb.drop` does. */
  private dropFast(): void {
    const { fast } = this.places;
    const { code } = this;
    const page = this.of(this.let('i64', this.victimPage()));
    const low = this.op('i32_wrap_i64', page);
    const clear = (at: Push, offset: number): void => {
      const entry = this.of(this.let('i32', at));
      this.if(this.op('i64_eq', this.load('i64_load', entry, offset), page), () => {
        this.store('i64_store', entry, offset, this.i64(-1));
      });
    };
    this.for(this.i, this.i32(0), this.at('i32_load', fast + FastLayout.end), () => {
      this.if(this.load('i32_load8_u', this.of(this.i), fast + FastLayout.used), () => {
        const table = this.op('i32_mul', this.of(this.i), this.i32(SLOT_BYTES));
        const data = this.op('i32_add', table, this.slotOffset(low, 7, 32));
        clear(data, fast + Tables.readTag);
        clear(data, fast + Tables.writeTag);
        clear(this.op('i32_add', table, this.slotOffset(low, 8, 16)), fast + Tables.dataBytes);
      });
    });
    code.releaseAll();
  }

  private writeEntry(): void {
    const at = this.of(this.found);
    const d = this.op('i32_wrap_i64', this.of(this.descriptor));
    this.setWord('tagLo', at, this.op('i32_or', this.lowPage(this.of(this.vaLo)), this.i32(1)));
    this.setWord('tagHi', at, this.op('i32_wrap_i64', this.op('i64_shr_u', this.of(this.va), this.i64(32))));
    this.setWord('tagContext', at, this.word('context'));
    // Global: one range, or nG clear.
    const own = this.op('i32_and', this.bit(d, NG), this.word('twoRanges'));
    this.setWord('tagAsid', at, () => {
      this.word('asid')();
      this.code.i32(GLOBAL);
      own();
      this.code.op('select');
    });
    for (const field of ['pa', 'ipa'] as const) {
      const to = this.op('i32_shl', at, this.i32(3));
      this.store('f64_store', to, this.arrayAt(field), this.op('f64_convert_i64_u', this.of(this.pa)));
    }
    this.setByte('permissions', at, this.of(this.permissions));
    this.setByte('attributes', at, this.of(this.attributes));
    this.setByte('shareability', at, this.shareability(d));
    const level = this.op('i32_div_u', this.op('i32_sub', this.i32(39), this.of(this.shift)), this.i32(9));
    this.setByte('level', at, level);
    this.setByte('stage1Shift', at, this.of(this.shift));
    this.setByte('stage2Shift', at, this.i32(0));
    this.setByte('ns', at, this.i32(1));
  }

  /** `effectiveShareability` for the memory's attributes: Device is not entered here. */
  private shareability(d: Push): Push {
    const { code } = this;
    const field = this.op('i32_and', this.op('i32_shr_u', d, this.i32(8)), this.i32(3));
    return () => {
      code.i32(2);
      // The encoding 1 is reserved.
      code.i32(0);
      field();
      this.op('i32_eq', field, this.i32(1))();
      code.op('select');
      this.op('i32_eq', this.of(this.attributes), this.i32(0x44))();
      code.op('select');
    };
  }
}
