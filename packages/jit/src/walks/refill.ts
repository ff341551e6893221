// The function that deals with a miss of the fast TLB: it looks the page up in the CPU's own TLB and, where that has none, walks
// stage 1 and fills it, exactly as `Translator` and `Tlb` do (DDI 0487 D8.2, D8.3, D8.16). Whatever is not simple (faults,
// devices, memory that is not marked dirty yet) is left to TypeScript, with nothing changed.

import { Tables } from '../emit/frame.ts';
import { FastLayout, READY_ENTRIES, SLOT_BYTES } from '../interpreter/fast-layout.ts';
import { Reason } from '../interpreter/reasons.ts';
import { Layout } from '../isa.ts';
import type { Fragment } from '../wasm/code.ts';
import type { Push } from '../wasm/writer.ts';
import { PAGE, TlbCode } from './tlb-code.ts';
import type { WalkPlaces } from './tlb-code.ts';

/** Misses of one instruction before it is left to the reference engine. */
const MOST_IN_PLACE = 4;
/** Needs of a read and of a write, as `Permission` has them for privileged accesses. */
const READ = 1;
const WRITE = 2;
const PAN_DENIES = 64;

/** The body of the function, of `refillType`. */
export function refillFunction(places: WalkPlaces): Fragment {
  return new Refill(places).body();
}

class Refill extends TlbCode {
  private readonly why = 0;
  private readonly write: number = this.code.fixedLocal('i32');
  private readonly unprivileged: number = this.code.fixedLocal('i32');
  private readonly table: number = this.code.fixedLocal('i32');
  private readonly entry: number = this.code.fixedLocal('i32');
  private readonly asUser: number = this.code.fixedLocal('i32');
  private readonly host: number = this.code.fixedLocal('i32');
  private readonly stores: number = this.code.fixedLocal('i32');

  body(): Fragment {
    const { code } = this;
    this.failIf(this.op('i32_eqz', this.word('enabled')));
    this.countInPlace();
    this.access();
    this.findEntry();
    this.find();
    this.if(
      this.op('i32_ge_s', this.of(this.found), this.i32(0)),
      () => {
        this.takeFound();
      },
      () => {
        this.walk();
      },
    );
    this.check();
    this.if(this.op('i32_lt_s', this.of(this.found), this.i32(0)), () => {
      this.fill();
    });
    this.enter();
    code.i32(1);
    return code.finish();
  }

  /** An instruction whose accesses take each other's entries would miss for ever. */
  private countInPlace(): void {
    const { base, costs } = this.places;
    const left = this.let('i32', this.at('i32_load', base + (costs ? Layout.retired : Layout.remaining)));
    const count = this.walkAt('missesInPlace');
    this.if(
      this.op('i32_eq', this.of(left), this.word('lastRemaining')),
      () => {
        this.addAt(count, this.i32(1));
        this.failIf(this.op('i32_gt_u', this.at('i32_load', count), this.i32(MOST_IN_PLACE)));
      },
      () => {
        this.storeAt('i32_store', this.walkAt('lastRemaining'), this.of(left));
        this.storeAt('i32_store', count, this.i32(0));
      },
    );
  }

  /** What is accessed, and how. */
  private access(): void {
    const { base } = this.places;
    const isAny = (...reasons: readonly number[]): Push =>
      reasons
        .map((r) => this.op('i32_eq', this.of(this.why), this.i32(r)))
        .reduce((a, b) => this.op('i32_or', a, b));
    this.set(this.write, isAny(Reason.MissWrite, Reason.MissUnprivilegedWrite, Reason.HotMissWrite));
    this.set(this.unprivileged, isAny(Reason.MissUnprivilegedRead, Reason.MissUnprivilegedWrite));
    this.set(this.va, this.at('i64_load', base + Layout.exitVa));
    this.set(this.vaLo, this.op('i32_wrap_i64', this.of(this.va)));
    this.set(this.page, this.op('i64_and', this.of(this.va), this.i64(PAGE)));
    const choose =
      (field: number, other: number): Push =>
      () => {
        this.at('i32_load', other)();
        this.at('i32_load', field)();
        code.get(this.unprivileged);
        code.op('select');
      };
    const { code } = this;
    this.set(this.asUser, choose(this.walkAt('user'), this.walkAt('unprivilegedUser')));
    this.set(this.table, choose(base + Layout.tlb, base + Layout.tlbUnprivileged));
  }

