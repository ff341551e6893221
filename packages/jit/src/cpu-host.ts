// isa-core's CPU as the interpreter's host: translation for the fast TLBs, and single steps by the reference engine.

import { createStepper } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import { Access, permits } from '@worldswitch/mmu';
import type { Memory, Pa } from '@worldswitch/platform';

import type { FastMapping, HostListener, InterpreterHost } from './host.ts';
import { WalkState } from './walks/state.ts';

/** Contexts that are told apart at once; beyond, numbering starts anew and the listener forgets all. */
const CONTEXTS = 4096;

/** The host that a CPU is. It takes the CPU's listener. */
export function cpuHost(cpu: Cpu): InterpreterHost {
  const stepper = createStepper(cpu);
  const numbers = new Map<number, number>();
  const windows: Memory[] = [];
  const walks = new WalkState(cpu);
  let listener: HostListener | undefined;
  let current = 0;
  let unprivileged = 0;

  /** The last key at each level, and its number: levels come and go with the same keys. */
  const lastKeys = new Float64Array(16).fill(-1);
  const lastNumbers = new Int32Array(16);
  const numberAt = (level: number, key: number): number => {
    if (lastKeys[level] === key) return lastNumbers[level] ?? 0;
    const number = numberOf(key);
    lastKeys[level] = key;
    lastNumbers[level] = number;
    return number;
  };
  const numberOf = (key: number): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    numbers.set(key, numbers.size + 1);
    return numbers.size;
  };
  /** What `fillData` asks of the level, derived when that changes: no access needs more than its translation; EL0; PAN. */
  let plain = true;
  let user = false;
  let pan = false;
  const refresh = (): void => {
    walks.changed();
    // Entries are only made where no access needs more than its translation: that must hold when they are used, too.
    const checks = (cpu.alignmentChecked ? 1 : 0) + (cpu.bigEndian ? 2 : 0) + (cpu.debug.everyFetch ? 4 : 0);
    plain = (checks & 3) === 0;
    user = cpu.state.el === 0;
    pan = cpu.state.pan !== 0;
    const level = cpu.state.el * 2 + cpu.state.pan;
    if (numbers.size + 2 > CONTEXTS) {
      numbers.clear();
      lastKeys.fill(-1);
      listener?.droppedAll();
    }
    current = numberAt(level, cpu.translator.contextKey(false) * 8 + checks);
    unprivileged = numberAt(8 + level, cpu.translator.contextKey(true) * 8 + checks);
  };
  /** Where the page of a physical address lies: remembered for `markDirty`. False where there is no memory. */
  let window: Memory | undefined;
  const findPage = (pa: number, out: FastMapping): boolean => {
    const found = cpu.bus.memoryAt(pa as Pa);
    if (found === undefined) return false;
    const { base, memory } = found;
    if (memory !== window) {
      window = memory;
      if (!windows.includes(memory)) windows.push(memory);
      walks.found(base, memory);
    }
    const offset = pa - base;
    const page = Math.floor(offset / 4096);
    out.host = memory.offset + page * 4096;
    out.dirty = ((memory.dirty[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0;
    out.writable = memory.writable;
    return true;
  };

  cpu.listener = {
    dropped: (_index, vaLo, vaHi) => listener?.dropped(vaLo, vaHi),
    droppedAll: () => listener?.droppedAll(),
    contextChanged: refresh,
    stored: (pa, bytes) => listener?.stored(cpu.bus.host(pa as Pa), bytes),
  };
  refresh();

  /**
   * A translation for a fast TLB. Where it fails, the instruction is stepped and translates again: that is the one that counts.
   */
  const translate = (vaLo: number, vaHi: number, access: Access, user: boolean): number => {
    const { translator, tlb } = cpu;
    const found = translator.find(vaLo, vaHi, access, user);
    if (found >= 0) return found;
    const { counters } = translator.walker;
    const { walks, stage1References, stage2References, faults } = counters;
    const { remaining, debt } = cpu.slice;
    // Whether the access is aligned is not known here.
    const pa = translator.fill(vaLo, vaHi, access, user, false, access !== Access.Execute);
    if (pa >= 0) return pa;
    counters.walks = walks;
    counters.stage1References = stage1References;
    counters.stage2References = stage2References;
    counters.faults = faults;
    tlb.counters.lookups--;
    if (!translator.stale) tlb.counters.misses--;
    cpu.slice.undo(remaining, debt);
    return pa;
  };

  return {
    memory: cpu.memory,
    base: cpu.base,
    get context() {
      return current;
    },
    get unprivilegedContext() {
      return unprivileged;
    },
    get mustStep() {
      return cpu.state.il !== 0 || cpu.debug.watchful;
    },
    get atSoftware() {
      return cpu.software?.isLikely === true;
    },
    slice: cpu.slice,
    begin(budget) {
      cpu.beginSlice(budget);
    },
    get untilEvent() {
      return cpu.untilEvent;
    },
    settle() {
      cpu.settle();
    },
    get waiting() {
      return cpu.waiting;
    },
    step(word) {
      stepper.step(word);
      return cpu.waiting;
    },
    pollInterrupts: () => cpu.poll(),
    fillData(vaLo, vaHi, write, asUnprivileged, out: FastMapping) {
      out.refusal = plain ? 'watched' : 'checked';
      if (!plain || (cpu.debug.watching && cpu.debug.watches(vaLo, vaHi))) return false;
      const asUser = user || (asUnprivileged && cpu.state.el === 1);
      const pa = translate(vaLo, vaHi, write ? Access.Write : Access.Read, asUser);
      out.refusal = pa < 0 ? 'fault' : cpu.translator.device ? 'device' : 'nowhere';
      if (pa < 0 || cpu.translator.device || !findPage(pa, out)) return false;
      const permissions = cpu.tlb.permissions[cpu.translator.entry] ?? 0;
      out.readable = permits(permissions, Access.Read, asUser, pan);
      out.writable &&= permits(permissions, Access.Write, asUser, pan);
      return true;
    },
    fillFetch(vaLo, vaHi, out: FastMapping) {
      if ((vaLo & 3) !== 0 || cpu.debug.fetchesFrom(vaLo, vaHi)) return false;
      const pa = translate(vaLo, vaHi, Access.Execute, cpu.state.el === 0);
      if (pa < 0 || !findPage(pa, out)) return false;
      out.readable = true;
      out.writable = false;
      return true;
    },
    markDirty(host) {
      const holds = (w: Memory): boolean => host >= w.offset && host < w.offset + w.size;
      const memory = window !== undefined && holds(window) ? window : windows.find(holds);
      if (memory === undefined) return;
      const page = (host - memory.offset) >>> 12;
      memory.dirty[page >>> 5] = (memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
    },
    walks: {
      place: (offset) => walks.place(offset),
      prepare() {
        walks.prepare(plain);
      },
      takeCounts: () => walks.takeCounts(),
    },
    hostOf: (pa) => cpu.bus.host(pa as Pa),
    get listener() {
      return listener;
    },
    set listener(to) {
      listener = to;
    },
  };
}
