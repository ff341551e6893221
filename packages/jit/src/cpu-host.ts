// isa-core's CPU as the interpreter's host: translation for the fast TLBs, and single steps by the reference engine.

import { createStepper } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import { Access, permits } from '@worldswitch/mmu';
import type { Memory, Pa } from '@worldswitch/platform';

import type { FastMapping, HostListener, InterpreterHost } from './host.ts';

/** Contexts that are told apart at once; beyond, numbering starts anew and the listener forgets all. */
const CONTEXTS = 4096;

/** The host that a CPU is. It takes the CPU's listener. */
export function cpuHost(cpu: Cpu): InterpreterHost {
  const stepper = createStepper(cpu);
  const numbers = new Map<number, number>();
  const windows: Memory[] = [];
  let listener: HostListener | undefined;
  let current = 0;
  let unprivileged = 0;

  const numberOf = (key: number): number => {
    const known = numbers.get(key);
    if (known !== undefined) return known;
    if (numbers.size >= CONTEXTS) {
      numbers.clear();
      listener?.droppedAll();
    }
    numbers.set(key, numbers.size + 1);
    return numbers.size;
  };
  const refresh = (): void => {
    // Entries are only made where no access needs more than its translation: that must hold when they are used, too.
    const checks = (cpu.alignmentChecked ? 1 : 0) + (cpu.bigEndian ? 2 : 0) + (cpu.debug.everyFetch ? 4 : 0);
    current = numberOf(cpu.translator.contextKey(false) * 8 + checks);
    unprivileged = numberOf(cpu.translator.contextKey(true) * 8 + checks);
  };
  /** The window that holds a physical page, remembered for `markDirty`. */
  const windowAt = (pa: number): Memory | undefined => {
    const memory = cpu.bus.memoryAt(pa as Pa)?.memory;
    if (memory !== undefined && !windows.includes(memory)) windows.push(memory);
    return memory;
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
    const { counters } = cpu.translator.walker;
    const { walks, stage1References, stage2References, faults } = counters;
    const { lookups, misses } = cpu.tlb.counters;
    const { remaining, debt } = cpu.slice;
    const pa = cpu.translator.translateHalves(vaLo, vaHi, access, user, false);
    if (pa >= 0) return pa;
    counters.walks = walks;
    counters.stage1References = stage1References;
    counters.stage2References = stage2References;
    counters.faults = faults;
    cpu.tlb.counters.lookups = lookups;
    cpu.tlb.counters.misses = misses;
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
      if (cpu.alignmentChecked || cpu.bigEndian || cpu.debug.watches(vaLo, vaHi)) return false;
      const user = cpu.state.el === 0 || (asUnprivileged && cpu.state.el === 1);
      const access = write ? Access.Write : Access.Read;
      const pa = translate(vaLo, vaHi, access, user);
      if (pa < 0 || cpu.translator.device) return false;
      const memory = windowAt(pa);
      if (memory === undefined) return false;
      const permissions = cpu.tlb.permissions[cpu.translator.entry] ?? 0;
      const pan = cpu.state.pan !== 0;
      out.host = cpu.bus.host((pa - (pa % 4096)) as Pa);
      out.readable = permits(permissions, Access.Read, user, pan);
      out.writable = memory.writable && permits(permissions, Access.Write, user, pan);
      return true;
    },
    fillFetch(vaLo, vaHi, out: FastMapping) {
      if ((vaLo & 3) !== 0 || cpu.debug.fetchesFrom(vaLo, vaHi)) return false;
      const pa = translate(vaLo, vaHi, Access.Execute, cpu.state.el === 0);
      if (pa < 0 || windowAt(pa) === undefined) return false;
      out.host = cpu.bus.host((pa - (pa % 4096)) as Pa);
      out.readable = true;
      out.writable = false;
      return true;
    },
    markDirty(host) {
      const memory = windows.find((w) => host >= w.offset && host < w.offset + w.size);
      if (memory === undefined) return;
      const page = (host - memory.offset) >>> 12;
      memory.dirty[page >>> 5] = (memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
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
