// What surrounds a region's blocks: how its function is entered, and the ways out of it.

import type { Costs } from '../emit/costs.ts';
import { Tables } from '../emit/frame.ts';
import { Layout } from '../isa.ts';
import { Code } from '../wasm/code.ts';
import type { Fragment, Target } from '../wasm/code.ts';
import { HotArm } from './arm.ts';
import { Counting } from './counters.ts';
import { Kind } from './flags.ts';
import type { Decoded } from './flow.ts';
import { HotFrame, HotLayout, Status } from './frame.ts';

/** Number of the imported `gate` among a region's functions. */
export const GATE = 0;
/** Number of the function itself. */
export const SELF = 1;
/** In the local `status`: goes on at the PC through the gate, with no return to this function. */
export const TAIL = -1;
/** In the second parameter: the page of the entry, relative to the root page, plus this. */
const PAGE_BIAS = 128;

/** What a region's function gets to know of the way that it was entered. */
export const entryParameter = (entry: number, page: number): number => entry | ((page + PAGE_BIAS) << 8);

/** Where a region's own ways in can be looked up by its code. */
export interface RegionPlace {
  /** Its number among the regions. */
  readonly element: number;
  /** Address of the decoded root page. */
  readonly decoded: number;
  /** Address of the table of ways in. */
  readonly entries: number;
  /** Whether its stores beside the code of a page are to be done in it: this costs each store some code. */
  readonly mixedStores?: boolean;
}

/** What a region's code must find in the fetch TLB besides the page where it is entered. */
export interface RegionPage {
  /** Relative to the root page. */
  readonly page: number;
  /** Address of the decoded page. */
  readonly decoded: number;
}

/** Pieces of the function: code, or what is only known at the end. */
type Segment = Fragment | 'load' | 'store';

/** The function of a region without its blocks. */
export abstract class RegionWays {
  protected readonly frame: HotFrame;
  protected readonly arm: HotArm;
  protected readonly code: Code;
  protected readonly counting: Counting;
  protected pages: readonly RegionPage[] = [];
  /** Where to go with too little of the budget left. */
  protected short: Target = 0;
  private segments: Segment[] = [];
  private cut = 0;

  /**
   * @param counting - what compiled code counts; nothing unless given
   * @param fuses - whether the host multiplies and adds with one rounding
   * @param costs - what instructions cost; 1 each unless given
   */
  constructor(
    counting: Counting = new Counting(),
    fuses = false,
    tlbEntries: number = Tables.dataEntries,
    costs?: Costs,
  ) {
    this.frame = new HotFrame(undefined, costs);
    this.arm = new HotArm(this.frame);
    this.code = this.frame.code;
    this.counting = counting;
    this.frame.fuses = fuses;
    this.frame.tlbEntries = tlbEntries;
  }

  /** Emits the blocks; control does not come out of them. */
  protected abstract body(): void;

  /** The body of the function. */
  protected function(pages: readonly RegionPage[]): Fragment {
    const { code, frame } = this;
    this.pages = pages;
    this.segments = [];
    this.cut = 0;
    frame.reset();
    this.prologue();
    this.splice('load');
    frame.leave = code.block();
    const compute = code.block();
    frame.step = code.block();
    frame.never = frame.absent = frame.step;
    frame.missUnprivilegedRead = frame.missUnprivilegedWrite = this.short = frame.step;
    frame.missWrite = code.block();
    frame.missRead = code.block();
    const count = this.countedExits();
    frame.poll = code.block();
    this.body();
    code.op('unreachable');
    code.end();
    this.counting.emit(code, 'exit.poll');
    code.i32(Status.Poll);
    code.set(frame.status);
    code.br(compute);
    count();
    for (const status of [Status.MissRead, Status.MissWrite]) {
      code.end();
      frame.pushBase();
      code.get(frame.va);
      code.memory('i64_store', Layout.exitVa, true);
      code.i32(status);
      code.set(frame.status);
      code.br(compute);
    }
    code.end();
    code.i32(Status.Interpret);
    code.set(frame.status);
    code.end();
    this.locate();
    code.end();
    this.epilogue();
    this.segments.push(code.fragment(this.cut));
    const whole = new Code(code);
    for (const s of this.segments) whole.appendFragment(typeof s === 'string' ? this.moved(s) : s);
    return whole.finish();
  }

  /** Tells the ways to the interpreter apart where they are counted. The answer closes their blocks. */
  protected countedExits(): () => void {
    const { code, frame, counting } = this;
    if (!counting.on) return () => undefined;
    const { step, missRead, missWrite } = frame;
    const names = [
      ['exit.step', step],
      ['exit.never', step],
      ['exit.absent', step],
      ['exit.miss.unprivileged', step],
      ['exit.miss.write', missWrite],
      ['exit.miss.read', missRead],
      ['exit.budget', step],
    ] as const;
    const targets = names.map(() => code.block());
    [frame.step = 0, frame.never = 0, frame.absent = 0] = targets;
    [, , , frame.missUnprivilegedRead = 0, frame.missWrite = 0, frame.missRead = 0, this.short = 0] = targets;
    frame.missUnprivilegedWrite = frame.missUnprivilegedRead;
    return () => {
      for (const [name, target] of names.toReversed()) {
        code.end();
        counting.emit(code, name);
        code.br(target);
      }
    };
  }

