import { describe, expect, it } from 'vitest';

import { tinyHost } from './tiny.ts';

/** The lines of one VM. */
const linesOf = (output: string, vm: string): string[] =>
  output.split('\r\n').filter((line) => line.startsWith(`[${vm}] `));

describe('several VMs', () => {
  it('run at once on fewer CPUs than they have vCPUs, each to its end', async () => {
    const host = await tinyHost([{}, {}, {}], { cpus: 2 });
    expect(host.finish(), host.machine.report()).toBe('off');
    for (const vm of ['vm0', 'vm1', 'vm2'])
      expect(
        linesOf(host.output(), vm).some((line) => line.endsWith('selftest: 60 ok, 0 failed')),
        vm,
      ).toBe(true);
  });

  it('never mix their bytes within a line', async () => {
    const host = await tinyHost([{}, {}]);
    expect(host.finish()).toBe('off');
    const wrong = host
      .output()
      .split('\r\n')
      .filter((line) => line !== '' && !/^\[vm[01]\] [^[]*(?:\[[^v][^[]*)*$/.test(line));
    expect(wrong).toEqual([]);
    // Both ran at the same time: their lines alternate.
    const order = host
      .output()
      .split('\r\n')
      .map((line) => line.slice(0, 5));
    expect(order.filter((vm, i) => i > 0 && vm !== order[i - 1]).length).toBeGreaterThan(4);
  });

  it('share a CPU by their shares', async () => {
    const append = 'bench bench bench bench poweroff';
    const host = await tinyHost([{ append, share: 3072 }, { append }], {}, { scheduling: { slice: 0.0005 } });
    host.finish(30e6);
    const [a = 0, b = 0] = [0, 1].map((id) => host.hypervisor.ticksOf(id));
    expect(a / b).toBeGreaterThan(2.5);
    expect(a / b).toBeLessThan(3.5);
  });
});
