import { describe, expect, it } from 'vitest';

import { decodeSnapshot, encodeSnapshot } from '@worldswitch/machine';
import { virt } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { createHost, restoreHost } from '../src/index.ts';
import type { HostDescription, VmImages } from '../src/index.ts';
import { tinyImages } from './tiny.ts';

/** Two VMs on one CPU: switches happen all the time. */
const description: HostDescription = {
  board: virt({ memory: '160M' }),
  vms: [
    { name: 'a', board: virt({ memory: '64M' }) },
    { name: 'b', board: virt({ memory: '64M' }), share: 300 },
  ],
  scheduling: { slice: 0.0007 },
};
const images = async (): Promise<VmImages> => ({
  a: await tinyImages('selftest poweroff'),
  b: await tinyImages('bench poweroff'),
});

describe('a host', () => {
  it('saved, restored in a fresh process and run on is the same machine', async () => {
    const first = createHost(description, await images());
    first.machine.run(7_654_321);
    const file = await encodeSnapshot(first.machine.save());
    const second = restoreHost(description, await images(), await decodeSnapshot(file));
    expect(second.machine.hash()).toBe(first.machine.hash());
    for (let i = 0; i < 4; i++) {
      const ends = [first, second].map(({ machine }) => machine.run(1_500_000));
      expect(second.machine.instructions).toBe(first.machine.instructions);
      expect(second.machine.hash()).toBe(first.machine.hash());
      expect(ends[0]).toBe(ends[1]);
    }
    const [a, b] = [first, second].map(({ hypervisor }) => JSON.stringify(hypervisor.save()));
    expect(b).toBe(a);
  });

  it('refuses a state that is none', async () => {
    const host = createHost(description, await images());
    host.machine.run(3_000_000);
    const saved = host.machine.save() as Readonly<Record<string, Plain>>;
    const text = JSON.stringify(saved, (_key, value: unknown) =>
      value instanceof Uint8Array ? undefined : value,
    );
    expect(text).toContain('"hypervisor"');
    const broken = (change: (hypervisor: Record<string, Plain>) => void): Plain => {
      const copy = structuredClone(saved) as { software: { hypervisor: { state: Record<string, Plain> } } };
      change(copy.software.hypervisor.state);
      return copy;
    };
    const own = await images();
    expect(() =>
      restoreHost(
        description,
        own,
        broken((h) => (h['cpus'] = [])),
      ),
    ).toThrow(StateError);
    const cpuThat = (says: Readonly<Record<string, Plain>>): Plain =>
      broken((h) => (h['cpus'] = (h['cpus'] as Plain[]).map((cpu) => ({ ...(cpu as object), ...says }))));
    for (const [says, field] of [
      [{ loaded: null, running: 0 }, /running/],
      [{ loaded: 0, running: 1 }, /running/],
      [{ running: null, fresh: true }, /fresh/],
    ] as const)
      expect(() => restoreHost(description, own, cpuThat(says))).toThrow(field);
    expect(() =>
      restoreHost(
        description,
        own,
        broken((h) => delete h['scheduler']),
      ),
    ).toThrow(/scheduler/);
  });
});
