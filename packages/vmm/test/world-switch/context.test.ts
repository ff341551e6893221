// Register classes: what each moves, and that it moves back what it took.

import { describe, expect, it } from 'vitest';

import { systemRegisters } from '@worldswitch/isa-core';
import { StateError } from '@worldswitch/platform';

import {
  Classes,
  Context,
  contextShape,
  LazyFloat,
  lazyFloatShape,
  movedBy,
  registerClasses,
  restoreClasses,
  saveClasses,
  systemRegister,
} from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const all = 0xff;

function filled(): FakePort {
  const port = new FakePort();
  let value = 0x1234_5678_9abc_def1n;
  for (const { registers } of registerClasses) {
    for (const { name } of registers) port.put(name, (value = (value * 3n) & 0xffff_ffff_ffff_ffffn));
  }
  for (let n = 0; n < 31; n++) port.x[n] = value = (value * 5n) & 0xffff_ffff_ffff_ffffn;
  port.v.forEach((_, i) => (port.v[i] = i * 0x0101_0101));
  return port;
}

describe('register classes', () => {
  it('name registers that there are, each once', () => {
    const names = registerClasses.flatMap(({ registers }) => registers.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    const known = new Set(systemRegisters.map(({ name }) => name));
    const used = registerClasses
      .flatMap(({ registers }) => registers)
      .flatMap(({ name, write, clear }) => [name, write ?? name, clear ?? name]);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('hold all that EL1 and EL0 can write, but for what is trapped', () => {
    const names = new Set(
      registerClasses.flatMap(({ registers }) =>
        registers.flatMap(({ name, write, clear }) => [name, write ?? name, clear ?? name]),
      ),
    );
    // Other names of what is moved, fields of PSTATE, the debugger's, what HCR_EL2.TIDCP traps, ICC registers (the virtual ones are
    // ICH_VMCR_EL2 and ICH_APnR0_EL2), the emulated physical timer, what is EL3's or the highest level's.
    const elsewhere =
      /^(DAIF|NZCV|SPSel|ICC_|CNTP_|CNTPS_|CNTV_TVAL|CNTFRQ|RMR|DBGDTR|PMX|PMSWINC|L2|CPU[AEM])/;
    const missing = systemRegisters
      .filter(({ minWrite, name }) => minWrite <= 1 && !names.has(name) && !elsewhere.test(name))
      .map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  it('say what they move', () => {
    expect(movedBy(Classes.General)).toEqual({ registers: 33, bytes: 264 });
    expect(movedBy(Classes.El1)).toEqual({ registers: 23, bytes: 184 });
    expect(movedBy(Classes.Float)).toEqual({ registers: 34, bytes: 528 });
    expect(movedBy(0)).toEqual({ registers: 0, bytes: 0 });
  });

  it('move what they say and nothing else', () => {
    for (const { bit, registers } of registerClasses.filter((each) => each.bit !== 0)) {
      const port = filled();
      const context = new Context();
      saveClasses(port, context, bit);
      const read = port.done.filter(({ what }) => what === 'read');
      expect(read.map((each) => 'register' in each && each.register)).toEqual(
        // What is there only while the OS lock is set: the lock is looked at first.
        registers
          .flatMap(({ name, locked }) => (locked ? ['OSLSR_EL1', name] : [name]))
          .map((name) => systemRegister(name)),
      );
    }
  });

  it('set the OS lock around a register that is there with it alone', () => {
    for (const [lock, around] of [
      [2n, []],
      [0n, [1n, 0n]],
    ] as const) {
      const port = filled();
      port.put('OSLSR_EL1', lock);
      saveClasses(port, new Context(), Classes.Debug);
      const written = port.done.filter(({ what }) => what === 'write');
      expect(written.length).toBe(around.length);
      const back = new FakePort();
      restoreClasses(back, new Context(), Classes.Debug);
      const [first, second] = back.done.flatMap((each) => ('register' in each ? [each.register] : []));
      expect([first, second]).toEqual(['OSLAR_EL1', 'OSECCR_EL1'].map((name) => systemRegister(name)));
    }
  });

  it('come back as they were', () => {
    const from = filled();
    const context = new Context();
    saveClasses(from, context, all);
    const to = new FakePort();
    restoreClasses(to, context, all);
    expect(Array.from(to.x)).toEqual(Array.from(from.x));
    expect(Array.from(to.v)).toEqual(Array.from(from.v));
    for (const { registers, bit } of registerClasses) {
      for (const { name, write, clear } of registers) {
        if (bit !== 0 && write === undefined && clear === undefined)
          expect(to.get(name)).toBe(from.get(name));
      }
    }
    expect(to.get('PMCNTENSET_EL0')).toBe(from.get('PMCNTENSET_EL0'));
    expect(to.get('PMCNTENCLR_EL0')).toBe(0xffff_ffffn);
    expect(to.get('OSLAR_EL1')).toBe((from.get('OSLSR_EL1') >> 1n) & 1n);
  });
});

describe('a context', () => {
  it('is set and read by name', () => {
    const context = new Context();
    context.set('SCTLR_EL1', 1, 2);
    context.setX(3, 4, 5);
    context.setX(31, 6, 7);
    const out = { lo: 0, hi: 0 };
    context.get('SCTLR_EL1', out);
    expect(out).toEqual({ lo: 1, hi: 2 });
    expect(() => {
      context.get('VTTBR_EL2', out);
    }).toThrow('VTTBR_EL2');
  });

  it('is saved, and refused when damaged', () => {
    const context = new Context();
    saveClasses(filled(), context, all);
    const state = context.save();
    expect(new Context(contextShape.check(structuredClone(state), '')).save()).toEqual(state);
    expect(() => contextShape.check({ ...state, general: [1] }, 'vcpu[0]')).toThrow(StateError);
    expect(() => contextShape.check({ ...state, vectors: state.vectors.map(() => -1) }, '')).toThrow(
      'vectors[0]',
    );
  });
});

describe('lazy FP', () => {
  const TFP = 0x400n;
  const setup = (): { port: FakePort; lazy: LazyFloat; a: Context; b: Context } => {
    const port = new FakePort();
    port.put('CPTR_EL2', 0x33ff);
    const [a, b] = [new Context(), new Context()];
    a.vectors.fill(0xaaaa_aaaa);
    b.vectors.fill(0xbbbb_bbbb);
    return { port, lazy: new LazyFloat(2), a, b };
  };

  it('moves nothing for a vCPU that does not use it', () => {
    const { port, lazy, a } = setup();
    lazy.load(port);
    expect(port.get('CPTR_EL2')).toBe(0x33ffn | TFP);
    expect(lazy.unload(port, 1, a)).toEqual({ registers: 0, bytes: 0 });
  });

  it('moves it at the first use, and not again while nobody else does', () => {
    const { port, lazy, a, b } = setup();
    lazy.load(port);
    expect(lazy.use(port, 1, a).bytes).toBe(528);
    expect(port.get('CPTR_EL2')).toBe(0x33ffn);
    port.v.fill(0xa1a1_a1a1);
    expect(lazy.unload(port, 1, a).bytes).toBe(528);
    expect(a.vectors[0]).toBe(0xa1a1_a1a1);
    lazy.load(port);
    expect(lazy.use(port, 1, a).bytes).toBe(0);
    lazy.unload(port, 1, a);
    lazy.load(port);
    expect(lazy.use(port, 2, b).bytes).toBe(528);
    expect(port.v[127]).toBe(0xbbbb_bbbb);
    lazy.unload(port, 2, b);
    lazy.load(port);
    expect(lazy.use(port, 1, a).bytes).toBe(528);
    expect(port.v[0]).toBe(0xa1a1_a1a1);
  });

  it('does not trust registers of a CPU that the vCPU has left for another', () => {
    const { port, lazy, a } = setup();
    const other = new FakePort({ index: 1 });
    lazy.use(port, 1, a);
    lazy.unload(port, 1, a);
    lazy.use(other, 1, a);
    other.v.fill(0xcccc_cccc);
    lazy.unload(other, 1, a);
    expect(lazy.use(port, 1, a).bytes).toBe(528);
    expect(port.v[0]).toBe(0xcccc_cccc);
  });

  it('reads a context anew after it was changed', () => {
    const { port, lazy, a } = setup();
    lazy.use(port, 1, a);
    lazy.unload(port, 1, a);
    a.vectors.fill(7);
    lazy.forget(1);
    lazy.use(port, 1, a);
    expect(port.v[0]).toBe(7);
  });

  it('is saved', () => {
    const { port, lazy, a } = setup();
    lazy.use(port, 1, a);
    const state = lazyFloatShape.check(structuredClone(lazy.save()), '');
    expect(new LazyFloat(2, state).unload(port, 1, a).bytes).toBe(528);
    expect(() => new LazyFloat(1, state)).toThrow(StateError);
  });
});
