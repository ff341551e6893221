// A card that takes its time: a frame stays as it is until the card has taken it.

import { describe, expect, it } from 'vitest';

import type { Pa, Word64 } from '@worldswitch/platform';

import { Current, HostNic, PhysicalMemory } from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

const REGISTERS = 0x0a00_0000;
const PAGE = 4096;

describe('frames to a card that has not taken the ones before', () => {
  it('have a buffer each, and are lost where there is none', () => {
    const port = new FakePort({ base: 0, bytes: 0x4_0000 });
    port.device(REGISTERS, 0x200, { read: () => 0, write: () => undefined });
    const memory = new PhysicalMemory();
    const current = new Current();
    const nic = new HostNic(current, memory, REGISTERS, {
      receive: { page: PAGE, available: 0, used: 0 },
      transmit: { page: 2 * PAGE, available: 0, used: 0 },
      buffers: Array.from({ length: 32 }, (_, i) => 0x1_0000 + (i * PAGE) / 2),
      outgoing: Array.from({ length: 16 }, (_, i) => 0x2_8000 + (i * PAGE) / 2),
      busy: 0,
    });
    const word: Word64 = { lo: 0, hi: 0 };
    const load = (at: number, width: 1 | 2 | 4 | 8): number => {
      memory.load(port, at as Pa, width, word);
      return word.lo;
    };
    const send = (n: number): void => {
      current.during(port, () => {
        nic.send(new Uint8Array(20).fill(n));
      });
    };
    /** The first byte of the frame that was offered as the n-th. */
    const offered = (n: number): number => {
      const head = load(2 * PAGE + 1024 + 4 + 2 * n, 2);
      return load(load(2 * PAGE + 16 * head, 4) + 12, 1);
    };
    for (let n = 0; n < 20; n++) send(n + 1);
    expect(load(2 * PAGE + 1024 + 2, 2)).toBe(16);
    expect(Array.from({ length: 16 }, (_, n) => offered(n))).toEqual(
      Array.from({ length: 16 }, (_, n) => n + 1),
    );
    expect(nic.save().busy).toBe(0xffff);
    // The card has taken the one with descriptor 5.
    memory.store(port, (2 * PAGE + 2048 + 4) as Pa, 4, 5, 0);
    memory.store(port, (2 * PAGE + 2048 + 2) as Pa, 2, 1, 0);
    send(77);
    send(78);
    expect(load(2 * PAGE + 1024 + 2, 2)).toBe(17);
    expect(offered(16)).toBe(77);
    expect(offered(6)).toBe(7);
  });
});