  /** The place in the fast TLB, and the page of the PC: it must stay in the fetch TLB. */
  private findEntry(): void {
    const { base } = this.places;
    this.set(this.entry, this.op('i32_add', this.of(this.table), this.slotOffset(this.of(this.vaLo), 7, 32)));
    // Already there: it is on two pages, or what is the matter is something else.
    const tag = this.load(
      'i64_load',
      this.op('i32_add', this.of(this.entry), this.op('i32_shl', this.of(this.write), this.i32(3))),
      Tables.readTag,
    );
    this.failIf(this.op('i64_eq', tag, this.of(this.page)));
    const readable = this.op(
      'i64_eq',
      this.load('i64_load', this.of(this.entry), Tables.readTag),
      this.of(this.page),
    );
    const beside = this.op('i32_ne', this.load('i32_load', this.of(this.entry), Tables.mixed), this.i32(0));
    this.failIf(this.op('i32_and', this.op('i32_and', readable, beside), this.of(this.write)));
    this.set(this.pcPage, this.op('i64_and', this.at('i64_load', base + Layout.pc), this.i64(PAGE)));
    const fetch = this.op(
      'i32_add',
      this.at('i32_load', base + Layout.fetchTlb),
      this.slotOffset(this.op('i32_wrap_i64', this.of(this.pcPage)), 8, 16),
    );
    this.failIf(this.op('i64_ne', this.load('i64_load', fetch, 0), this.of(this.pcPage)));
  }

  /** True if the permissions allow a read or a write. */
  private permits(need: number): Push {
    const shift = this.op('i32_mul', this.of(this.asUser), this.i32(3));
    const has = this.op('i32_and', this.op('i32_shr_u', this.of(this.permissions), shift), this.i32(need));
    const denied = this.op(
      'i32_and',
      this.op('i32_ne', this.op('i32_and', this.of(this.permissions), this.i32(PAN_DENIES)), this.i32(0)),
      this.op('i32_and', this.word('pan'), this.op('i32_eqz', this.of(this.asUser))),
    );
    return this.op('i32_and', this.op('i32_ne', has, this.i32(0)), this.op('i32_eqz', denied));
  }

  /** Whether the page may be entered into the fast TLB. */
  private check(): void {
    this.failIf(this.op('i32_lt_u', this.of(this.attributes), this.i32(16)));
    this.if(
      this.of(this.write),
      () => {
        this.failIf(this.op('i32_eqz', this.permits(WRITE)));
      },
      () => {
        this.failIf(this.op('i32_eqz', this.permits(READ)));
      },
    );
    this.set(this.host, this.hostOf(this.of(this.pa)));
    const number = this.op('i32_shr_u', this.of(this.host), this.i32(12));
    const known = this.load(
      'i32_load',
      this.op('i32_shl', this.op('i32_and', number, this.i32(READY_ENTRIES - 1)), this.i32(2)),
      this.places.fast + FastLayout.ready,
    );
    const ready = this.op('i32_eq', known, number);
    this.set(this.stores, this.op('i32_and', ready, this.permits(WRITE)));
    this.failIf(this.op('i32_and', this.of(this.write), this.op('i32_eqz', this.of(this.stores))));
  }

  /** Enters the page. */
  private enter(): void {
    const { code } = this;
    const { fast } = this.places;
    const slot = this.op(
      'i32_div_u',
      this.op('i32_sub', this.of(this.table), this.i32(fast)),
      this.i32(SLOT_BYTES),
    );
    this.store('i32_store8', slot, fast + FastLayout.used, this.i32(1));
    const pageIf =
      (flag: Push): Push =>
      () => {
        code.get(this.page);
        code.i64(-1n);
        flag();
        code.op('select');
      };
    this.store('i64_store', this.of(this.entry), Tables.readTag, pageIf(this.permits(READ)));
    this.store('i64_store', this.of(this.entry), Tables.writeTag, pageIf(this.of(this.stores)));
    const low = this.op('i32_and', this.of(this.vaLo), this.i32(~0xfff));
    this.store('i32_store', this.of(this.entry), Tables.addend, this.op('i32_sub', this.of(this.host), low));
    this.store('i32_store', this.of(this.entry), Tables.mixed, this.i32(0));
    this.addAt(this.walkAt('lookups'), this.i32(1));
    this.addAt(this.walkAt('dataMisses'), this.i32(1));
  }
}
