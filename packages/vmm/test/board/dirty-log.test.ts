// On a real board: the dirty log against the bytes that changed, and what is lost without TLB maintenance.

import { describe, expect, it } from 'vitest';

import { ipa, iova, pa } from '@worldswitch/platform';

import { Current } from '../../src/current.ts';
import { GuestDma } from '../../src/stage2/index.ts';
import { GUEST_BYTES, GUEST_RAM, HOST_RAM, vmBoard, withoutTlbi } from './vm-board.ts';
import type { Script } from './vm-board.ts';

const PAGE = 0x1000;
/** The guest writes in the upper half of its RAM: rounds of stores at places of a generator's, and a call after each. */
const WRITES = `
  movz x1, #0x4020, lsl #16
  mov x9, #1
  mov x8, #6
round:
  mov x7, #24
again:
  mov x10, #0x4e6d
  movk x10, #0x41c6, lsl #16
  mul x9, x9, x10
  add x9, x9, #0x39
  ubfx x11, x9, #16, #21
  and x11, x11, #0xfffffffffffffff8
  add x12, x1, x11
  str x9, [x12]
  ldr x13, [x12, #-8]
  sub x7, x7, #1
  cbnz x7, again
  hvc #0
  sub x8, x8, #1
  cbnz x8, round
  hvc #1
`;

describe.each(['reference', 'jit'] as const)('%s', (engine) => {
  /** What the log said and what changed, per round. */
  const rounds = (wrap?: Script['wrap']): { logged: number[][]; changed: number[][] } => {
    const logged: number[][] = [];
    const changed: number[][] = [];
    let before: Uint8Array = new Uint8Array(GUEST_BYTES);
    const ram = (): Uint8Array => {
      const found = board.machine.bus.memoryAt(pa(HOST_RAM));
      const at = HOST_RAM - (found?.base ?? 0);
      return found?.memory.bytes.slice(at, at + GUEST_BYTES) ?? new Uint8Array();
    };
    const differing = (now: Uint8Array): number[] => {
      const pages: number[] = [];
      for (let at = 0; at < GUEST_BYTES; at += PAGE) {
        const same = Buffer.compare(now.subarray(at, at + PAGE), before.subarray(at, at + PAGE)) === 0;
        if (!same) pages.push(GUEST_RAM + at);
      }
      before = now;
      return pages;
    };
    const current = new Current();
    const board = vmBoard(
      WRITES,
      {
        boot(hv, port) {
          hv.map.startLog(port);
          before = ram();
        },
        exit(hv, port, exit) {
          if (exit.kind !== 'hvc') return false;
          if (exit.immediate === 0) {
            // A device writes too, over the end of a page.
            const dma = new GuestDma(current, hv.memory, hv.map);
            current.during(port, () =>
              dma.writeFrom(
                iova(GUEST_RAM + 0x10_0ffc + logged.length * 0x2000),
                Uint8Array.of(1, 2, 3, 4, 5),
              ),
            );
          }
          logged.push(hv.map.takeLog(port));
          changed.push(differing(ram()));
          return false;
        },
        ...(wrap && { wrap }),
      },
      { engine },
    );
    expect(board.run()).toBe('off');
    return { logged, changed };
  };

  it('names exactly the pages that changed', () => {
    const { logged, changed } = rounds();
    expect(logged).toEqual(changed);
    expect(logged).toHaveLength(7);
    expect(logged.slice(0, 6).every((pages) => pages.length > 15)).toBe(true);
    expect(logged[6]).toEqual([]);
  });

  it('misses some without TLB maintenance', () => {
    const { logged, changed } = rounds(withoutTlbi);
    expect(logged[0]).toEqual(changed[0]);
    expect(logged).not.toEqual(changed);
  });
});

describe('what a device reaches', () => {
  it('is the VM’s memory as the VM may use it', () => {
    const board = vmBoard('hvc #1', {
      boot(hv, port) {
        hv.map.map(port, ipa(0x0801_0000), pa(0x0804_0000), PAGE, { memory: 'device' });
        hv.map.protect(port, ipa(GUEST_RAM + 0x1000), PAGE, { write: false });
        const current = new Current();
        const dma = new GuestDma(current, hv.memory, hv.map);
        const bytes = Uint8Array.of(1, 2, 3, 4);
        const out = { lo: 0, hi: 0 };
        current.during(port, () => {
          expect(dma.writeFrom(iova(GUEST_RAM + 0xffe), bytes)).toBe(4);
          expect(dma.writeFrom(iova(GUEST_RAM + GUEST_BYTES - 2), bytes)).toBe(1);
          expect(dma.readInto(iova(0x0801_0000), bytes)).toBe(1);
          expect(dma.store(iova(GUEST_RAM + 0xff8), 8, 0x1234_5678, 0x9abc_def0)).toBe(0);
          expect(dma.load(iova(GUEST_RAM + 0xffa), 4, out)).toBe(0);
          expect(out).toEqual({ lo: 0xdef0_1234, hi: 0 });
          expect(dma.message(iova(0x0802_0040), 1)).toBe(1);
        });
        expect(() => dma.readInto(iova(GUEST_RAM), bytes)).toThrow('during entries only');
      },
    });
    expect(board.run()).toBe('off');
    const found = board.machine.bus.memoryAt(pa(HOST_RAM));
    const at = HOST_RAM - (found?.base ?? 0);
    // Nothing of the transfers that were refused.
    expect([...(found?.memory.bytes.subarray(at + 0xff8, at + 0x1002) ?? [])]).toEqual([
      0x78, 0x56, 0x34, 0x12, 0xf0, 0xde, 0xbc, 0x9a, 0, 0,
    ]);
  });
});
