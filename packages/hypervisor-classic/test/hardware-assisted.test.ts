import { describe, expect, it } from 'vitest';

import { createMachine, virt } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { tinyHost, tinyImages } from './tiny.ts';

/** Exits of a cause in a ledger. */
const exits = (ledger: Ledger, cause: string): number =>
  ledger.totals().find((total) => total.cause === cause)?.exits ?? 0;

describe.each([2, 3] as const)('one VM with a GICv%i', (version) => {
  if (version === 3) {
    // tiny drives a GICv2 alone: with a GICv3 it says so and ends, natively and in a VM.
    it('sees the interrupt controller of its board', async () => {
      const host = await tinyHost([{ append: 'poweroff' }], { gic: { version } });
      host.finish(5e6);
      const native = createMachine(virt({ memory: '64M', gic: { version } }), {});
      native.load(await tinyImages('poweroff'));
      native.run(5_000_000);
      expect(host.hypervisor.vms[0]?.gic.blocks.map(({ name }) => name)).toEqual(['GICD', 'GICR']);
    });
    return;
  }

  it('passes the self-test and powers off, as natively', async () => {
    const host = await tinyHost([{}]);
    expect(host.finish(), host.machine.report()).toBe('off');
    let native = '';
    const machine = createMachine(virt({ memory: '64M' }), {
      output: (_device, byte) => {
        native += String.fromCharCode(byte);
      },
    });
    machine.load(await tinyImages('selftest poweroff'));
    while (machine.run(5_000_000) === 'budget') continue;
    expect(host.output()).toBe(native);
    expect(native).toContain('60 ok, 0 failed');
  });

  it("gives the guest's kernel its system calls and faults without an exit", async () => {
    const host = await tinyHost([{ append: 'bench poweroff' }]);
    const ledger = new Ledger();
    host.keepLedger(ledger);
    expect(host.finish()).toBe('off');
    const [cpu] = host.machine.cpus;
    const taken = (el: number, ec: number): number => cpu?.counters.taken[el * 67 + ec] ?? 0;
    expect(taken(1, 0x15)).toBeGreaterThan(5000);
    expect(exits(ledger, 'svc')).toBe(0);
    expect(ledger.totals().map(({ cause }) => cause)).toEqual(
      expect.arrayContaining(['mmio', 'irq virtual timer', 'hvc psci']),
    );
  });

  it('moves no EL1 register for a hypercall or an emulated access', async () => {
    const host = await tinyHost([{ append: 'bench poweroff' }]);
    const ledger = new Ledger();
    host.keepLedger(ledger);
    host.finish();
    const mmio = ledger.totals().find(({ cause }) => cause === 'mmio');
    expect(mmio?.exits).toBeGreaterThan(2000);
    expect(mmio?.bytes).toBe(0);
  });

  it('shows what a control costs when it is switched on', async () => {
    const counts = async (translation: boolean): Promise<number> => {
      const host = await tinyHost([{ append: 'bench poweroff' }], {}, { traps: { translation } });
      const ledger = new Ledger();
      host.keepLedger(ledger);
      expect(host.finish()).toBe('off');
      return exits(ledger, 'msr TTBR0_EL1');
    };
    expect(await counts(false)).toBe(0);
    expect(await counts(true)).toBeGreaterThan(2000);
  });
});
