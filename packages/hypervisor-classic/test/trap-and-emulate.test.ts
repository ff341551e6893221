// An unmodified kernel at EL0 on a CPU without EL2.

import { describe, expect, it } from 'vitest';

import { virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';
import { tinyImages } from './tiny.ts';
import { natively, trapped } from './trapped-tiny.ts';

/**
 * LDTR and STTR at the virtual EL1 have its permissions and not EL0's: both are EL0 to the hardware, and a CPU without PAN has no
 * root in which that could be told.
 */
const HOLES: readonly string[] = ['bad pointers are refused'];

describe('trap-and-emulate', () => {
  it('runs tiny unmodified, without EL2: its self-test passes but for the instruction that cannot be trapped', async () => {
    const ledger = new Ledger();
    const run = await trapped('selftest poweroff', ledger);
    expect(run.finish(), run.host.machine.report()).toBe('off');
    expect(run.host.machine.board.config.el2).toBe(false);
    const lines = (text: string): string[] => text.split(/\r?\n/);
    const expected = lines(await natively('selftest poweroff')).map((line) =>
      HOLES.some((name) => line.includes(name))
        ? line.replace('ok', 'FAILED')
        : line.replace('60 ok, 0 failed', '59 ok, 1 failed'),
    );
    expect(lines(run.output())).toEqual(expected);
    const exits = (cause: string): number =>
      ledger.totals().find((total) => total.cause === cause)?.exits ?? 0;
    // A system call is an exit, and so is the return from it.
    expect(exits('svc')).toBeGreaterThan(5000);
    expect(exits('eret')).toBeGreaterThan(exits('svc'));
    expect(exits('msr TTBR0_EL1')).toBeGreaterThan(100);
    expect(exits('mmio')).toBeGreaterThan(1000);
  });

  it('gives the hardware another TTBR0_EL1 than the guest believes', async () => {
    const run = await trapped('selftest poweroff');
    const differs: boolean[] = [];
    for (let i = 0; i < 40; i++) {
      run.host.machine.run(20_000);
      const vcpu = run.host.hypervisor.vms[0]?.vcpus[0];
      const physical = run.host.machine.cpu.register('TTBR0_EL1');
      const virtual = run.host.hypervisor.vms[0]?.memory.shadow.registers(0).ttbr0Lo;
      if (vcpu && virtual !== 0) differs.push(Number(physical & 0xffff_f000n) !== virtual);
    }
    expect(differs.length).toBeGreaterThan(5);
    expect(differs.every(Boolean)).toBe(true);
  });

  const bounded = { variant: 'bounded', capacity: 16, open: 1 } as const;
  it.each(['traced', bounded] as const)('with the shadow %j gives the same as lazily', async (shadow) => {
    const lazy = await trapped('ls poweroff');
    const other = await trapped('ls poweroff', undefined, { shadow });
    expect([lazy.finish(), other.finish()]).toEqual(['off', 'off']);
    expect(other.output()).toBe(lazy.output());
    const counters = other.host.hypervisor.vms[0]?.memory.shadow.counters;
    if (shadow === bounded) expect(counters?.touches).toBeGreaterThan(1000);
    else expect(counters?.tracedWrites).toBeGreaterThan(30);
  });

  it('runs two VMs on two CPUs beside each other', async () => {
    const run = await trapped('ls poweroff', undefined, { vms: 2, cpus: 2 });
    expect(run.finish(), run.host.machine.report()).toBe('off');
    for (const name of ['vm0', 'vm1']) expect(run.output()).toContain(`[${name}] `);
  });

  it('has a CPU wait for which there is nothing to do at power-on', async () => {
    const run = await trapped('poweroff', undefined, { cpus: 2 });
    expect(run.finish(), run.host.machine.report()).toBe('off');
  });

  it('goes on from a saved state as if nothing had been', async () => {
    const [whole, first] = [await trapped('ls poweroff'), await trapped('ls poweroff')];
    for (let i = 0; i < 3; i++) for (const { host } of [whole, first]) host.machine.run(40_000);
    while (whole.host.machine.run(1_000_000) === 'budget') continue;
    const printed = first.output();
    const { host, output } = await trapped('ls poweroff', undefined, {}, first.host.machine.save());
    while (host.machine.run(1_000_000) === 'budget') continue;
    expect(printed + output()).toBe(whole.output());
    expect(host.machine.instructions).toBe(whole.host.machine.instructions);
    expect(host.machine.hash()).toBe(whole.host.machine.hash());
  });

  it('refuses what it cannot do, by the name of the field', async () => {
    const images = { vm0: await tinyImages('poweroff') };
    const vms = [{ name: 'vm0', board: virt({ memory: '64M' }) }];
    const host = { technique: 'trap-and-emulate', vms } as const;
    expect(() =>
      createHost({ ...host, board: virt({ memory: '96M' }), shadow: 'eager' as 'lazy' }, images),
    ).toThrow('shadow');
    expect(() =>
      createHost({ board: virt({ memory: '96M' }), vms, technique: 'magic' as 'hardware-assisted' }, images),
    ).toThrow('technique');
  });
});
