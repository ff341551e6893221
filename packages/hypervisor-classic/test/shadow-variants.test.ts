// An unmodified kernel at EL0 over shadow tables that follow each store to its own: it sees no difference.

import { describe, expect, it } from 'vitest';

import { ConfigurationError, virt } from '@worldswitch/machine';

import { createHost } from '../src/index.ts';
import { tinyImages } from './tiny.ts';

/** `real` takes a minute. */
const variants =
  (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? (['traced'] as const) : (['traced', 'real'] as const);

describe.each(variants)('%s', (shadow) => {
  it('runs tiny, whose self-test passes but for the instruction that cannot be trapped', async () => {
    let output = '';
    const host = createHost(
      {
        board: virt({ memory: '96M' }),
        technique: 'trap-and-emulate',
        shadow,
        vms: [{ name: 'vm0', board: virt({ memory: '64M' }) }],
      },
      { vm0: await tinyImages('selftest poweroff') },
      {
        output: (_device, byte) => {
          output += String.fromCharCode(byte);
        },
      },
    );
    let end = 'budget';
    while (end === 'budget' && host.machine.instructions < 400e6) end = host.machine.run(5_000_000);
    expect(end, `${host.machine.report()}\n${output.slice(-400)}`).toBe('off');
    expect(output).toContain('59 ok, 1 failed');
    const counters = host.hypervisor.vms[0]?.memory.shadow.counters;
    expect(counters?.hidden).toBeGreaterThan(100);
    expect(counters?.tracedWrites).toBeGreaterThan(100);
    expect((counters?.tracedReads ?? 0) > 0).toBe(shadow === 'real');
  });
});

describe('a choice that is none', () => {
  const made = (shadow: unknown, technique: unknown = 'trap-and-emulate') => {
    const vms = [{ name: 'vm0', board: virt({ memory: '64M' }) }];
    return () => createHost({ board: virt({ memory: '96M' }), technique, shadow, vms } as never, { vm0: {} });
  };

  it.each<[unknown, RegExp]>([
    ['eager', /^shadow: there is none called "eager"; there is traced, lazy, bounded, real$/],
    [{ variant: 'eager' }, /^shadow\.variant: there is none called "eager"/],
    [{}, /^shadow\.variant: there is none called ""/],
    [
      { variant: 'bounded', capacity: 0 },
      /^shadow\.capacity: must be a whole number, 1 to 1048576, but is 0$/,
    ],
    [{ variant: 'bounded', capacity: 1.5 }, /^shadow\.capacity: must be a whole number/],
    [
      { variant: 'bounded', capacity: 4, open: 5 },
      /^shadow\.open: must be a whole number, 1 to 4, but is 5$/,
    ],
    [{ variant: 'real', capacity: 4 }, /^shadow\.capacity: is of "bounded", not "real"$/],
  ])('%j is refused by its field', (shadow, message) => {
    expect(made(shadow)).toThrow(ConfigurationError);
    expect(made(shadow)).toThrow(message);
  });

  it('has no place where there is a second stage', () => {
    expect(made('traced', 'hardware-assisted')).toThrow(/^shadow: is for hosts without EL2/);
  });
});
