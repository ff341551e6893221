// The run loop: power-off, reset, idle, deadlines, lost guests, the same on both engines.

import { describe, expect, test } from 'vitest';

import { ConfigurationError, createMachine, virt } from '../src/index.ts';
import { constant, guest, powerOff, running, systemReset } from './rig.ts';

const UART = 0x0900_0000;
/** Enables an interrupt in the GIC and lets it through. */
const gicOn = (interrupt: number): string => `
  ${constant('x1', 0x0800_0000)}
  mov w2, #1
  str w2, [x1]
  ${constant('x3', 2 ** (interrupt % 32))}
  str w3, [x1, #${0x100 + 4 * Math.floor(interrupt / 32)}]
  ${constant('x1', 0x0801_0000)}
  mov w3, #0xf0
  str w3, [x1, #4]
  str w2, [x1]`;

for (const engine of ['jit', 'reference'] as const) {
  describe(engine, () => {
    const config = { ...virt({ memory: '8M' }), engine };

    test('a guest prints and powers off', () => {
      const { machine, console } = running(
        config,
        `${constant('x1', UART)}\nmov w0, #0x48\nstr w0, [x1]\nmov w0, #0x69\nstr w0, [x1]\n${powerOff}`,
      );
      expect(machine.run(1000)).toBe('off');
      expect(console()).toBe('Hi');
      expect(machine.instructions).toBe(9);
      expect(machine.now).toBe(9);
    });

    test('a reset begins anew, with memory as it was loaded and the devices reset', () => {
      // The guest counts in a word of its own image, and in the UART's divisor.
      const { machine } = running(
        config,
        `adr x1, {count}\nldr w2, [x1]\nadd w2, w2, #1\nstr w2, [x1]\n${constant('x3', UART)}\nldr w4, [x3, #0x24]\nstr w2, [x3, #0x24]
        ${systemReset}\ncount:\n0x0`,
      );
      for (let i = 0; i < 3; i++) {
        expect(machine.run(1000)).toBe('reset');
        expect(machine.instructions).toBe(11 * (i + 1));
      }
      expect(machine.run(8)).toBe('budget');
      expect(machine.cpu.state.x(2)).toBe(1n);
      expect(machine.cpu.state.x(4)).toBe(0n);
    });

    test('a wait with no timer armed is idle, until somebody types', () => {
      const { machine, console } = running(
        config,
        `${gicOn(33)}
        ${constant('x1', UART)}
        mov w0, #0x301
        str w0, [x1, #0x30] // UARTCR: on
        mov w0, #0x10
        str w0, [x1, #0x38] // UARTIMSC.RXIM
        wfi
        ldr w0, [x1]
        str w0, [x1]
        ${powerOff}`,
      );
      expect(machine.run(1000)).toBe('idle');
      expect(machine.run(1000)).toBe('idle');
      machine.type('serial', Uint8Array.of(0x21));
      expect(machine.recorded).toEqual([{ at: machine.now, device: 'serial', bytes: Uint8Array.of(0x21) }]);
      expect(machine.run(1_000_000_000)).toBe('off');
      expect(console()).toBe('!');
    });

    test('a wait for a device that takes no input is idle too', () => {
      const { machine } = running(config, 'loop:\nwfi\nb {loop}');
      machine.type('serial', Uint8Array.of(0x21));
      expect(machine.run(1_000_000)).toBe('idle');
      expect(machine.pendingInput).toBe(1);
    });

    test('a wait jumps to the timer; the time of a run does not depend on how it is cut', () => {
      const text = `${gicOn(27)}
        mov x4, #3
        again:
        mov x0, #6250
        msr CNTV_TVAL_EL0, x0
        mov x0, #1
        msr CNTV_CTL_EL0, x0
        wfi
        mrs x5, CNTVCT_EL0
        msr CNTV_CTL_EL0, xzr
        ${constant('x1', 0x0801_0000)}
        ldr w0, [x1, #0xc]
        str w0, [x1, #0x10]
        subs x4, x4, #1
        b.ne {again}
        ${powerOff}`;
      const whole = running(config, text).machine;
      expect(whole.run(10_000)).toBe('off');
      // Three waits of 6250 ticks of 16 ns.
      expect(whole.now).toBeGreaterThan(300_000);
      expect(whole.now).toBeLessThan(301_000);
      expect(whole.cpu.state.x(0)).toBe(0x8400_0008n);
      for (const piece of [1, 7]) {
        const { machine } = running(config, text);
        let end = machine.run(piece);
        while (end === 'budget') end = machine.run(piece);
        expect(end).toBe('off');
        expect(machine.now).toBe(whole.now);
        expect(machine.hash()).toBe(whole.hash());
      }
      const paced = running(config, text).machine;
      for (let end = paced.run(10_000, false); end !== 'off'; end = paced.run(10_000, false)) {
        expect(end).toBe('waiting');
        paced.pass(Math.min(777, paced.untilDeadline));
      }
      expect(paced.hash()).toBe(whole.hash());
    });

    test('an interrupt comes at its deadline, in the middle of a loop', () => {
      const { machine } = running(
        config,
        `adr x0, {vectors}
        msr VBAR_EL1, x0
        ${gicOn(27)}
        mov x0, #10
        msr CNTV_TVAL_EL0, x0
        mov x0, #1
        msr CNTV_CTL_EL0, x0
        msr DAIFClr, #2
        loop:
        add x9, x9, #1
        b {loop}
        ${'nop\n'.repeat(1024)}
        vectors:`,
      );
      // Whatever the vector holds, it is entered ten ticks of 16 ns after the timer was set.
      let taken: number | undefined;
      const { observer } = machine.cpu;
      machine.cpu.observer = {
        exceptionTaken: (e, from) => {
          if (e.esr === undefined) taken ??= machine.now;
          observer?.exceptionTaken(e, from);
        },
        unimplemented: () => undefined,
      };
      machine.run(300);
      expect(taken).toBeDefined();
      expect(Number(machine.cpu.register('CNTV_CVAL_EL0')) * 16).toBeLessThanOrEqual(taken ?? 0);
      expect(taken).toBeLessThan(Number(machine.cpu.register('CNTV_CVAL_EL0')) * 16 + 16);
    });

    test('a guest that jumps into nothing is reported with levels, addresses and words', () => {
      const { machine } = running(config, `mov x0, #0x5000\nblr x0`);
      expect(machine.run(100_000)).toBe('dead');
      const report = machine.report();
      expect(report).toContain('EL1, PC 0x200');
      expect(report).toContain('0x5000');
      expect(report).toContain('instruction abort');
      expect(report).toContain('X30, the last return address, is 0x40200008');
      expect(report).toMatch(/0x40200004 {2}d63f0000 {2}blr\s+x0$/);
    });

    test('an exception with no vector is reported with the last instructions', () => {
      const { machine } = running(config, `nop\nmov x0, #7\nbrk #0x123\nnop`);
      expect(machine.run(100_000)).toBe('dead');
      const report = machine.report();
      expect(report).toContain('from EL1 to EL1 at PC 0x40200008: ESR 0xf2000123');
      expect(report).toMatch(
        /the last instructions:\n[^]*0x40200004 .*mov\s+x0, #0x7\n.*0x40200008 .*brk\s+#0x123$/,
      );
    });

    test.each([
      ['budget', 'an interrupt would go to the hypervisor', 0x8000_0010],
      ['dead', 'nobody above would hear of anything', 0x8000_0000],
    ])('a guest of EL1 without vectors: %s, where %s', (end, _why, hcr) => {
      const { machine } = running(
        { ...config, el2: true },
        `${constant('x0', hcr)}
        msr hcr_el2, x0
        mov x0, #0x3c5
        msr spsr_el2, x0
        mov x0, #0x5000
        msr elr_el2, x0
        eret`,
      );
      expect(machine.run(10_000)).toBe(end);
    });

    test('a register that is not modelled is named, once', () => {
      const lines: string[] = [];
      const { machine } = running(config, `mrs x0, S3_7_C15_C12_7\nmrs x0, S3_7_C15_C12_7`, {
        warn: (line) => lines.push(line),
      });
      machine.run(100_000);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('S3_7_C15_C12_7');
    });

    test('stop ends a run', () => {
      const machine = createMachine(config, {
        output: () => {
          machine.stop();
        },
      });
      machine.load({ kernel: guest(`${constant('x1', UART)}\nloop:\nstr w1, [x1]\nb {loop}`) });
      expect(machine.run(1000)).toBe('stopped');
      expect(machine.instructions).toBe(3);
      expect(machine.run(1000)).toBe('stopped');
      expect(machine.instructions).toBe(5);
    });
  });
}

