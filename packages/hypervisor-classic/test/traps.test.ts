// Each control that brings something of a guest to EL2: exits where it is set, none where it is not, and the guest sees no difference.
// What no control of an Armv8.0 CPU brings to EL2, a system call, never costs an exit.

import { describe, expect, it } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { rawKernel, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import type { TrapControls } from '../src/index.ts';

const AT = 0x4020_0000;
const VECTORS = 0x800;
/** How often the guest does each. */
const TIMES = 20;

/**
 * Each instruction so many times: a WFI that waits for the virtual timer, two WFE, of which the first takes the event that an exception
 * return is and the second waits for the event stream.
 */
const GUEST = `
  movz x0, #0x4020, lsl #16
  movk x0, #0x800
  msr vbar_el1, x0
  movz x1, #0x0800, lsl #16
  mov w2, #1
  str w2, [x1]
  movz w3, #0x800, lsl #16
  str w3, [x1, #0x100]
  movz x1, #0x0801, lsl #16
  mov w3, #0xff
  str w3, [x1, #4]
  str w2, [x1]
  mov x3, #0xa4
  msr cntkctl_el1, x3
  mov x20, #0
  mov x21, #${TIMES}
again:
  mrs x4, cntvct_el0
  add x4, x4, #300
  msr cntv_cval_el0, x4
  msr cntv_ctl_el0, x2
  wfi
  msr cntv_ctl_el0, xzr
  ldr w5, [x1, #0xc]
  str w5, [x1, #0x10]
  svc #1
  wfe
  wfe
  msr ttbr0_el1, xzr
  smc #0
  brk #1
  sub x21, x21, #1
  cbnz x21, again
  adr x1, result
  str w20, [x1]
  movz w0, #0x8400, lsl #16
  movk w0, #8
  hvc #0
result:
  nop
  nop
`;
/** Counts, and goes on after what is no call. */
const HANDLER = `
  add x20, x20, #1
  mrs x10, esr_el1
  lsr x10, x10, #26
  sub x10, x10, #0x15
  cbz x10, done
  mrs x11, elr_el1
  add x11, x11, #4
  msr elr_el1, x11
done:
  eret
`;

/** Exits by cause under controls, and how many exceptions the guest's own kernel took. */
function run(traps: TrapControls): { exits: Map<string, number>; price: Map<string, number>; taken: number } {
  const image = new Uint8Array(0x1000);
  const put = (text: string, offset: number): number => {
    const { words } = assembleProgram(text, AT + offset);
    image.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), offset);
    return words.byteLength;
  };
  const result = AT + put(GUEST, 0) - 8;
  put(HANDLER, VECTORS + 0x200);
  const host = createHost(
    { board: virt({ memory: '64M' }), vms: [{ name: 'small', board: virt({ memory: '32M' }) }], traps },
    { small: { kernel: rawKernel(image, AT) } },
  );
  const ledger = new Ledger();
  host.keepLedger(ledger);
  expect(host.machine.run(5_000_000), host.machine.report()).toBe('off');
  const { base = 0, board } = host.setup.vms[0]?.vm ?? {};
  const { bytes } = host.machine.board.ram;
  const at = base - host.setup.host.ramBase + result - (board?.ramBase ?? 0);
  const totals = ledger.totals();
  return {
    exits: new Map(totals.map(({ cause, exits }) => [cause, exits])),
    price: new Map(totals.map(({ cause, exits, instructions }) => [cause, instructions / exits])),
    taken: new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true),
  };
}

/** Causes that controls decide about, with the controls that bring them and those that do not. */
const CONTROLS: readonly (readonly [string, string, TrapControls, TrapControls | undefined])[] = [
  ['HCR_EL2.TWI', 'wfi', {}, { waits: false }],
  ['HCR_EL2.TWE', 'wfe', { waitsForEvents: true }, {}],
  ['HCR_EL2.TVM', 'msr TTBR0_EL1', { translation: true }, {}],
  ['MDCR_EL2.TDE', 'brk', { debug: true }, {}],
  // This one is never off: a guest that reaches the firmware could switch the board off.
  ['HCR_EL2.TSC', 'smc', {}, undefined],
];

describe('a trap costs its exits, and no more than its exits', () => {
  it.each(CONTROLS)('%s', (_control, cause, set, clear) => {
    const on = run(set);
    expect(on.exits.get(cause)).toBe(TIMES);
    expect(on.price.get(cause)).toBeGreaterThan(3);
    expect(on.price.get(cause)).toBeLessThan(400);
    expect([on.taken, on.exits.get('svc')]).toEqual([3 * TIMES, undefined]);
    if (clear === undefined) return;
    const off = run(clear);
    expect([off.taken, off.exits.get(cause), off.exits.get('svc')]).toEqual([
      3 * TIMES,
      undefined,
      undefined,
    ]);
  });
});
