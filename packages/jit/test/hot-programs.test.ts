// Programs that ask the hot tier hard questions, in every mode: control flow, flags over faults, code that changes, translations
// that change below compiled code, exact budgets.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import type { Program } from './programs/assembler.ts';
import { begin, CODE, load } from './programs/run.ts';
import { createRig, modes, RAM } from './rig.ts';
import type { Rig } from './rig.ts';

const RAM_OFFSET = 0x10000;
const DATA = 19;

/** A rig with handlers, random registers and a program. */
function rigWith(mode: (typeof modes)[number][1], build: (p: Program) => void): Rig {
  return start(createRig(mode), build);
}

/** The same on a rig that has run something else. */
function start(rig: Rig, build: (p: Program) => void): Rig {
  return begin(rig, 7, build);
}

/** Runs with budgets of every length up to a limit, and again with long ones in between. */
function runAll(rig: Rig, limit = 60): void {
  for (let i = 1; i <= limit; i++) {
    expect(rig.run(i), `a budget of ${String(i)}`).toEqual([]);
    expect(rig.run(997), 'a long budget').toEqual([]);
  }
}

function setX(rig: Rig, register: number, value: bigint): void {
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.setX(register, value);
}

describe.each(modes)('the hot tier, %s:', (_, mode) => {
  /** True if compiled code did something; in modes that compile. */
  const expectCompiled = (rig: Rig): void => {
    if (mode.eager === true) expect(rig.fast.engine.counters.compiled).toBeGreaterThan(1000);
  };

  describe('control flow', () => {
    it('loops three deep, a budget of every length', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        p.add('mov x20, #3');
        const a = p.place();
        p.add('mov x21, #4', 'add x0, x0, x21');
        const b = p.place();
        p.add('mov x22, #5');
        const c = p.place();
        p.add('add x1, x1, x0', 'subs x22, x22, #1');
        p.to('b.ne', c);
        p.add('subs x21, x21, #1', 'adc x2, x2, x1');
        p.to('b.ne', b);
        p.add('sub x20, x20, #1');
        p.to('cbnz x20,', a);
        p.to('b', top);
      });
      runAll(rig, 150);
      expectCompiled(rig);
    });

    it('a loop with two ways in', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        const middle = p.label();
        p.add('mov x20, #9', 'add x0, x0, #1');
        p.to('tbz x0, #0,', middle);
        const head = p.place();
        p.add('add x1, x1, #3', 'eor x2, x2, x1');
        p.place(middle);
        p.add('subs x20, x20, #1', 'adc x3, x3, x1');
        p.to('b.ne', head);
        p.to('b', top);
      });
      runAll(rig);
    });

    it('a small function in the place of its call, which calls another: what that spent counts', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        const [small, large] = [p.label(), p.label()];
        p.to('bl', small);
        p.add('add x0, x0, #1');
        p.to('b', top);
        p.place(small);
        p.add('mov x28, x30');
        p.to('bl', large);
        p.add('add x1, x1, x0', 'eor x2, x2, x1', 'add x3, x3, #1', 'sub x4, x4, x3', 'mov x30, x28', 'ret');
        p.place(large);
        p.add(
          ...Array.from({ length: 60 }, (_, i) => `add x${String(5 + (i % 9))}, x1, #${String(i)}`),
          'ret',
        );
      });
      runAll(rig, 150);
      expectCompiled(rig);
    });

    it('is entered in the middle of loops, after what the interpreter does', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        p.add('mov x20, #5');
        const outer = p.place();
        p.add('mov x21, #6', 'svc #1');
        const inner = p.place();
        p.add('adds x0, x0, x1', 'sevl', 'adc x2, x2, x3', 'ldr x9, [x25]', 'sub x21, x21, #1');
        p.to('cbnz x21,', inner);
        p.add('svc #2', 'subs x20, x20, #1');
        p.to('b.ne', outer);
        p.to('b', top);
      });
      runAll(rig);
      expectCompiled(rig);
    });

    it('returns that are no returns, and calls without one', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        const [skips, tail, leaf, far, self] = [p.label(), p.label(), p.label(), p.label(), p.label()];
        p.to('bl', skips);
        p.add('add x0, x0, #1', 'add x1, x1, #1');
        p.to('bl', tail);
        p.to('adr x30,', leaf);
        p.add('blr x30', 'add x2, x2, #1');
        // Out of two functions at once.
        p.add('mov x10, sp');
        const landing = p.label();
        p.to('adr x11,', landing);
        p.to('bl', far);
        p.add('add x3, x3, #1');
        p.place(landing);
        p.to('bl', self);
        p.add('add x4, x4, #1');
        p.to('b', top);
        p.place(skips);
        p.add('add x30, x30, #4', 'ret');
        p.place(tail);
        p.add('cmp x0, #7');
        p.to('b', leaf);
        p.place(leaf);
        p.add('cset x5, hi', 'ret');
        p.place(far);
        p.add('stp x29, x30, [sp, #-16]!');
        const deeper = p.label();
        p.to('bl', deeper);
        p.add('ldp x29, x30, [sp], #16', 'ret');
        p.place(deeper);
        p.add('mov sp, x10', 'mov x30, x11', 'ret');
        p.place(self);
        p.add('mov x12, x30');
        const here = p.label();
        p.to('bl', here);
        p.place(here);
        p.add('add x6, x6, x30', 'ret x12');
      });
      runAll(rig);
      expectCompiled(rig);
    });

    it('a recursion deeper than calls nest, and one that leaves at its bottom', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        const f = p.label();
        p.add('mov x0, #250');
        p.to('bl', f);
        p.add('add x7, x7, x0');
        p.to('b', top);
        p.place(f);
        const bottom = p.label();
        p.to('cbz x0,', bottom);
        p.add('stp x29, x30, [sp, #-16]!', 'subs x0, x0, #1');
        p.to('bl', f);
        p.add('adc x0, x0, xzr', 'ldp x29, x30, [sp], #16', 'ret');
        p.place(bottom);
        p.add('adds x1, x1, x2', 'ldr x9, [x25]', 'ret');
      });
      runAll(rig, 30);
      for (let i = 0; i < 10; i++) expect(rig.run(1789 * (i + 1))).toEqual([]);
      expectCompiled(rig);
    });
  });

  describe('flags that nobody has looked at', () => {
    const setters = [
      'adds x0, x1, x2',
      'adds w0, w1, w2',
      'subs x0, x1, x2',
      'subs w0, w1, w2',
      'ands x0, x1, x2',
      'ands w0, w1, w2',
      'adcs x0, x1, x2',
      'adcs w0, w1, w2',
      'sbcs x0, x1, x2',
      'sbcs w0, w1, w2',
      'ccmp x1, x2, #5, hi',
      'ccmp w1, #9, #15, le',
      'ccmn x1, x2, #12, vs',
      'ccmn w1, w2, #3, eq',
      'fcmp d0, d1',
      'fcmp s0, #0.0',
      'fccmp d0, d1, #6, gt',
      'msr nzcv, x1',
    ];
    const observe =
      (setter: string) =>
      (p: Program): void => {
        const top = p.place();
        p.add('add x1, x1, x3', 'ror x2, x2, #7', setter);
        // Over a fault, into another block by both ways, over a call, into a chain, over an access at a page's end.
        p.add('ldr x9, [x25]', 'mrs x10, nzcv', 'add x11, x11, x10', setter);
        const there = p.label();
        p.to('tbz x1, #3,', there);
        p.add('ccmp x4, x5, #2, ne');
        p.place(there);
        p.add('cinc x6, x6, ge', 'cinc x7, x7, ls', setter);
        const f = p.label();
        p.to('bl', f);
        p.add('cinc x8, x8, vs', setter, 'ldr x9, [x24]', 'ccmn x6, x7, #9, mi', 'cinc x12, x12, lt');
        p.to('b', top);
        p.place(f);
        p.add('cinc x13, x13, pl');
        const other = p.label();
        p.to('b.cs', other);
        p.add('ret');
        p.place(other);
        p.add(setter, 'str x8, [x25]', 'ret');
      };
    it('are there after faults, over edges, calls and chains', () => {
      const rig = createRig(mode);
      for (const setter of setters) {
        start(rig, observe(setter));
        for (let i = 1; i < 40; i++) {
          expect(rig.run(i), `${setter}, a budget of ${String(i)}`).toEqual([]);
          expect(rig.run(997), setter).toEqual([]);
        }
      }
      expectCompiled(rig);
    });
  });

  describe('code that changes', () => {
    it('in the region that runs, before and behind the store', () => {
      const rig = rigWith(mode, (p) => {
        const words = [assemble('add x0, x0, #1'), assemble('add x0, x0, #16')] as const;
        p.add(`mov w10, #${String(words[0] & 0xffff)}`, `movk w10, #${String(words[0] >>> 16)}, lsl #16`);
        p.add(`mov w11, #${String(words[1] & 0xffff)}`, `movk w11, #${String(words[1] >>> 16)}, lsl #16`);
        const [before, behind] = [p.label(), p.label()];
        p.to('adr x12,', before);
        p.to('adr x13,', behind);
        const top = p.place();
        p.add('mov x20, #20');
        const loop = p.place();
        p.place(before);
        p.add('add x0, x0, #1', 'add x1, x1, x0', 'subs x20, x20, #1');
        p.place(behind);
        p.add('add x0, x0, #1');
        p.to('b.ne', loop);
        p.add('tst x1, #8', 'csel w14, w10, w11, eq', 'str w14, [x12]', 'str w14, [x13]');
        p.to('b', top);
      });
      runAll(rig, 60);
    });

    it('beside data that is written all the time', () => {
      const rig = rigWith(mode, (p) => {
        const data = p.label();
        p.to('adr x12,', data);
        const top = p.place();
        p.add('ldr x0, [x12]', 'add x0, x0, #1', 'str x0, [x12]', 'subs x1, x0, x2');
        p.to('b.ne', top);
        p.to('b', top);
        p.add('nop', 'nop');
        p.place(data);
        p.add('nop', 'nop');
      });
      runAll(rig);
    });

    it('at two addresses', () => {
      const rig = rigWith(mode, (p) => {
        const top = p.place();
        const f = p.label();
        p.to('adr x9,', f);
        p.add('eor x10, x9, #0xc0000000', 'blr x9', 'blr x10', 'eor x11, x11, x0');
        p.to('b', top);
        p.place(f);
        const again = p.label();
        p.add('mov x20, #3', 'add x0, x0, x30');
        p.place(again);
        p.to('adr x13,', f);
        p.add('add x0, x0, x13', 'subs x20, x20, #1');
        p.to('b.ne', again);
        p.add('ret');
      });
      runAll(rig);
      expectCompiled(rig);
    });
  });

  it('code across pages, whose second page is another with another ASID', () => {
    const rig = rigWith(mode, (p) => {
      const top = p.place();
      // TTBR0_EL1 in x26 and x28.
      p.add('msr ttbr0_el1, x26', 'isb', 'mov x20, #40');
      const a = p.place();
      p.add('blr x18', 'subs x20, x20, #1');
      p.to('b.ne', a);
      p.add('msr ttbr0_el1, x28', 'isb', 'mov x20, #40');
      const b = p.place();
      p.add('blr x18', 'subs x20, x20, #1');
      p.to('b.ne', b);
      p.to('b', top);
    });
    // A function at the end of one page, which goes on in the next: one of two.
    load(rig, RAM + 0x5ff8, [assemble('add x0, x0, #1'), assemble('adds x1, x1, x0')]);
    load(rig, RAM + 0x6000, [assemble('adc x2, x2, x0'), assemble('ret')]);
    load(rig, RAM + 0x7000, [assemble('sbc x2, x2, x0'), assemble('eor x2, x2, x1'), assemble('ret')]);
    const pages = RAM + 0x70000;
    for (const { view, cpu } of [rig.reference, rig.fast]) {
      const put = (at: number, value: bigint): void => {
        view.setBigUint64(RAM_OFFSET + at - RAM, value, true);
      };
      for (const [i, second] of [RAM + 0x6000, RAM + 0x7000].entries()) {
        const [l1, l2, l3] = [0, 1, 2].map((n) => pages + (3 * i + n) * 0x1000) as [number, number, number];
        put(l1 + 8, BigInt(RAM) | 0x701n);
        put(l1 + 16, BigInt(l2) | 3n);
        put(l2, BigInt(l3) | 3n);
        // Not global: each ASID has its own.
        put(l3, BigInt(RAM + 0x5000) | 0xf03n);
        put(l3 + 8, BigInt(second) | 0xf03n);
        cpu.state.setX(i === 0 ? 26 : 28, BigInt(l1) | (BigInt(i + 1) << 48n));
      }
      cpu.contextChanged();
    }
    setX(rig, 18, 0x8000_0ff8n);
    runAll(rig);
    expectCompiled(rig);
  });

  it('interrupts that compiled code unmasks', () => {
    const rig = rigWith(mode, (p) => {
      const top = p.place();
      p.add('mov x20, #8', 'adds x0, x0, x1');
      const loop = p.place();
      p.add('add x2, x2, #1', 'subs x20, x20, #1', 'msr daifclr, #2', 'adc x3, x3, x2', 'msr daifset, #2');
      p.to('cbnz x20,', loop);
      p.to('b', top);
    });
    for (let i = 1; i < 60; i++) {
      expect(rig.run(i)).toEqual([]);
      for (const { cpu } of [rig.reference, rig.fast]) cpu.setPin('irq', i % 3 === 0);
      expect(rig.run(500)).toEqual([]);
    }
    expectCompiled(rig);
  });

  it('a counter of instructions that overflows', () => {
    const rig = rigWith(mode, (p) => {
      const top = p.place();
      p.add('mov x20, #50');
      const loop = p.place();
      p.add('adds x0, x0, x1', 'subs x20, x20, #1');
      p.to('b.ne', loop);
      p.add('mrs x4, pmovsset_el0', 'mrs x5, pmccntr_el0', 'mrs x6, pmevcntr0_el0', 'add x7, x7, x6');
      p.to('b', top);
    });
    for (const { cpu } of [rig.reference, rig.fast]) {
      cpu.pmuInterrupt = (level) => {
        cpu.setPin('irq', level);
      };
      cpu.state.daif = 0;
    }
    const setup = [
      'msr pmevtyper0_el0, x1',
      'msr pmevcntr0_el0, x2',
      'msr pmcntenset_el0, x3',
      'msr pmintenset_el1, x3',
    ];
    load(
      rig,
      CODE + 0x800,
      [...setup, 'msr pmcr_el0, x3', 'isb', `b ${String(-0x800 - 24)}`].map((line) => assemble(line)),
    );
    setX(rig, 1, 8n);
    setX(rig, 2, 0xffff_ff00n);
    setX(rig, 3, 1n);
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(CODE + 0x800);
    runAll(rig, 40);
    expect(rig.fast.cpu.register('ELR_EL1')).not.toBe(0n);
    expectCompiled(rig);
  });

  it('accesses with the rights of EL0', () => {
    const rig = rigWith(mode, (p) => {
      const top = p.place();
      p.add('mov x20, #20');
      const loop = p.place();
      p.add(
        'ldtr x0, [x27]',
        'ldtrsb w1, [x27, #3]',
        'add x2, x2, x0',
        'sttr x2, [x27, #8]',
        'subs x20, x20, #1',
      );
      p.to('b.ne', loop);
      // EL0 may not, EL1 may.
      p.add('ldtr x3, [x19]', 'ldr x4, [x19]', 'sttrb w2, [x19]', 'cinc x5, x5, eq');
      p.to('b', top);
    });
    for (const { view, cpu } of [rig.reference, rig.fast]) {
      view.setBigUint64(RAM_OFFSET + 0x7f010, BigInt(RAM) | 0x741n, true);
      cpu.contextChanged();
    }
    setX(rig, 27, 0x8002_0000n);
    runAll(rig, 40);
    expectCompiled(rig);
  });

  it('exclusives in a loop, and a page whose rights change', () => {
    const rig = rigWith(mode, (p) => {
      const top = p.place();
      p.add('mov x20, #30');
      const loop = p.place();
      p.add(`ldaxr x0, [x${String(DATA)}]`, 'adds x0, x0, x1', `stlxr w2, x0, [x${String(DATA)}]`);
      p.to('cbnz w2,', loop);
      p.add(`stxr w3, x0, [x${String(DATA)}]`, 'add x4, x4, x3', 'clrex', 'subs x20, x20, #1');
      p.to('b.ne', loop);
      // The alias goes and comes back.
      p.add(
        'str xzr, [x26]',
        'tlbi vmalle1',
        'dsb sy',
        'isb',
        'ldr x5, [x27]',
        'str x28, [x26]',
        'dsb sy',
        'ldr x6, [x27]',
      );
      p.to('b', top);
    });
    setX(rig, 26, BigInt(RAM + 0x7f010));
    setX(rig, 27, 0x8002_0000n);
    setX(rig, 28, BigInt(RAM) | 0x701n);
    runAll(rig);
    expectCompiled(rig);
  });
});
