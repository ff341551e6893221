// What happens between two exits, or on another CPU at the same time.

import { describe, expect, it } from 'vitest';

import { Ledger } from '@worldswitch/vmm';
import type { Scheduler } from '@worldswitch/vmm';

import type { WorldSwitch } from '../src/hardware-assisted/physical-cpus.ts';
import type { Vcpu } from '../src/hardware-assisted/vcpu.ts';
import type { VirtualMachine } from '../src/hardware-assisted/virtual-machine.ts';
import { CpuScheduler } from '../src/host/cpu-scheduler.ts';
import { tinyHost } from './tiny.ts';
import type { TinyHost } from './tiny.ts';

/** The scheduler of a host that has booted. */
function schedulerOf(host: TinyHost): CpuScheduler<Vcpu, VirtualMachine, WorldSwitch> {
  const { booted } = host.hypervisor as unknown as { booted: { scheduler: unknown } };
  if (!(booted.scheduler instanceof CpuScheduler)) throw new Error('the hypervisor has no scheduler');
  return booted.scheduler as CpuScheduler<Vcpu, VirtualMachine, WorldSwitch>;
}

describe('a vCPU', () => {
  it('that is woken as it leaves its CPU is considered before a guest is entered', async () => {
    const host = await tinyHost([{}, {}]);
    host.machine.run(1_000_000);
    const scheduler = schedulerOf(host);
    const { world } = scheduler;
    const [unload, settle] = [world.unload.bind(world), scheduler.settle.bind(scheduler)];
    let [woken, late] = [0, 0];
    world.unload = (port, vm, vcpu, parked) => {
      unload(port, vm, vcpu, parked);
      if (!vcpu.waiting || woken === 3) return;
      // As its virtual timer does, when it has just expired.
      woken++;
      scheduler.kick(vcpu.id);
    };
    scheduler.settle = (port) => {
      const running = settle(port);
      if (scheduler.cpu(port.index).reschedule) late++;
      return running;
    };
    for (let i = 0; i < 20 && woken < 3; i++) host.machine.run(1_000_000);
    expect(woken).toBe(3);
    expect(late).toBe(0);
  });

  it('that another CPU has switched off gets nothing that it asks for', async () => {
    const host = await tinyHost([{ append: 'bench poweroff' }]);
    host.machine.run(1_500_000);
    const ledger = new Ledger();
    host.keepLedger(ledger);
    const scheduler = schedulerOf(host);
    const vcpu = scheduler.vcpu(0);
    if (vcpu === undefined) throw new Error('there is no vCPU');
    // Its sibling's SYSTEM_OFF on another CPU, whose kick has not come yet.
    vcpu.on = false;
    (scheduler as unknown as { scheduler: Scheduler }).scheduler.block(0);
    scheduler.cpu(0).reschedule = true;
    expect(host.finish(20e6)).toBe('off');
    expect(ledger.totals().map(({ exits }) => exits)).toEqual([1]);
    expect([...ledger][0]?.handler).toBe('off');
  });
});

describe('a row of the ledger', () => {
  it('has nothing that moved before its exit: a wake-up from idle is no part of the next access', async () => {
    const host = await tinyHost([{}, {}]);
    const ledger = new Ledger();
    host.keepLedger(ledger);
    host.machine.run(1_000_000);
    const { world } = schedulerOf(host);
    // As a CPU that waited moves a vCPU in: at an interrupt that is no exit of a guest's.
    world.costs.bytes += 1_000_000;
    host.machine.run(1_000_000);
    expect(ledger.length).toBeGreaterThan(0);
    expect(Math.max(...[...ledger].map(({ bytes }) => bytes))).toBeLessThan(100_000);
  });
});
