// WFI, WFE, SEV and SEVL (DDI 0487 D1.6): what they wait for, what ends the wait, and that they trap only where they would wait.

import { describe, expect, test } from 'vitest';

import type { CpuPin, EventSource } from '@worldswitch/platform';

import { machine } from '../reference/machine.ts';
import { apply, execute, trapMachine } from './rig.ts';

const RW = 0x8000_0000n;
const NS = 0x531n;
const OPEN = { SCTLR_EL1: 0x34d5_db85n };
/** All of the traps of WFI and WFE. */
const TRAPS = { SCTLR_EL1: 0x34d0_db85n, HCR_EL2: RW | 0x6000n, SCR_EL3: NS | 0x3000n };

describe('WFE', () => {
  test('waits, and does not where the event register is set, which it clears', () => {
    const m = trapMachine();
    m.run('wfe');
    expect([m.cpu.waiting, m.cpu.waitingForEvent]).toEqual([true, true]);
    m.cpu.signalEvent();
    expect(m.cpu.waiting).toBe(false);
    m.run('wfe');
    expect(m.cpu.waiting).toBe(false);
    m.run('wfe');
    expect(m.cpu.waiting).toBe(true);
  });

  test('does not trap where an event is there, at any level', () => {
    for (const el of [0, 1, 2]) {
      const m = trapMachine();
      apply(m, TRAPS);
      m.cpu.event = true;
      expect(execute(m, el, 'wfe')).toBeUndefined();
      expect(m.cpu.event).toBe(false);
      expect(execute(m, el, 'wfe')).toMatchObject({ ec: 1, iss: 0x1e0_0001 });
    }
  });

  test('a trap goes to EL1 first, then EL2, then EL3', () => {
    const m = trapMachine();
    apply(m, TRAPS);
    expect(execute(m, 0, 'wfe')?.el).toBe(1);
    apply(m, OPEN);
    expect(execute(m, 0, 'wfe')?.el).toBe(2);
    apply(m, { HCR_EL2: RW });
    expect(execute(m, 0, 'wfe')?.el).toBe(3);
    apply(m, { SCR_EL3: NS });
    expect(execute(m, 0, 'wfe')).toBeUndefined();
  });

  test('SCTLR_EL1.nTWE traps to EL2 under HCR_EL2.TGE', () => {
    const m = trapMachine();
    apply(m, { ...TRAPS, HCR_EL2: RW | 0x800_0000n });
    expect(execute(m, 0, 'wfe')?.el).toBe(2);
    expect(execute(m, 0, 'wfi')?.el).toBe(2);
  });

  test('SEVL sets the own event register alone, SEV that of every CPU and ends their waits', () => {
    const [a, b] = [trapMachine(), trapMachine()];
    a.cpu.peers = b.cpu.peers = [a.cpu, b.cpu];
    b.run('wfe');
    a.run('sevl');
    expect([a.cpu.event, b.cpu.event, b.cpu.waiting]).toEqual([true, false, true]);
    a.run('wfe', 'sev');
    expect([a.cpu.event, b.cpu.event, b.cpu.waiting]).toEqual([true, true, false]);
  });

  test('SEV does not end a WFI', () => {
    const [a, b] = [trapMachine(), trapMachine()];
    a.cpu.peers = b.cpu.peers = [a.cpu, b.cpu];
    b.run('wfi');
    a.run('sev');
    expect([b.cpu.waiting, b.cpu.event]).toEqual([true, true]);
  });

  test('asks for events that came with time, once, and is woken by the next one', () => {
    let came = true;
    const asked: string[] = [];
    const events: EventSource = {
      take: (cpu) => {
        asked.push(`take ${String(cpu)}`);
        return came;
      },
      wait: (cpu) => void asked.push(`wait ${String(cpu)}`),
    };
    const m = machine(
      {},
      { banks: [{ registers: [], id: {}, read: () => undefined, write: () => undefined, events }] },
    );
    m.run('wfe');
    expect([m.cpu.waiting, ...asked]).toEqual([false, 'take 0']);
    // What came before a WFE that another event lets go on is used up with it.
    m.run('sevl', 'wfe');
    expect([m.cpu.waiting, m.cpu.event, ...asked.splice(0)]).toEqual([false, false, 'take 0', 'take 0']);
    came = false;
    m.run('wfe');
    expect([m.cpu.waiting, ...asked]).toEqual([true, 'take 0', 'wait 0']);
  });

  test('an exception return is an event', () => {
    const m = trapMachine();
    m.cpu.setRegister('SPSR_EL1', 5n);
    m.run('eret');
    expect(m.cpu.event).toBe(true);
  });
});

describe('WFI', () => {
  test.each(['irq', 'fiq', 'serror'] as const)('%s ends it, masked or not', (pin: CpuPin) => {
    const m = trapMachine();
    m.cpu.state.daif = 15;
    m.run('wfi');
    expect(m.cpu.waiting).toBe(true);
    m.cpu.setPin(pin, true);
    expect(m.cpu.waiting).toBe(false);
  });

  test('does not trap or wait while an interrupt is pending', () => {
    for (const el of [0, 1, 2]) {
      const m = trapMachine();
      apply(m, TRAPS);
      m.cpu.state.daif = 15;
      m.cpu.setPin('irq', true);
      expect(execute(m, el, 'wfi')).toBeUndefined();
      expect(m.cpu.waiting).toBe(false);
    }
  });

  test('a virtual interrupt ends it at EL1 and EL0, where HCR_EL2 routes it', () => {
    for (const [el, hcr, ends] of [
      [1, 0x90n, true],
      [0, 0x90n, true],
      [1, 0x80n, false],
      [2, 0x90n, false],
      [1, 0x120n, true],
      [1, 0x48n, true],
    ] as const) {
      const m = trapMachine();
      apply(m, { ...OPEN, HCR_EL2: RW | hcr });
      m.cpu.state.daif = 15;
      expect(execute(m, el, 'wfi')).toBeUndefined();
      expect(m.cpu.waiting).toBe(!ends);
    }
  });
});
