// The same guest natively and over each kind of shadow tables, compared by its architectural events: registers and all of its memory.

import { describe, expect, it } from 'vitest';

import { compareGuests, createMachine, nativeGuest, virt } from '@worldswitch/machine';
import type { Equivalence, ObservedGuest } from '@worldswitch/machine';
import type { ShadowChoice } from '@worldswitch/vmm';

import { createHost, observedGuest } from '../src/index.ts';
import { tinyImages } from './tiny.ts';

/** Events that are compared: all of them where all is asked for. */
const MOST = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 600 : Infinity;

async function compared(
  shadow: ShadowChoice,
  how: (guest: ObservedGuest) => ObservedGuest = (guest) => guest,
): Promise<Equivalence> {
  const images = await tinyImages('bench poweroff');
  const native = (): ObservedGuest => {
    const machine = createMachine(virt({ memory: '64M' }), {});
    machine.load(images);
    return nativeGuest('native', machine);
  };
  const other = (): ObservedGuest => {
    const vms = [{ name: 'vm', board: virt({ memory: '64M' }) }];
    const board = virt({ memory: '96M' });
    const host = createHost({ board, technique: 'trap-and-emulate', shadow, vms }, { vm: images });
    return how(observedGuest('trap-and-emulate', host));
  };
  return compareGuests(native, other, { most: MOST });
}

describe('the same guest natively and by trap-and-emulate', () => {
  it.each<ShadowChoice>([{ variant: 'traced' }, { variant: 'bounded', capacity: 1 }, { variant: 'real' }])(
    'has the same events over shadow tables %j',
    async (shadow) => {
      const result = await compared(shadow);
      expect(result.difference).toBeUndefined();
      expect(result.events).toBeGreaterThanOrEqual(Math.min(MOST, 8000));
    },
  );

  it('has other memory, as it stands there, where hardware walks its own tables', async () => {
    const { difference } = await compared({ variant: 'real' }, (guest) => ({ ...guest, moved: undefined }));
    expect(difference?.what[0]).toMatch(/^memory at 0x4021[\da-f]{4}: /);
  });
});
