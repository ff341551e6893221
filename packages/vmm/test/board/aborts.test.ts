// On a real board: a guest that goes where nothing is takes the very aborts that it takes on the bare machine.

import { describe, expect, it } from 'vitest';

import { createMachine } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';

import { GUEST_RAM, load, vmBoard } from './vm-board.ts';

/** What aborts; the handler keeps what it was told and goes on where X30 says. */
const program = (setUp: string, body: string): string => `
  b start
  .align 11
vectors:
  .space 0x200
  mrs x20, elr_el1
  mrs x21, esr_el1
  mrs x22, far_el1
  mrs x23, spsr_el1
  mov x24, #1
  msr sctlr_el1, x19
  isb
  b end
  .space 0x1d0
  mrs x20, elr_el1
  mrs x21, esr_el1
  mrs x22, far_el1
  mrs x23, spsr_el1
  mov x24, #2
  msr sctlr_el1, x19
  isb
  b end
  .align 12
level1:
  .quad 0
  .quad 0x40000701
  .quad 0x51000003
  .quad 0x40003003
  .quad 0x52000003
  .align 13
level2:
  .quad 0x50000003
  .align 12
start:
  movz x0, #0x4000, lsl #16
  movk x0, #0x800
  msr vbar_el1, x0
  movk x0, #0x1000
  msr ttbr0_el1, x0
  mov x0, #0xff
  msr mair_el1, x0
  movz x0, #0x0080, lsl #16
  movk x0, #0x3519
  msr tcr_el1, x0
  movz x19, #0x30d0, lsl #16
  movk x19, #0x0800
  add x18, x19, #1
  ${setUp}
  isb
  ${body}
end:
  hvc #1
stop:
  b stop
`;
const ON = 'msr sctlr_el1, x18';

const CASES: readonly (readonly [string, string, string])[] = [
  ['a load from nowhere', '', 'movz x1, #0x3000, lsl #16\nldr w2, [x1, #8]'],
  [
    'a store to nowhere',
    ON,
    'movz x1, #0x3000, lsl #16\nmovk x1, #0x4000, lsl #16\nmovz x1, #0x7000, lsl #16\nstr x1, [x1]',
  ],
  ['a pair to nowhere', '', 'movz x1, #0x3000, lsl #16\nstp x2, x3, [x1, #16]'],
  ['a jump to nowhere', '', 'movz x1, #0x3000, lsl #16\nbr x1'],
  ['a level 2 table that is nowhere', ON, 'movz x1, #0x8000, lsl #16\nldr w2, [x1, #8]'],
  ['a level 2 table that is nowhere, on a store', ON, 'movz x1, #0x8000, lsl #16\nstp x2, x3, [x1]'],
  ['a level 3 table that is nowhere', ON, 'movz x1, #0xc000, lsl #16\nldr w2, [x1, #8]'],
  ['a fetch through it', ON, 'movz x1, #0xc000, lsl #16\nbr x1'],
  ['a fetch through a level 2 table', ON, 'movz x1, #1, lsl #32\nbr x1'],
  ['a root that is nowhere', `movz x0, #0x6000, lsl #16\nmsr ttbr0_el1, x0\n${ON}`, 'nop'],
];

const told = (machine: Machine): string[] =>
  [1, 2, 20, 21, 22, 23, 24].map((n) => `x${n} ${machine.cpu.state.x(n).toString(16)}`);

describe('an abort', () => {
  it.each(CASES)('of %s', (_name, setUp, body) => {
    // A root that is nowhere leaves no handler either: the guest is lost in both.
    const lost = setUp.includes('ttbr0');
    const text = program(setUp, body);
    const bare = createMachine({ engine: 'reference', memory: '8M' });
    load(bare, text.replace('hvc #1', 'b stop'), GUEST_RAM);
    bare.cpu.state.pc = BigInt(GUEST_RAM);
    bare.run(300);
    const board = vmBoard(text, {
      exit(hypervisor, port, exit) {
        if (exit.kind !== 'instruction-abort') return false;
        expect(hypervisor.emulator.fetch(port, exit, 0)).toBe('aborted');
        return true;
      },
    });
    board.machine.run(lost ? 10_000 : 100_000);
    if (lost) {
      for (const name of ['ESR_EL1', 'FAR_EL1', 'ELR_EL1', 'SPSR_EL1']) {
        expect(board.machine.cpu.register(name)).toBe(bare.cpu.register(name));
      }
      return;
    }
    expect(told(board.machine)).toEqual(told(bare));
    // The handler ran.
    expect(bare.cpu.state.x(21)).not.toBe(0n);
  });
});
