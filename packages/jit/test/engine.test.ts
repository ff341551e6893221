// The engine around the loop: exact budgets, pages, code that changes, translations that go.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { createRig, modes, RAM } from './rig.ts';
import type { Rig } from './rig.ts';

/** Writes a program, one instruction a line, and puts both PCs at its start. */
function program(rig: Rig, at: number, lines: readonly string[]): void {
  for (const [i, line] of lines.entries()) rig.code(at + 4 * i, assemble(line));
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(at);
}

function setX(rig: Rig, register: number, value: number): void {
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.setX(register, BigInt(value));
}

const loop = ['add x0, x0, #1', 'subs x1, x0, #3', 'b.ne -8', 'mov x0, xzr', 'b -16'];

describe.each(modes)('the engine, %s:', (_, mode) => {
  describe('a budget', () => {
    it('is exact at every count', () => {
      const rig = createRig(mode);
      program(rig, RAM, loop);
      for (let i = 1; i < 40; i++) {
        expect(rig.run(i)).toEqual([]);
        expect(rig.fast.engine.executed).toBe(i);
      }
    });

    it('ends before a branch target that is not translated yet', () => {
      const rig = createRig(mode);
      program(rig, RAM, ['b 8192']);
      expect(rig.run(1)).toEqual([]);
      expect(rig.fast.engine.counters.fetchMisses).toBe(1);
    });

    it('is left early by stop', () => {
      const rig = createRig(mode);
      program(rig, RAM, ['svc #0']);
      rig.fast.cpu.observer = {
        exceptionTaken: () => {
          rig.fast.engine.stop();
        },
        unimplemented: () => undefined,
      };
      expect(rig.fast.engine.run(100)).toBe('stopped');
      expect(rig.fast.engine.executed).toBe(1);
    });
  });

  describe('pages', () => {
    it('follow each other without a branch', () => {
      const rig = createRig(mode);
      program(rig, RAM + 0x1000 - 8, [
        'add x0, x0, #1',
        'add x0, x0, #2',
        'add x0, x0, #4',
        'add x0, x0, #8',
      ]);
      expect(rig.run(4)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(15n);
    });

    it('come and go when there are more than the pool holds', () => {
      const rig = createRig(mode);
      const pages = 100;
      for (let i = 0; i < pages; i++) {
        rig.code(RAM + i * 0x1000, assemble('add x0, x0, #1'));
        rig.code(
          RAM + i * 0x1000 + 4,
          assemble(i === pages - 1 ? `b ${String(-(pages - 1) * 0x1000 - 4)}` : 'b 4092'),
        );
      }
      for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(RAM);
      expect(rig.run(pages * 4)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(BigInt(pages * 2));
    });

    it('are crossed by loads and stores', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x22000 - 3);
      setX(rig, 2, 0x1234_5678);
      program(rig, RAM, ['str x2, [x1]', 'ldr x3, [x1]', 'ldp x4, x5, [x1, #-8]', 'b -12']);
      expect(rig.run(40)).toEqual([]);
      expect(rig.fast.cpu.state.x(3)).toBe(0x1234_5678n);
    });
  });

  describe('code that changes', () => {
    it('is seen by the next instruction when the guest stores it', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 12);
      setX(rig, 2, assemble('mov x0, #7'));
      program(rig, RAM, ['mov x0, #1', 'str w2, [x1]', 'add x3, x3, #1', 'mov x0, #2', 'b -16']);
      // Once so that the page is decoded as it is, then with the store.
      expect(rig.run(4)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(7n);
      expect(rig.run(10)).toEqual([]);
    });

    it('is seen in a page that was written before it was code', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x3000);
      setX(rig, 2, assemble('mov x0, #1'));
      setX(rig, 3, assemble('ret'));
      setX(rig, 4, assemble('mov x0, #2'));
      program(rig, RAM, ['stp w2, w3, [x1]', 'blr x1', 'str w4, [x1]', 'blr x1', 'b -16']);
      expect(rig.run(8)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(2n);
    });

    it('is given up as code when it is written to all the time', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x800);
      program(rig, RAM, ['str x0, [x1]', 'add x0, x0, #1', 'b -8']);
      expect(rig.run(3000)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(1000n);
    });

    it('is seen when a device has written it', () => {
      const rig = createRig(mode);
      program(rig, RAM, ['add x0, x0, #1', 'b -4']);
      rig.run(10);
      rig.code(RAM, assemble('add x0, x0, #16'));
      expect(rig.run(10)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(85n);
    });
  });

  describe('translations', () => {
    it('go with TLBI, and the next access faults', () => {
      const rig = createRig(mode);
      // The table's entry for RAM stays; the next gibibyte is an alias of RAM until its entry is cleared.
      const entry = RAM + 0x7f000 + 16;
      for (const { view } of [rig.reference, rig.fast])
        view.setBigUint64(0x10000 + 0x7f000 + 16, BigInt(RAM) | 0x701n, true);
      setX(rig, 1, RAM + 0x4000_0000 + 0x20000);
      setX(rig, 2, entry);
      program(rig, RAM, ['str x1, [x1]', 'ldr x3, [x1]', 'str xzr, [x2]', 'tlbi vmalle1', 'ldr x4, [x1]']);
      expect(rig.run(4)).toEqual([]);
      expect(rig.fast.cpu.state.x(3)).toBe(BigInt(RAM + 0x4000_0000 + 0x20000));
      expect(rig.run(1)).toEqual([]);
      expect(rig.fast.cpu.register('FAR_EL1')).toBe(BigInt(RAM + 0x4000_0000 + 0x20000));
    });

    it('mark pages dirty when a store is let through', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x23000);
      program(rig, RAM, ['str x1, [x1]', 'str x1, [x1]']);
      rig.run(2);
      expect(rig.fast.memory.dirty[1]).toBe(8);
      expect(rig.fast.memory.dirty[0]).toBe(0);
    });
  });

  describe('what an access needs besides its translation', () => {
    it('is seen when SCTLR_EL1.A is set after the page was used', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x20001);
      setX(rig, 2, 0x1007);
      program(rig, RAM, ['ldr x0, [x1]', 'ldr x0, [x1]', 'msr sctlr_el1, x2', 'isb', 'ldr x0, [x1]']);
      expect(rig.run(5)).toEqual([]);
      expect(rig.fast.cpu.register('FAR_EL1')).toBe(BigInt(RAM + 0x20001));
    });

    it('is seen when SCTLR_EL1.EE makes data big-endian', () => {
      const rig = createRig(mode);
      setX(rig, 1, RAM + 0x20000);
      setX(rig, 2, 0x200_1005);
      setX(rig, 3, 0x1234);
      program(rig, RAM, ['str x3, [x1]', 'ldr x0, [x1]', 'msr sctlr_el1, x2', 'isb', 'ldr x0, [x1]']);
      expect(rig.run(5)).toEqual([]);
      expect(rig.fast.cpu.state.x(0)).toBe(0x3412_0000_0000_0000n);
    });
  });

  describe('interrupts', () => {
    it('are taken right after the instruction that unmasks them', () => {
      const rig = createRig(mode);
      for (const { cpu } of [rig.reference, rig.fast]) {
        cpu.state.daif = 15;
        cpu.setPin('irq', true);
      }
      program(rig, RAM, ['nop', 'msr daifclr, #2', 'nop', 'nop']);
      for (let i = 0; i < 3; i++) expect(rig.run(1)).toEqual([]);
      expect(rig.fast.cpu.register('ELR_EL1')).toBe(BigInt(RAM + 8));
    });

    it('end a wait', () => {
      const rig = createRig(mode);
      program(rig, RAM, ['wfi', 'nop']);
      expect(rig.fast.engine.run(5)).toBe('wait');
      expect(rig.fast.engine.executed).toBe(1);
      rig.fast.cpu.setPin('irq', true);
      expect(rig.fast.engine.run(1)).toBe('budget');
    });
  });
});
