// The code of one region: a WebAssembly function from its basic blocks, with structured control flow.

import { Tables } from '../emit/frame.ts';
import { Layout } from '../isa.ts';
import type { Fragment, Target } from '../wasm/code.ts';
import { BlockEmitter } from './block-emitter.ts';
import type { Block, Discovered } from './blocks.ts';
import { Status } from './frame.ts';
import { noPlan } from './layout.ts';
import type { Plan } from './layout.ts';
import { loopPages, takePage } from './loop-pages.ts';
import type { LoopPages } from './loop-pages.ts';
import { entryParameter, GATE, RegionWays, SELF, TAIL } from './ways.ts';
import type { RegionPage, RegionPlace } from './ways.ts';

/** Emits functions of regions, one after the other. */
export class RegionEmitter extends RegionWays {
  private readonly blocks: BlockEmitter = new BlockEmitter(this.arm);
  private region: Discovered = { blocks: [], roots: [], instructions: 0 };
  private plan: Plan = noPlan;
  private place: RegionPlace = { element: 0, decoded: 0, entries: 0 };
  private pagesKept: LoopPages = { loops: new Map(), nodes: new Map() };
  private children: readonly (readonly number[])[] = [];
  private readonly loops = new Map<number, Target>();
  private readonly ends = new Map<number, Target>();
  /** Kinds of the flags at the ends of blocks. */
  private readonly kinds = new Map<number, number | undefined>();

  /** What a block costs: its instructions, unless they have costs of their own. */
  costOf({ code }: Block): number {
    return this.frame.costOf(code);
  }

  /** The body of a region's function. */
  emit(region: Discovered, plan: Plan, pages: readonly RegionPage[], place: RegionPlace): Fragment {
    this.place = place;
    this.region = region;
    this.plan = plan;
    this.frame.mixedStores = place.mixedStores === true;
    for (const map of [this.loops, this.ends, this.kinds]) map.clear();
    const children: number[][] = plan.successors.map(() => []);
    for (const n of plan.order) if (n !== 0) children[plan.dominator[n] ?? 0]?.push(n);
    this.children = children;
    return this.function(pages);
  }

  protected override body(): void {
    const { region, plan, frame, blocks } = this;
    this.pagesKept = loopPages(region.blocks, plan, blocks.effects, frame);
    this.tree(0);
  }

  // ---- structure

  private tree(node: number): void {
    const { plan, code } = this;
    const merges = (this.children[node] ?? [])
      .filter((c) => plan.merges.has(c))
      .sort((a, b) => (plan.place[b] ?? 0) - (plan.place[a] ?? 0));
    const isHeader = plan.headers.has(node);
    if (this.checkedOutside(node)) this.checkBudget(node);
    for (const slot of this.pagesKept.loops.get(node) ?? []) takePage(this.frame, slot);
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

  private go(from: number, where: number): void {
    const { plan, code, frame } = this;
    const to = plan.detours.get(from)?.get(where) ?? where;
    if (to !== where) {
      code.i32(plan.entries.findIndex((e) => e.node === where));
      code.set(frame.entry);
    }
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
    this.arm.loopPages = this.pagesKept.nodes.get(node);
    if (this.blocks.emit(block)) this.ending(node, block);
  }

  /** Takes the flags' kind over where there is one way to here. */
  private enterKinds(node: number): void {
    const predecessors = this.plan.predecessors[node] ?? [];
    const [only] = predecessors;
    const alone = predecessors.length === 1 && !this.plan.entries.some((e) => e.node === node);
    const known = alone && only !== undefined ? this.kinds.get(only) : undefined;
    this.arm.kind = known === 0 ? undefined : known;
    this.arm.checked.clear();
    this.arm.scalars.clear();
  }

  private checkBudget(node: number): void {
    const { code, frame, plan } = this;
    frame.setExit(this.region.blocks[node - 1]?.start ?? 0, [], 0);
    frame.pushRemaining();
    code.i32(plan.distance[node] ?? 0);
    code.op('i32_lt_s');
    code.brSeldom(this.short);
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

  private ending(node: number, block: Block): void {
    const { code, frame, arm } = this;
    const { ending } = arm;
    this.count(block.code);
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
    if (own >= 0) this.counting.emit(code, 'call.own');
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
    this.counting.emit(code, 'inside');
    code.br(this.loops.get(0) ?? 0);
    code.end();
    code.end();
  }

  /** Calls what is at `frame.pc`, and goes on if it comes back to the next instruction. */
  private call(node: number, block: Block): void {
    const { code, frame, arm } = this;
    code.get(frame.depth);
    code.op('i32_eqz');
    code.seldom();
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
    code.seldom();
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
    code.seldom();
    code.if();
    this.counting.emit(code, 'call.elsewhere');
    code.i32(Status.Go);
    code.op('return');
    code.end();
    this.splice('load');
    frame.takeRemaining();
    code.i32(0);
    code.set(frame.kind);
    arm.kind = undefined;
    this.out(node, block, 0);
  }
}
