// What pure trap-and-emulate costs, by counting, each with what makes the count another.

import { describe, expect, it } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { rawKernel, virt } from '@worldswitch/machine';
import { Ledger, systemRegister } from '@worldswitch/vmm';

import { createHost } from '../src/index.ts';

const AT = 0x4020_0000;
/** PSCI SYSTEM_OFF. */
const OFF = `movz w0, #0x8400, lsl #16\n movk w0, #8\n hvc #0`;

/** A program that runs as a kernel, and the ledger of its exits. */
function guest(text: string) {
  const { words } = assembleProgram(text, AT);
  const host = createHost(
    {
      board: virt({ memory: '64M' }),
      technique: 'trap-and-emulate',
      vms: [{ name: 'guest', board: virt({ memory: '32M' }) }],
    },
    { guest: { kernel: rawKernel(new Uint8Array(words.buffer), AT) } },
  );
  const ledger = new Ledger();
  host.keepLedger(ledger);
  const { machine, hypervisor } = host;
  return {
    machine,
    ledger,
    vcpu: () => {
      const [vcpu] = hypervisor.vms[0]?.vcpus ?? [];
      if (vcpu === undefined) throw new Error('the VM has no vCPU');
      return vcpu;
    },
    exits: (cause: string) => ledger.totals().find((total) => total.cause === cause)?.exits ?? 0,
    finish: () => {
      const end = machine.run(20_000_000);
      expect(end, end === 'dead' ? machine.report() : '').toBe('off');
    },
  };
}

describe('exits of a kernel at EL0', () => {
  it('MSR TTBR0_EL1 is UNDEFINED to the hardware, and is done on the virtual register', () => {
    const run = guest(`movz x1, #0x4800, lsl #16\n msr ttbr0_el1, x1\n movz x2, #1\n b ${AT + 12}`);
    run.machine.run(40_000);
    const row = [...run.ledger].find(({ cause }) => cause === 'msr TTBR0_EL1');
    // No class, no syndrome: it was fetched and decoded.
    expect(row?.syndrome).toBe(0x0200_0000);
    expect(run.machine.cpu.state.x(2)).toBe(1n);
    const virtual = run.vcpu().get(systemRegister('TTBR0_EL1'));
    expect(virtual).toBe(0x4800_0000);
    expect(run.machine.cpu.register('TTBR0_EL1') & 0xffff_ffffn).not.toBe(0x4800_0000n);
  });

  it('two for a system call: SVC, and the ERET from it; by the virtual level it goes to its own vector', () => {
    const CALLS = 50;
    const pad = (from: number, to: number): string => '\n nop'.repeat((to - from) / 4);
    const boot = `movz x1, #0x4020, lsl #16
     movk x1, #0x0800
     msr vbar_el1, x1
     svc #1
     movz x9, #${CALLS}
     movz x3, #0x4020, lsl #16
     movk x3, #0x0600
     msr elr_el1, x3
     msr spsr_el1, xzr
     eret`;
    const user = `svc #2\n sub x9, x9, #1\n cbnz x9, ${AT + 0x600}\n svc #3`;
    // From EL1 with SP_EL1: counted in X5. From EL0: in X6, and the last one powers off.
    const same = `add x5, x5, #1\n eret`;
    const lower = `add x6, x6, #1\n cbz x9, ${AT + 0xc10}\n eret\n nop\n ${OFF}`;
    const run = guest(
      [boot + pad(40, 0x600), user + pad(0x610, 0xa00), same + pad(0xa08, 0xc00), lower].join('\n'),
    );
    run.finish();
    expect(run.machine.cpu.state.x(5)).toBe(1n);
    expect(run.machine.cpu.state.x(6)).toBe(BigInt(CALLS + 1));
    expect(run.exits('svc')).toBe(1 + CALLS + 1);
    // One from the call of EL1's own, the first way down, and one for each call but the last.
    expect(run.exits('eret')).toBe(1 + 1 + CALLS);
    const causes = run.ledger.totals().map(({ cause }) => cause);
    expect(
      causes.every((cause) => /^(svc|eret|hvc|hidden fault|msr .*)$/.test(cause)),
      causes.join(),
    ).toBe(true);
  });
});
