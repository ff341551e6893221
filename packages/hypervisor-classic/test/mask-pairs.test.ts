// Interrupts masked and unmasked again, a million times where all is run: two exits each by trapping, none where the kernel is
// translated in line or PSTATE is its own; and each of these counts is another without what makes it.

import { describe, expect, it } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { rawKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

const AT = 0x4020_0000;
const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const PAIRS = ALL ? 1_000_000 : 20_000;
const TIME = ALL ? 600_000 : 60_000;
/** DAIF between the two is read once at the end: X2, and after unmasking X3. PSCI SYSTEM_OFF. */
const { words } = assembleProgram(
  `movz x1, #${PAIRS & 0xffff}
   movk x1, #${PAIRS >>> 16}, lsl #16
   msr daifset, #2
   msr daifclr, #2
   sub x1, x1, #1
   cbnz x1, ${AT + 8}
   msr daifset, #2
   mrs x2, daif
   msr daifclr, #2
   mrs x3, daif
   movz w0, #0x8400, lsl #16
   movk w0, #8
   hvc #0`,
  AT,
);
const IMAGES = { guest: { kernel: rawKernel(new Uint8Array(words.buffer), AT) } };
const HOST = { board: virt({ memory: '64M' }), vms: [{ name: 'guest', board: virt({ memory: '32M' }) }] };
const trapping = () => createHost({ ...HOST, technique: 'trap-and-emulate' }, IMAGES);
const translating = (inline?: boolean) =>
  createHost({ ...HOST, technique: 'binary-translation', inline }, IMAGES);
const assisted = () => createHost(HOST, IMAGES);

/** Runs to the end, and counts exits by their causes. */
function counted(host: ReturnType<typeof trapping | typeof assisted>) {
  const ledger = new Ledger();
  host.keepLedger(ledger);
  let end = 'budget';
  for (let i = 0; i < 40 && end === 'budget'; i++) end = host.machine.run(20_000_000);
  expect(end, end === 'dead' ? host.machine.report() : '').toBe('off');
  const { state } = host.machine.cpu;
  // PSTATE.I as the guest sees it.
  expect([state.x(1), state.x(2) & 0x80n, state.x(3) & 0x80n]).toEqual([0n, 0x80n, 0n]);
  const totals = ledger.totals();
  const exits = (cause: string): number => totals.find((each) => each.cause === cause)?.exits ?? 0;
  return {
    set: exits('msr DAIFSet'),
    clear: exits('msr DAIFClr'),
    all: ledger.length,
    instructions: host.machine.instructions,
  };
}

describe(`${PAIRS} pairs that mask and unmask interrupts`, { timeout: TIME }, () => {
  it('are two exits each by trap-and-emulate', () => {
    const { set, clear } = counted(trapping());
    expect([set - 1, clear - 1]).toEqual([PAIRS, PAIRS]);
  });

  it('and not where SCTLR_EL1.UMA lets EL0 mask the hardware instead', () => {
    const host = trapping();
    const { machine } = host;
    const ledger = new Ledger();
    host.keepLedger(ledger);
    machine.run(40_000);
    const before = ledger.length;
    expect(before).toBeGreaterThan(1000);
    const { cpu } = machine;
    cpu.setRegister('SCTLR_EL1', cpu.register('SCTLR_EL1') | (1n << 9n));
    cpu.contextChanged();
    machine.run(2_000);
    expect(ledger.length - before).toBeLessThanOrEqual(1);
  });

  it('are none by binary translation, which does them in line', () => {
    const { set, clear, all } = counted(translating());
    expect([set, clear]).toEqual([0, 0]);
    // The translator is come to for each place once, and HVC is an exit.
    expect(all).toBeLessThan(20);
  });

  it('but two call-outs each where nothing is done in line', () => {
    const { set, clear } = counted(translating(false));
    expect([set - 1, clear - 1]).toEqual([PAIRS, PAIRS]);
  });

  it('are none on the extensions, where PSTATE is the guest’s own', () => {
    const { set, clear, all, instructions } = counted(assisted());
    expect([set, clear]).toEqual([0, 0]);
    // HVC; and a host's timer may have come.
    expect(all).toBeLessThan(20);
    expect(instructions).toBeLessThan(PAIRS * 4 + 20_000);
  });
});

it('doing things in line is asked of binary translation alone', () => {
  expect(() => createHost({ ...HOST, technique: 'trap-and-emulate', inline: false }, IMAGES)).toThrow(
    'inline: is for binary-translation, not trap-and-emulate',
  );
});
