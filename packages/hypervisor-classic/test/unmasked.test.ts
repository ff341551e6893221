// Interrupts that come while the guest masks them, and while it unmasks them in line: each is taken once, where the bare machine takes it
// or as soon as it may be; and it is late where translated code does not look whether one waits.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { createMachine, rawKernel, virt } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';

import { VirtualRegisterPage } from '../src/binary-translation/virtual-registers.ts';
import { createHost } from '../src/index.ts';
import type { TrapHostDescription } from '../src/index.ts';
import { AT, END, imageOf } from './binary-translation/printing-kernel.ts';

const ROUNDS = 100;

/** The vectors, a GICv2 with the virtual timer's interrupt, and its registers: X21 the distributor, X22 the interface. */
const BEGIN = `
  movz x19, #0x4020, lsl #16
  add x0, x19, #0x1, lsl #12
  msr vbar_el1, x0
  isb
  movz x21, #0x0800, lsl #16
  movz x22, #0x0801, lsl #16
  movz w0, #0x0800, lsl #16
  str w0, [x21, #0x100]
  mov w0, #1
  str w0, [x21]
  str w0, [x22]
  mov w0, #0xff
  str w0, [x22, #4]
  mov x20, #0
  mov x26, #0
  movz x23, #${String(ROUNDS)}
  mov x27, #1`;
/** X0 ticks from now the timer's interrupt comes. */
const ARM = `
  mrs x1, cntvct_el0
  add x0, x0, x1
  msr cntv_cval_el0, x0
  msr cntv_ctl_el0, x27`;
/** An interrupt is counted in X20, and in X26 that it came where it must not. The one that is acknowledged is number 27. */
const handler = (check: string): string => `
  ${check}
  ldr w6, [x22, #0xc]
  msr cntv_ctl_el0, xzr
  str w6, [x22, #0x10]
  sub x6, x6, #26
  add x20, x20, x6
  eret`;
const SHOW = `
  add x20, x20, x26, lsl #16
  ${END}`;

/** It waits when the mask goes: nothing is executed behind that. */
const waits = imageOf({
  0: `${BEGIN}
round:
  mov x7, #0
  msr daifset, #2
  mov x0, #2
  ${ARM}
wait:
  mrs x0, cntv_ctl_el0
  tbz w0, #2, wait
  msr daifclr, #2
  add x7, x7, #1
  add x7, x7, #1
  sub x23, x23, #1
  cbnz x23, round
  ${SHOW}`,
  0x1280: handler('add x26, x26, x7'),
});

/** It comes anywhere in loops that mask and unmask, a word later each time: never behind a mask. */
const anywhere = imageOf({
  0: `${BEGIN}
round:
  and x0, x23, #15
  ${ARM}
  mov x24, #60
toggle:
  msr daifset, #2
  nop
  add x25, x25, #1
  msr daifclr, #2
  sub x24, x24, #1
  cbnz x24, toggle
  and x24, x23, #31
shift:
  cbz x24, shifted
  sub x24, x24, #1
  b shift
shifted:
  sub x23, x23, #1
  cbnz x23, round
  ${SHOW}
`,
  // Behind MSR DAIFSet, or before the NOP and the addition are through.
  0x1280: handler(`
  mrs x3, elr_el1
  ldr w4, [x3, #-4]
  movz w5, #0x42df
  movk w5, #0xd503, lsl #16
  sub w5, w4, w5
  cbnz w5, more
  add x26, x26, #1
more:
  ldr w4, [x3]
  movz w5, #0x42ff
  movk w5, #0xd503, lsl #16
  sub w5, w4, w5
  cbnz w5, fine
  add x26, x26, #1
fine:`),
});

type Way = Pick<TrapHostDescription, 'technique' | 'impure' | 'inline'>;

const WAYS: readonly (readonly [string, Way])[] = [
  ['trap-and-emulate', { technique: 'trap-and-emulate' }],
  ['rewritten, in line', { technique: 'trap-and-emulate', impure: 'fix-up' }],
  ['binary translation', { technique: 'binary-translation' }],
];

/** What it prints, natively where no way is given. */
function printed(image: Uint8Array, way?: Way): string {
  let output = '';
  const options = { output: (_device: string, byte: number) => void (output += String.fromCharCode(byte)) };
  const kernel = {
    ...rawKernel(image, AT),
    code: {
      ranges: [
        { at: AT, size: 0x200 },
        { at: AT + 0x1280, size: 0x80 },
      ],
      exact: true,
    },
  };
  let machine: Machine;
  if (way === undefined) {
    machine = createMachine({ ...virt({ memory: '32M' }), engine: 'reference' }, options);
    machine.load({ kernel });
  } else {
    const vms = [{ name: 'small', board: virt({ memory: '32M' }) }];
    ({ machine } = createHost(
      { board: { ...virt({ memory: '64M' }), engine: 'reference' }, ...way, vms },
      { small: { kernel } },
      options,
    ));
  }
  const end = machine.run(400_000);
  return end === 'off' ? output.trim() : end;
}

const EACH_ONCE = ROUNDS.toString(16)
  .padStart(8, '0')
  .replace(/[a-f]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 39));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an interrupt', () => {
  it.each([['natively', undefined] as const, ...WAYS])(
    'that waits behind a mask is taken when it goes, once: %s',
    (_name, way) => {
      expect(printed(waits, way)).toBe(EACH_ONCE);
    },
  );

  it.each([['natively', undefined] as const, ...WAYS])(
    'that comes at any word is taken once, and not behind a mask: %s',
    (_name, way) => {
      expect(printed(anywhere, way)).toBe(EACH_ONCE);
    },
  );

  it.each(WAYS.slice(1))('is late where nobody looks whether one waits: %s', (_name, way) => {
    const depart = Reflect.get<VirtualRegisterPage, 'depart'>(VirtualRegisterPage.prototype, 'depart');
    vi.spyOn(VirtualRegisterPage.prototype, 'depart').mockImplementation(function (
      this: VirtualRegisterPage,
      port,
      cpu,
      page,
    ) {
      depart.call(this, port, cpu, page, false);
    });
    expect(printed(waits, way)).not.toBe(EACH_ONCE);
  });
});
