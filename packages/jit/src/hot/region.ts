// The code of one region: a WebAssembly function from its basic blocks, with structured control flow.

import { Tables } from '../emit/frame.ts';
import { Unsupported } from '../emit/node.ts';
import { Layout, optionalFeatures } from '../isa.ts';
import type { Builder } from '../isa.ts';
import type { Target } from '../wasm/code.ts';
import { Code } from '../wasm/code.ts';
import { accessesOf } from './accesses.ts';
import { HotArm } from './arm.ts';
import type { Block, Discovered } from './blocks.ts';
import { hotBuilder } from './builder.ts';
import { Counting } from './counters.ts';
import { Effects } from './effects.ts';
import { Kind } from './flags.ts';
import type { Decoded } from './flow.ts';
import { exitOf, EXIT_BIAS, HotFrame, HotLayout, Status } from './frame.ts';
import { noPlan } from './layout.ts';
import type { Plan } from './layout.ts';

/** Number of the imported `gate` among a region's functions. */
const GATE = 0;
/** Number of the function itself. */
const SELF = 1;
/** In the local `status`: goes on at the PC through the gate, with no return to this function. */
const TAIL = -1;
/** In the second parameter: the page of the entry, relative to the root page, plus this. */
export const PAGE_BIAS = 128;

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
  readonly mixedStores: boolean;
}

/** What a region's code must find in the fetch TLB besides the page where it is entered. */
export interface RegionPage {
  /** Relative to the root page. */
  readonly page: number;
  /** Address of the decoded page. */
  readonly decoded: number;
}

/** Pieces of the function: code, or what is only known at the end. */
type Segment = Uint8Array | 'load' | 'store';

/** Emits functions of regions, one after the other. */
export class RegionEmitter {
  private readonly frame = new HotFrame();
  private readonly arm = new HotArm(this.frame);
  private readonly builder: Builder = hotBuilder(this.arm);
  private readonly code: Code = this.frame.code;
  private readonly effects = new Effects();
  private region: Discovered = { blocks: [], roots: [], instructions: 0 };
  private plan: Plan = noPlan;
  private pages: readonly RegionPage[] = [];
  private place: RegionPlace = { element: 0, decoded: 0, entries: 0, mixedStores: false };
  private segments: Segment[] = [];
  private cut = 0;
  private children: readonly (readonly number[])[] = [];
  private readonly loops = new Map<number, Target>();
  private readonly ends = new Map<number, Target>();
  /** Kinds of the flags at the ends of blocks. */
  private readonly kinds = new Map<number, number | undefined>();
  /** Where to go with too little of the budget left. */
  private short: Target = 0;
  private readonly counting: Counting;

  /** @param counting - what compiled code counts; nothing unless given */
  constructor(counting: Counting = new Counting(), fuses = false) {
    this.counting = counting;
    this.frame.fuses = fuses;
  }

  /** The body of a region's function. */
  emit(region: Discovered, plan: Plan, pages: readonly RegionPage[], place: RegionPlace): Uint8Array {
    this.place = place;
    this.region = region;
    this.plan = plan;
    this.pages = pages;
    this.segments = [];
    this.cut = 0;
    this.frame.reset();
    this.frame.mixedStores = place.mixedStores;
    for (const map of [this.loops, this.ends, this.kinds]) map.clear();
    const children: number[][] = plan.successors.map(() => []);
    for (const n of plan.order) if (n !== 0) children[plan.dominator[n] ?? 0]?.push(n);
    this.children = children;
    return this.function();
  }

  private function(): Uint8Array {
    const { code, frame, segments } = this;
    this.prologue();
    this.splice('load');
    frame.leave = code.block();
    const compute = code.block();
    frame.step = code.block();
    frame.missRead = frame.missWrite = frame.step;
    frame.missUnprivilegedRead = frame.missUnprivilegedWrite = this.short = frame.step;
    const count = this.countedExits();
    frame.poll = code.block();
    this.tree(0);
    code.op('unreachable');
    code.end();
    this.counting.emit(code, 'exit.poll');
    code.i32(Status.Poll);
    code.set(frame.status);
    code.br(compute);
    count();
    code.end();
    code.i32(Status.Interpret);
    code.set(frame.status);
    code.end();
    this.locate();
    code.end();
    this.epilogue();
    segments.push(code.since(this.cut));
    const whole = new Code(code);
    for (const s of segments) {
      const piece = typeof s === 'string' ? this.moved(s) : s;
      whole.append(piece);
    }
    return whole.finish();
  }

