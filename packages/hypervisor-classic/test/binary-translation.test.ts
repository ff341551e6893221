// An unmodified kernel from a translation cache at EL0, on a CPU without EL2.

import { describe, expect, it } from 'vitest';

import { virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import { natively, trapped } from './trapped-tiny.ts';

const technique = 'binary-translation';

describe('binary translation', () => {
  it('runs tiny unmodified, without EL2, and its whole self-test passes: what cannot be trapped is translated', async () => {
    const ledger = new Ledger();
    const run = await trapped('selftest poweroff', ledger, { technique });
    expect(run.finish(), run.host.machine.report()).toBe('off');
    expect(run.output()).toBe(await natively('selftest poweroff'));
    expect(run.output()).toContain('selftest: 60 ok, 0 failed');
    const count = (cause: string): number => [...ledger].filter((row) => row.cause === cause).length;
    // What trap-and-emulate pays for one by one is in line; the self-test tries one of them at EL0.
    for (const free of ['msr DAIFSet', 'msr DAIFClr', 'mrs SP_EL0', 'mrs ESR_EL1', 'msr ELR_EL1'])
      expect(count(free), free).toBeLessThan(2);
    expect(count('eret')).toBeGreaterThan(1000);
    // Units are linked: the translator is left alone but for what is new.
    expect(count('translator')).toBeLessThan(count('eret') / 2);
  }, 60_000);

  it('goes on from a snapshot as if nothing had been', async () => {
    const run = await trapped('selftest poweroff', undefined, { technique });
    for (let i = 0; i < 4; i++) run.host.machine.run(1_000_003);
    const before = run.output();
    expect(before).not.toContain('60 ok');
    const again = await trapped('selftest poweroff', undefined, { technique }, run.host.machine.save());
    for (let i = 0; i < 3; i++) {
      run.host.machine.run(700_001);
      again.host.machine.run(700_001);
      expect(again.host.machine.hash()).toBe(run.host.machine.hash());
    }
    expect(again.finish()).toBe('off');
    expect(before + again.output()).toBe(await natively('selftest poweroff'));
  }, 60_000);

  it('refuses vCPUs whose caches it has no memory for', () => {
    const board = virt({ memory: '96M' });
    const vm = virt({ memory: '32M', cpus: 3 });
    const vms = [{ name: 'three', board: vm }];
    expect(() =>
      createHost({ board, technique: 'binary-translation', hypervisorMemory: 16 * 2 ** 20, vms }, {}),
    ).toThrow(
      'hypervisorMemory: is 16 MiB, but 1 VMs need 20 MiB for tables and buffers and the translation caches of 3 vCPUs; give it more',
    );
  });
});
