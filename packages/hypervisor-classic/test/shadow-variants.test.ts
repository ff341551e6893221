// An unmodified kernel at EL0 over shadow tables that follow each store to its own: it sees no difference.

import { describe, expect, it } from 'vitest';

import { virt } from '@worldswitch/machine';

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