  /** Tells the ways to the interpreter apart where they are counted. The answer closes their blocks. */
  private countedExits(): () => void {
    const { code, frame, counting } = this;
    if (!counting.on) return () => undefined;
    const all = frame.step;
    const names = [
      'exit.step',
      'exit.miss.unprivileged',
      'exit.miss.write',
      'exit.miss.read',
      'exit.budget',
    ] as const;
    const targets = names.map(() => code.block()) as [Target, Target, Target, Target, Target];
    [frame.step, frame.missUnprivilegedRead, frame.missWrite, frame.missRead, this.short] = targets;
    frame.missUnprivilegedWrite = frame.missUnprivilegedRead;
    return () => {
      for (const name of names.toReversed()) {
        code.end();
        counting.emit(code, name);
        code.br(all);
      }
    };
  }

  /** The code before here is finished; `what` comes next. */
  private splice(what: 'load' | 'store'): void {
    this.segments.push(this.code.since(this.cut), what);
    this.cut = this.code.position;
  }

  private moved(what: 'load' | 'store'): Uint8Array {
    const start = this.code.position;
    if (what === 'load') this.frame.loadRegisters();
    else this.frame.storeRegisters();
    return this.code.since(start);
  }

  // ---- around the blocks

  private prologue(): void {
    const { code, frame } = this;
    this.counting.emit(code, 'region.entered');
    frame.loadWord('remaining');
    code.set(frame.remaining);
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
  private checkPage({ page, decoded }: RegionPage): void {
    const { code, frame } = this;
    const entry = code.freshLocal('i32');
    code.get(frame.pageVa);
    code.i64(BigInt(page * 4096));
    code.op('i64_add');
    code.tee(frame.va);
    code.op('i32_wrap_i64');
    code.i32(8);
    code.op('i32_shr_u');
    code.i32((Tables.fetchEntries - 1) * 16);
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
  private locate(): void {
    const { code, frame } = this;
    code.get(frame.pageVa);
    code.get(frame.exit);
    code.i32(0x1fff);
    code.op('i32_and');
    code.i32(EXIT_BIAS);
    code.op('i32_sub');
    code.i32(2);
    code.ops('i32_shl', 'i64_extend_i32_s', 'i64_add');
    code.set(frame.pc);
    code.get(frame.remaining);
    code.get(frame.exit);
    code.i32(13);
    code.ops('i32_shr_u', 'i32_sub');
    code.set(frame.remaining);
  }

  /** Puts everything into memory and leaves. */
  private epilogue(): void {
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
  private storeState(kind: number | undefined): void {
    const { code, frame } = this;
    frame.pushBase();
    code.get(frame.remaining);
    code.memory('i32_store', Layout.remaining, true);
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

  // ---- structure

  private tree(node: number): void {
    const { plan, code } = this;
    const merges = (this.children[node] ?? [])
      .filter((c) => plan.merges.has(c))
      .sort((a, b) => (plan.place[b] ?? 0) - (plan.place[a] ?? 0));
    const isHeader = plan.headers.has(node);
    if (this.checkedOutside(node)) this.checkBudget(node);
    if (isHeader) this.loops.set(node, code.loop());
    this.within(node, merges, 0);
    if (isHeader) {
      code.end();
      code.op('unreachable');
    }
  }

  /** A node's code inside of blocks whose ends are where control merges. */
  private within(node: number, merges: readonly number[], from: number): void {
    const outer = merges[from];
    if (outer === undefined) {
      this.node(node);
      return;
    }
    this.ends.set(outer, this.code.block());
    this.within(node, merges, from + 1);
    this.code.end();
    this.tree(outer);
  }

  private go(from: number, to: number): void {
    const { plan, code } = this;
    if ((plan.place[to] ?? 0) <= (plan.place[from] ?? 0)) {
      if (this.checkedOutside(to)) this.checkBudget(to);
      code.br(this.loops.get(to) ?? 0);
    } else if (plan.merges.has(to)) code.br(this.ends.get(to) ?? 0);
    else this.tree(to);
  }

  /**
   * Whether the budget is looked at on the ways to a loop's header, and not in it: what set the flags is known there, and need
   * not be kept around the loop for that. A header with entries behind it must let those pass.
   */
  private checkedOutside(node: number): boolean {
    const { headers, checks, dispatch } = this.plan;
    return headers.has(node) && checks.has(node) && !dispatch.has(node);
  }

  private node(node: number): void {
    const block = this.region.blocks[node - 1];
    if (block === undefined) {
      this.dispatch(node);
      return;
    }
    // An entry behind this node looks at the budget itself.
    this.dispatchInside(node);
    if (this.plan.checks.has(node) && !this.checkedOutside(node)) this.checkBudget(node);
    this.enterKinds(node);
    if (this.instructions(block)) this.ending(node, block);
  }

  /** Takes the flags' kind over where there is one way to here. */
  private enterKinds(node: number): void {
    const predecessors = this.plan.predecessors[node] ?? [];
    const [only] = predecessors;
    const known = predecessors.length === 1 && only !== undefined ? this.kinds.get(only) : undefined;
    this.arm.kind = known === 0 ? undefined : known;
    this.arm.checked.clear();
  }

  private checkBudget(node: number): void {
    const { code, frame, plan } = this;
    code.i32(exitOf(this.region.blocks[node - 1]?.start ?? 0, 0));
    code.set(frame.exit);
    code.get(frame.remaining);
    code.i32(plan.distance[node] ?? 0);
    code.op('i32_lt_s');
    code.brIf(this.short);
  }

  /** At the function's head: goes to the entry, or on the way to it. */
  private dispatch(node: number): void {
    const { code, frame, plan } = this;
    const table = plan.dispatch.get(node) ?? [];
    const root = this.ends.get(plan.entries[0]?.node ?? 1) ?? 0;
    code.get(frame.entry);
    code.op('i32_eqz');
    code.brIf(root);
    code.get(frame.entry);
    code.brTable(
      table.map((to) => this.ends.get(to) ?? root),
      root,
    );
  }

  /** The same at the head of a loop that has entries inside. */
  private dispatchInside(node: number): void {
    const { code, frame, plan } = this;
    const table = plan.dispatch.get(node);
    if (table !== undefined) {
      code.get(frame.entry);
      code.if();
      const here = code.block();
      code.get(frame.entry);
      code.brTable(
        table.map((to) => this.ends.get(to) ?? here),
        here,
      );
      code.end();
      code.i32(0);
      code.set(frame.entry);
      code.end();
    } else if (plan.entries.some((e) => e.node === node)) {
      code.i32(0);
      code.set(frame.entry);
    }
  }

  // ---- blocks

  /** Emits a block's instructions; false if one of them can only leave. */
  private instructions(block: Block): boolean {
    const { code, frame, arm } = this;
    arm.accesses = accessesOf(block, this.effects);
    const stops = block.flow.kind === 'stop' ? block.code.length - 1 : -1;
    for (const [i, decoded] of block.code.entries()) {
      const number = block.start + i;
      arm.position = i;
      if (i === stops || !this.build(decoded, number)) {
        code.i32(exitOf(number, i));
        code.set(frame.exit);
        code.br(frame.step);
        return false;
      }
      if (arm.mayLeave) {
        code.i32(exitOf(number, i));
        code.set(frame.exit);
      }
      arm.emit();
      if (arm.unmasks) {
        code.i32(exitOf(number + 1, i + 1));
        code.set(frame.exit);
        frame.loadWord('pendingPins');
        code.brIf(frame.poll);
      }
    }
    return true;
  }

  /** Runs an instruction's semantics. False where the interpreter has to do it. */
  private build({ row, operands, split }: Decoded, number: number): boolean {
    const { arm, frame, code } = this;
    arm.reset();
    arm.instruction = number;
    const feature = optionalFeatures[row.feature ?? ''];
    if (feature !== undefined) {
      arm.check(() => {
        frame.loadWord('absent');
        code.i32(feature);
        code.op('i32_and');
        code.brIf(frame.step);
      });
    }
    if (row.gate === 'fp' && !arm.checked.has('fp')) {
      arm.checked.add('fp');
      arm.check(() => {
        frame.loadWord('fpTrap');
        code.brIf(frame.step);
      });
    }
    try {
      row.execute(this.builder, operands, split);
    } catch (error) {
      if (error instanceof Unsupported) return false;
      throw error;
    }
    return !arm.leaves;
  }

  private ending(node: number, block: Block): void {
    const { code, frame, arm } = this;
    const { ending } = arm;
    this.count(block.code.length);
    switch (block.flow.kind) {
      case 'next':
      case 'jump':
        this.out(node, block, 0);
        return;
      case 'branch':
        if (ending?.kind === 'branch') arm.push(ending.condition);
        code.if();
        this.out(node, block, 0);
        code.else();
        this.restoreKind(node);
        this.out(node, block, 1);
        code.end();
        code.op('unreachable');
        return;
      case 'call':
        if (block.inlined) {
          this.out(node, block, 0);
          return;
        }
        code.get(frame.pageVa);
        code.i64(BigInt((block.start + block.code.length - 1) * 4 + block.flow.to));
        code.op('i64_add');
        code.set(frame.pc);
        this.call(node, block);
        return;
      case 'callRegister':
        this.call(node, block);
        return;
      case 'jumpRegister':
        this.jumpInside();
        this.leaveNow(TAIL);
        return;
      case 'return':
      case 'stop':
        if (block.copied) this.comeBack(node, block);
        this.leaveNow(Status.Go);
    }
  }

  /** Code of other blocks may have been emitted in between. */
  private restoreKind(node: number): void {
    this.arm.kind = this.kinds.get(node);
  }

  private count(instructions: number): void {
    const { code, frame } = this;
    code.get(frame.remaining);
    code.i32(instructions);
    code.op('i32_sub');
    code.set(frame.remaining);
  }

  /** Goes to one of the places where a block may go. */
  private out(node: number, block: Block, index: number): void {
    const { code, frame } = this;
    this.kinds.set(node, this.arm.kind);
    const inside = block.successors[index] ?? -1;
    if (inside >= 0) {
      this.go(node, inside + 1);
      return;
    }
    code.get(frame.pageVa);
    code.i64(BigInt((block.targets[index] ?? 0) * 4));
    code.op('i64_add');
    code.set(frame.pc);
    code.i32(TAIL);
    code.set(frame.status);
    code.br(frame.leave);
  }

  /** The call itself: of this very function where that is the target, or through the gate. */
  private callNow(block: Block): void {
    const { code, frame } = this;
    const last = block.start + block.code.length - 1;
    const target = block.flow.kind === 'call' ? last + block.flow.to / 4 : undefined;
    const own = this.plan.entries.findIndex((e) => e.instruction === target);
    if (own >= 0) code.i32(entryParameter(own, (target ?? 0) >> 10));
    code.get(frame.depth);
    code.i32(1);
    code.op('i32_sub');
    code.get(frame.pc);
    code.call(own >= 0 ? SELF : GATE);
  }

  /** Goes on after the call in whose place this function is, if it returns there. */
  private comeBack(node: number, block: Block): void {
    const { code, frame } = this;
    code.get(frame.pc);
    code.get(frame.pageVa);
    code.i64(BigInt((block.targets[0] ?? 0) * 4));
    code.ops('i64_add', 'i64_eq');
    code.if();
    this.out(node, block, 0);
    code.end();
    this.restoreKind(node);
  }

  /** Jumps to `frame.pc` if that is a way into this very region, on its root page. */
  private jumpInside(): void {
    const { code, frame } = this;
    const { decoded, entries, element } = this.place;
    const entry = code.freshLocal('i32');
    code.get(frame.pc);
    code.i64(~0xffcn);
    code.op('i64_and');
    code.get(frame.pageVa);
    code.op('i64_eq');
    code.if();
    code.get(frame.pc);
    code.op('i32_wrap_i64');
    code.i32(1);
    code.op('i32_shr_u');
    code.i32(0x7fe);
    code.op('i32_and');
    code.memory('i32_load16_u', decoded + Tables.pageEntries, true);
    code.i32(3);
    code.op('i32_shl');
    code.tee(entry);
    code.memory('i32_load', entries, true);
    code.i32(element);
    code.op('i32_eq');
    code.if();
    code.get(entry);
    code.memory('i32_load', entries + 4, true);
    code.i32(0xff);
    code.op('i32_and');
    code.set(frame.entry);
    code.br(this.loops.get(0) ?? 0);
    code.end();
    code.end();
  }

  /** Leaves at `frame.pc`, without a detour. */
  private leaveNow(status: number): void {
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

  /** Calls what is at `frame.pc`, and goes on if it comes back to the next instruction. */
  private call(node: number, block: Block): void {
    const { code, frame, arm } = this;
    code.get(frame.depth);
    code.op('i32_eqz');
    code.if();
    this.counting.emit(code, 'call.deep');
    code.i32(TAIL);
    code.set(frame.status);
    code.br(frame.leave);
    code.end();
    this.splice('store');
    this.storeState(arm.kind);
    this.counting.emit(code, 'call');
    frame.pushBase();
    this.callNow(block);
    code.tee(frame.status);
    code.if();
    this.counting.emit(code, 'call.left');
    code.get(frame.status);
    code.op('return');
    code.end();
    frame.pushBase();
    code.memory('i64_load', Layout.pc, true);
    code.get(frame.pageVa);
    code.i64(BigInt((block.start + block.code.length) * 4));
    code.ops('i64_add', 'i64_ne');
    code.if();
    this.counting.emit(code, 'call.elsewhere');
    code.i32(Status.Go);
    code.op('return');
    code.end();
    this.splice('load');
    frame.loadWord('remaining');
    code.set(frame.remaining);
    code.i32(0);
    code.set(frame.kind);
    arm.kind = undefined;
    this.out(node, block, 0);
  }
}