  /** The code before here is finished; `what` comes next. */
  protected splice(what: 'load' | 'store'): void {
    this.segments.push(this.code.fragment(this.cut), what);
    this.cut = this.code.position;
  }

  protected moved(what: 'load' | 'store'): Fragment {
    const start = this.code.position;
    if (what === 'load') this.frame.loadRegisters();
    else this.frame.storeRegisters();
    return this.code.fragment(start);
  }

  protected prologue(): void {
    const { code, frame } = this;
    this.counting.emit(code, 'region.entered');
    frame.takeRemaining();
    frame.loadWord('tlb');
    code.set(frame.tlb);
    code.get(frame.pc);
    code.i64(~0xfffn);
    code.op('i64_and');
    if (this.pages.length > 1) {
      code.get(frame.entry);
      code.i32(8);
      code.op('i32_shr_u');
      code.i32(PAGE_BIAS);
      code.op('i32_sub');
      code.i32(12);
      code.ops('i32_shl', 'i64_extend_i32_s', 'i64_sub');
    }
    code.set(frame.pageVa);
    if (this.pages.length > 1) for (const p of this.pages) this.checkPage(p);
    code.get(frame.entry);
    code.i32(0xff);
    code.op('i32_and');
    code.set(frame.entry);
  }

  /** Refuses to be entered where a page of the region is not what it was. */
  protected checkPage({ page, decoded }: RegionPage): void {
    const { code, frame } = this;
    const entry = code.freshLocal('i32');
    code.get(frame.pageVa);
    code.i64(BigInt(page * 4096));
    code.op('i64_add');
    code.tee(frame.va);
    code.op('i32_wrap_i64');
    code.i32(8);
    code.op('i32_shr_u');
    code.i32((frame.tlbEntries - 1) * 16);
    code.op('i32_and');
    frame.loadWord('fetchTlb');
    code.op('i32_add');
    code.tee(entry);
    code.memory('i64_load', 0, true);
    code.get(frame.va);
    code.op('i64_ne');
    code.get(entry);
    code.memory('i32_load', Tables.fetchPage, true);
    code.i32(decoded);
    code.ops('i32_ne', 'i32_or');
    code.seldom();
    code.if();
    this.counting.emit(code, 'region.refused');
    frame.pushBase();
    code.get(frame.pc);
    code.memory('i64_store', Layout.pc, true);
    code.i32(Status.Interpret);
    code.op('return');
    code.end();
    code.releaseAll();
  }

  /** The PC and the count from the local `exit`. */
  protected locate(): void {
    this.frame.takeExit();
  }

  /** Puts everything into memory and leaves. */
  protected epilogue(): void {
    const { code, frame } = this;
    this.splice('store');
    this.storeState(undefined);
    frame.pushBase();
    code.get(frame.pc);
    code.memory('i64_store', Layout.pc, true);
    code.get(frame.status);
    code.i32(TAIL);
    code.op('i32_eq');
    code.if();
    this.counting.emit(code, 'exit.jump');
    frame.pushBase();
    code.get(frame.depth);
    code.get(frame.pc);
    code.returnCall(GATE);
    code.end();
    code.get(frame.status);
  }

  /** Stores the count, and the flags unless they are in memory. */
  protected storeState(kind: number | undefined): void {
    const { code, frame } = this;
    frame.putRemaining();
    if (kind === undefined) {
      code.get(frame.kind);
      code.if();
    }
    const usesB = kind === undefined || (kind & 15) < Kind.logical64 || (kind & 15) === Kind.float;
    for (const [op, local, offset, used] of [
      ['i32_store', frame.kind, HotLayout.kind, true],
      ['i32_store', frame.guard, HotLayout.guard, kind === undefined || (kind & Kind.guarded) !== 0],
      ['i64_store', frame.a, HotLayout.a, true],
      ['i64_store', frame.b, HotLayout.b, usesB && kind !== Kind.nzcv],
    ] as const) {
      if (!used) continue;
      frame.pushBase();
      code.get(local);
      code.memory(op, offset, true);
    }
    if (kind === undefined) code.end();
  }

  /** Counts the instructions of a block. */
  protected count(block: readonly Decoded[]): void {
    this.frame.spend(block.length, this.frame.costOf(block));
  }

  /** Leaves at `frame.pc`, without a detour. */
  protected leaveNow(status: number): void {
    const { code, frame, arm } = this;
    this.splice('store');
    this.storeState(arm.kind);
    frame.pushBase();
    code.get(frame.pc);
    code.memory('i64_store', Layout.pc, true);
    this.counting.emit(code, status === TAIL ? 'exit.jump' : 'exit.return');
    if (status === TAIL) {
      frame.pushBase();
      code.get(frame.depth);
      code.get(frame.pc);
      code.returnCall(GATE);
      return;
    }
    code.i32(status);
    code.op('return');
  }
}