test('with EL2 the guest is entered there, and PSCI is called by SMC', () => {
  const el2 = { ...virt({ memory: '8M', el2: true }) };
  const smc = running(
    el2,
    `mrs x5, CurrentEL\n${constant('x0', 0x8400_0000)}\nsmc #0\nmov x6, x0\n${constant('x0', 0x8400_0008)}\nsmc #0`,
  );
  expect(smc.machine.run(1000)).toBe('off');
  expect(smc.machine.cpu.state.x(5)).toBe(8n);
  expect(smc.machine.cpu.state.x(6)).toBe(0x1_0001n);
  const hvc = running(el2, powerOff);
  expect(hvc.machine.run(1000)).not.toBe('off');
});

test('without firmware PSCI is UNDEFINED', () => {
  const { machine } = running({ ...virt({ memory: '8M' }), psci: false }, powerOff);
  expect(machine.run(1000)).not.toBe('off');
});

test('what does not fit is refused', () => {
  const machine = createMachine(virt({ memory: '4M' }));
  const kernel = guest(powerOff);
  expect(() => {
    machine.load({ kernel, initrd: new Uint8Array(3 * 2 ** 20) });
  }).toThrow(ConfigurationError);
  expect(() => {
    machine.load({ kernel: guest(powerOff, 0x1000_0000) });
  }).toThrow(/kernel: does not fit/);
});
