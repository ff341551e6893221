// On a real board: what a guest sees of changes of its stage 2, and that TLB maintenance is what makes it see them.

import { describe, expect, it } from 'vitest';

import { ipa, pa } from '@worldswitch/platform';

import { GUEST_RAM, HOST_RAM, vmBoard, withLocalTlbi, withoutTlbi } from './vm-board.ts';
import type { Script } from './vm-board.ts';

const PAGE = 0x1000;
const VICTIM = GUEST_RAM + 0x20_0000;

/** Reads a page, calls, and reads it again. */
const READS = `
  movz x1, #0x4020, lsl #16
  ldr x2, [x1]
  hvc #0
  ldr x3, [x1]
  hvc #1
`;

describe.each(['reference', 'jit'] as const)('%s', (engine) => {
  const run = (change: NonNullable<Script['exit']>, wrap?: Script['wrap']) => {
    const board = vmBoard(READS, { exit: change, ...(wrap && { wrap }) }, { engine });
    board.machine.bus.load(pa(HOST_RAM + 0x20_0000), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    board.machine.bus.load(pa(HOST_RAM + 0x30_0000), Uint8Array.of(9));
    expect(board.run()).toBe('off');
    return board;
  };
  const unmap: NonNullable<Script['exit']> = (hypervisor, port, exit) => {
    if (exit.kind === 'hvc' && exit.immediate === 0) hypervisor.map.unmap(port, ipa(VICTIM), PAGE);
    if (exit.kind !== 'data-abort') return false;
    hypervisor.map.map(port, ipa(VICTIM), pa(HOST_RAM + 0x30_0000), PAGE);
    return true;
  };

  it('an unmapped page faults, and another one takes its place', () => {
    const { machine, hypervisor } = run(unmap);
    expect(hypervisor.exits.map((e) => e.kind)).toEqual(['hvc', 'data-abort', 'hvc']);
    expect(hypervisor.exits[1]).toMatchObject({ fault: 'translation', level: 3, ipa: VICTIM, s1ptw: false });
    expect(machine.cpu.state.x(2)).toBe(0x0807_0605_0403_0201n);
    expect(machine.cpu.state.x(3)).toBe(9n);
  });

  it('without TLB maintenance the guest goes on to read it', () => {
    const { machine, hypervisor } = run(unmap, withoutTlbi);
    expect(hypervisor.exits.map((e) => e.kind)).toEqual(['hvc', 'hvc']);
    expect(machine.cpu.state.x(3)).toBe(0x0807_0605_0403_0201n);
  });

  it('a page that moves is read where it is now', () => {
    const move: NonNullable<Script['exit']> = (hypervisor, port, exit) => {
      if (exit.kind === 'hvc' && exit.immediate === 0) {
        hypervisor.map.map(port, ipa(VICTIM), pa(HOST_RAM + 0x30_0000), PAGE);
      }
      return false;
    };
    expect(run(move).machine.cpu.state.x(3)).toBe(9n);
    expect(run(move, withoutTlbi).machine.cpu.state.x(3)).toBe(0x0807_0605_0403_0201n);
  });
});

describe('two CPUs', () => {
  /** The second one reads a page again and again, and says so; the first one calls when it has. */
  const text = `
    movz x1, #0x4010, lsl #16
first:
    ldr x2, [x1]
    cmp x2, #100
    b.lo first
    hvc #0
    mov x4, #30000
wait:
    sub x4, x4, #1
    cbnz x4, wait
    hvc #1
    .align 12
    movz x1, #0x4010, lsl #16
    movz x5, #0x4020, lsl #16
    mov x3, #0
again:
    ldr x2, [x5]
    add x3, x3, #1
    str x3, [x1]
    b again
  `;
  const run = (wrap?: Script['wrap']) => {
    const board = vmBoard(
      text,
      {
        boot: (hypervisor, port) => {
          hypervisor.start(port, 1);
        },
        exit(hypervisor, port, exit) {
          if (exit.kind === 'hvc' && exit.immediate === 0) hypervisor.map.unmap(port, ipa(VICTIM), PAGE);
          if (exit.kind !== 'data-abort') return false;
          hypervisor.map.map(port, ipa(VICTIM), pa(HOST_RAM + 0x30_0000), PAGE);
          return true;
        },
        ...(wrap && { wrap }),
      },
      { cpus: 2 },
    );
    expect(board.run()).toBe('off');
    return board.hypervisor.exits.map((e, i) => `${e.kind} ${String(board.hypervisor.takenOn[i])}`);
  };

  it('see what one of them unmaps', () => {
    expect(run()).toEqual(['hvc 0', 'data-abort 1', 'hvc 0']);
  });

  it('do not where the invalidation is local', () => {
    expect(run(withLocalTlbi)).toEqual(['hvc 0', 'hvc 0']);
  });
});
