// TypeScript's side of the walker: tells it what translation depends on, and takes its counts over.

import type { Cpu } from '@worldswitch/isa-core';
import { simpleWalk, tlbLayout } from '@worldswitch/mmu';
import type { SimpleRange, TlbShape } from '@worldswitch/mmu';
import type { Memory } from '@worldswitch/platform';

import { RANGE_BYTES, RangeLayout, WALK_BYTES, WalkLayout } from './layout.ts';

/** Writes a whole number of 64 bits. */
function setLong(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** The walker of one CPU. */
export class WalkState {
  private readonly cpu: Cpu;
  private words: Int32Array | undefined;
  private view: DataView | undefined;
  /** What the block was written for. */
  private version = -1;
  private regime = -1;
  /** The level, PAN or registers have changed since `prepare`. */
  private stale = true;
  private window: { readonly base: number; readonly memory: Memory } | undefined;

  constructor(cpu: Cpu) {
    this.cpu = cpu;
  }

  /**
   * Takes `WALK_BYTES` bytes of the shared memory, into which the CPU's TLB moves. The TLB's shape, or undefined where there is no
   * room for it.
   */
  place(offset: number): TlbShape | undefined {
    const { cpu } = this;
    const { sets, ways } = cpu.tlb;
    if (WalkLayout.tlb + tlbLayout(cpu.tlb).bytes > WALK_BYTES) return undefined;
    const { buffer } = cpu.memory;
    this.words = new Int32Array(buffer, offset, WalkLayout.tlb / 4);
    this.view = new DataView(buffer, offset, WalkLayout.tlb);
    cpu.placeTlb({ buffer, offset: offset + WalkLayout.tlb });
    this.set('missCost', cpu.slice.costs?.tlbMiss ?? 0);
    this.set('descriptorCost', cpu.slice.costs?.descriptor[1] ?? 0);
    this.set('lastRemaining', -1);
    return { sets, ways };
  }

  /** The level, PAN, or a register that translation depends on has changed. */
  changed(): void {
    this.stale = true;
  }

  /** An address was found in memory: from the first that may be stored to, pages are entered without TypeScript. */
  found(base: number, memory: Memory): void {
    if (this.view === undefined || !memory.writable) return;
    if (this.window !== undefined && this.window.memory.size >= memory.size) return;
    this.window = { base, memory };
    const { view } = this;
    setLong(view, WalkLayout.windowBase, base);
    setLong(view, WalkLayout.windowSize, memory.size);
    this.set('windowHost', memory.offset);
  }

  /**
   * Call before compiled code runs.
   *
   * @param plain - false where accesses need more than their translation
   */
  prepare(plain: boolean): void {
    const { cpu, words } = this;
    if (words === undefined) return;
    const { debug, translator } = cpu;
    const enabled = plain && !debug.watching && translator.walker.observer === undefined;
    words[WalkLayout.enabled >> 2] = enabled ? 1 : 0;
    if (!this.stale) return;
    this.stale = false;
    const { el, pan } = cpu.state;
    words[WalkLayout.user >> 2] = el === 0 ? 1 : 0;
    words[WalkLayout.unprivilegedUser >> 2] = el < 2 ? 1 : 0;
    words[WalkLayout.pan >> 2] = pan;
    words[WalkLayout.context >> 2] = translator.context;
    words[WalkLayout.asid >> 2] = translator.asid;
    const { regime } = translator;
    if (this.version === cpu.controls.version && this.regime === regime) return;
    this.version = cpu.controls.version;
    this.regime = regime;
    this.writeRegime();
  }

  /** Adds what was counted since the last time, and answers how many pages were entered into the fast TLB. */
  takeCounts(): number {
    const { cpu, words } = this;
    const lookups = words?.[WalkLayout.lookups >> 2] ?? 0;
    if (words === undefined || lookups === 0) return 0;
    const misses = words[WalkLayout.misses >> 2] ?? 0;
    const { tlb, translator } = cpu;
    tlb.counters.lookups += lookups;
    tlb.counters.misses += misses;
    tlb.counters.fills += misses;
    tlb.counters.evictions += words[WalkLayout.evictions >> 2] ?? 0;
    translator.walker.counters.walks += misses;
    translator.walker.counters.stage1References += words[WalkLayout.references >> 2] ?? 0;
    const entered = words[WalkLayout.dataMisses >> 2] ?? 0;
    words.fill(0, WalkLayout.lookups >> 2, (WalkLayout.dataMisses >> 2) + 1);
    return entered;
  }

  private set(field: keyof typeof WalkLayout, value: number): void {
    if (this.words !== undefined) this.words[WalkLayout[field] >> 2] = value;
  }

  private writeRegime(): void {
    const walk = simpleWalk(this.cpu.controls, this.regime as 0);
    this.set('walks', walk === undefined ? 0 : 1);
    if (walk === undefined) return;
    this.set('twoRanges', walk.twoRanges ? 1 : 0);
    this.set('wxn', walk.wxn ? 1 : 0);
    for (const [i, attributes] of walk.attributes.entries())
      this.view?.setUint8(WalkLayout.attributes + i, attributes);
    for (let i = 0; i < 2; i++) this.writeRange(WalkLayout.ranges + i * RANGE_BYTES, walk.ranges[i]);
  }

  private writeRange(at: number, range: SimpleRange | undefined): void {
    const { view } = this;
    view?.setInt32(at + RangeLayout.walks, range === undefined ? 0 : 1, true);
    if (view === undefined || range === undefined) return;
    const { inputBits, shift, table, outputBits, hierarchyDisabled, topByteIgnored } = range;
    const set = (field: keyof typeof RangeLayout, value: number): void => {
      view.setInt32(at + RangeLayout[field], value, true);
    };
    set('shift', shift);
    set('mask', 2 ** (inputBits - shift) - 1);
    set('inherited', hierarchyDisabled ? 1 << 31 : -1);
    setLong(view, at + RangeLayout.table, table);
    setLong(view, at + RangeLayout.inputBits, inputBits);
    setLong(view, at + RangeLayout.ignoredBits, topByteIgnored ? 8 : 0);
    setLong(view, at + RangeLayout.outputBits, outputBits);
  }
}
