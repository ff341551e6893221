// The generic timers: conformance, and their architecture (DDI 0487 D11).

import { describe, expect, test } from 'vitest';

import { genericTimer } from '@worldswitch/devices';
import type { GenericTimer, GenericTimerConfig, GenericTimerState, TimerPin } from '@worldswitch/devices';
import { bench, conformance } from '@worldswitch/testkit';
import type { Bench } from '@worldswitch/testkit';

for (const config of [
  { cpus: 1 },
  { cpus: 2, vhe: true, frequency: 19_200_000 },
  { cpus: 3, frequency: 999_999_937 },
]) {
  describe(`generic timers of ${JSON.stringify(config)}`, () => {
    const checks = conformance(genericTimer, {
      config: (on) => ({
        ...config,
        signalEvent: (cpu) => {
          on.note(`event ${String(cpu)}`);
        },
      }),
      banks: ({ bank }) => [bank],
      stimuli: [
        ({ bank }, random) => void bank.events?.take(random.below(4)),
        ({ bank }, random) => bank.events?.wait(random.below(4)),
      ],
      cpus: 4,
    });
    for (const { name, run } of checks) test(name, run);
  });
}

/** Timers on a bench, with registers by name as 64-bit numbers. */
class Machine {
  readonly on: Bench<TimerPin>;
  readonly device: GenericTimer;
  /** CPUs to which events were sent. */
  readonly events: number[] = [];
  constructor(config: GenericTimerConfig = { cpus: 1 }, now = 0, state?: GenericTimerState) {
    this.on = bench<TimerPin>({ now });
    this.device = genericTimer.create(
      { ...config, signalEvent: (cpu) => this.events.push(cpu) },
      this.on,
      state,
    );
  }
  read(name: string, cpu = 0): bigint {
    const out = { lo: 0, hi: 0 };
    this.device.bank.read(cpu, this.index(name), out);
    return (BigInt(out.hi) << 32n) | BigInt(out.lo);
  }
  write(name: string, value: bigint, cpu = 0): void {
    const bits = BigInt.asUintN(64, value);
    this.device.bank.write(cpu, this.index(name), Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }
  level(pin: TimerPin): boolean {
    return this.on.line(pin).level;
  }
  private index(name: string): number {
    const at = this.device.bank.registers.indexOf(name);
    if (at < 0) throw new Error(`no ${name}`);
    return at;
  }
}

describe('the counter', () => {
  const times = [0, 1, 15, 16, 1_000_000_007, 2 ** 40 + 12345, 2 ** 52 + 999, 2 ** 53 - 2, 2 ** 53 - 1];
  for (const frequency of [1, 62_500_000, 19_200_000, 24_000_000, 54_000_001, 999_999_937, 1_000_000_000]) {
    test(`at ${frequency} Hz is exact at any time`, () => {
      for (const now of times) {
        const machine = new Machine({ cpus: 1, frequency }, now);
        expect(machine.read('CNTPCT_EL0')).toBe((BigInt(now) * BigInt(frequency)) / 1_000_000_000n);
      }
    });
    test(`at ${frequency} Hz fires in the first nanosecond in which it reaches the compare value`, () => {
      for (const target of [1n, 2n, 3n, 1000n, 123_456_789n, 5_000_000_007n]) {
        const machine = new Machine({ cpus: 1, frequency });
        machine.write('CNTP_CVAL_EL0', target);
        machine.write('CNTP_CTL_EL0', 1n);
        const due = (target * 1_000_000_000n + BigInt(frequency) - 1n) / BigInt(frequency);
        const expected = due < 2n ** 53n ? [Number(due)] : [];
        expect(machine.on.clock.pending).toEqual(expected);
        if (expected.length === 0) continue;
        machine.on.clock.advanceTo(Number(due) - 1);
        expect(machine.level('cntp0')).toBe(false);
        machine.on.clock.advanceTo(Number(due));
        expect(machine.level('cntp0')).toBe(true);
      }
    });
  }

  test('is the physical one less CNTVOFF_EL2 for the virtual timer, modulo 2^64', () => {
    const machine = new Machine({ cpus: 1 }, 1600);
    machine.write('CNTVOFF_EL2', 101n);
    expect(machine.read('CNTVCT_EL0')).toBe(2n ** 64n - 1n);
    machine.write('CNTVOFF_EL2', 40n);
    expect(machine.read('CNTVCT_EL0')).toBe(60n);
    expect(machine.read('CNTPCT_EL0')).toBe(100n);
  });
});

describe('a timer', () => {
  test('shows the frequency that it was configured with', () => {
    expect(new Machine().read('CNTFRQ_EL0')).toBe(62_500_000n);
  });

  test('counts TVAL down as a signed 32-bit number', () => {
    const machine = new Machine({ cpus: 1 }, 16_000);
    machine.write('CNTV_TVAL_EL0', 100n);
    expect(machine.read('CNTV_CVAL_EL0')).toBe(1100n);
    machine.on.clock.advanceTo(16_000 + 16 * 101);
    expect(machine.read('CNTV_TVAL_EL0')).toBe(0xffff_ffffn);
  });

  test('sign-extends a TVAL that is written', () => {
    const machine = new Machine({ cpus: 1 }, 16_000);
    machine.write('CNTV_TVAL_EL0', 0xffff_ff9cn);
    expect(machine.read('CNTV_CVAL_EL0')).toBe(900n);
    machine.write('CNTV_CTL_EL0', 1n);
    expect(machine.read('CNTV_CTL_EL0')).toBe(5n);
    expect(machine.level('cntv0')).toBe(true);
  });

  test('sets ISTATUS and no wire while IMASK is set', () => {
    const machine = new Machine({ cpus: 1 }, 160);
    machine.write('CNTP_CVAL_EL0', 10n);
    machine.write('CNTP_CTL_EL0', 3n);
    expect(machine.read('CNTP_CTL_EL0')).toBe(7n);
    expect(machine.level('cntp0')).toBe(false);
    machine.write('CNTP_CTL_EL0', 1n);
    expect(machine.level('cntp0')).toBe(true);
  });

  test('does nothing while ENABLE is clear', () => {
    const machine = new Machine({ cpus: 1 }, 160);
    machine.write('CNTP_CVAL_EL0', 0n);
    expect(machine.read('CNTP_CTL_EL0')).toBe(0n);
    expect(machine.level('cntp0')).toBe(false);
    expect(machine.on.clock.pending).toEqual([]);
  });

  test('ignores a write of ISTATUS', () => {
    const machine = new Machine();
    machine.write('CNTP_CVAL_EL0', 1000n);
    machine.write('CNTP_CTL_EL0', 5n);
    expect(machine.read('CNTP_CTL_EL0')).toBe(1n);
  });

  test('compares CVAL unsigned, so that one of all ones never fires', () => {
    const machine = new Machine();
    machine.write('CNTP_CVAL_EL0', 2n ** 64n - 1n);
    machine.write('CNTP_CTL_EL0', 1n);
    expect(machine.level('cntp0')).toBe(false);
    expect(machine.on.clock.pending).toEqual([]);
  });

  test('lowers its wire when the compare value moves into the future', () => {
    const machine = new Machine({ cpus: 1 }, 1600);
    machine.write('CNTV_CTL_EL0', 1n);
    expect(machine.level('cntv0')).toBe(true);
    machine.write('CNTV_CVAL_EL0', 200n);
    expect(machine.level('cntv0')).toBe(false);
    machine.on.clock.advanceTo(3199);
    expect(machine.level('cntv0')).toBe(false);
    machine.on.clock.advanceTo(3200);
    expect(machine.level('cntv0')).toBe(true);
  });

  test('follows a change of CNTVOFF_EL2', () => {
    const machine = new Machine({ cpus: 1 }, 1600);
    machine.write('CNTV_CVAL_EL0', 50n);
    machine.write('CNTV_CTL_EL0', 1n);
    expect(machine.level('cntv0')).toBe(true);
    machine.write('CNTVOFF_EL2', 60n);
    expect(machine.level('cntv0')).toBe(false);
    machine.on.clock.advanceTo(1600 + 160);
    expect(machine.level('cntv0')).toBe(true);
  });

  test('falls again where the virtual count wraps around', () => {
    const machine = new Machine({ cpus: 1 }, 1600);
    machine.write('CNTVOFF_EL2', 110n); // the count is 2^64 - 10
    machine.write('CNTV_CVAL_EL0', 5n);
    machine.write('CNTV_CTL_EL0', 1n);
    expect(machine.level('cntv0')).toBe(true);
    machine.on.clock.advanceTo(1600 + 160);
    expect(machine.level('cntv0')).toBe(false);
    machine.on.clock.advanceTo(1600 + 160 + 80);
    expect(machine.level('cntv0')).toBe(true);
  });

  test('has one per CPU and kind, each with its wire', () => {
    const machine = new Machine({ cpus: 2, vhe: true }, 1600);
    machine.write('CNTHP_CTL_EL2', 1n, 1);
    machine.write('CNTPS_CTL_EL1', 1n, 0);
    machine.write('CNTHV_CTL_EL2', 1n, 1);
    const high = Object.entries(machine.on.levels).flatMap(([pin, level]) => (level ? [pin] : []));
    expect(high.sort()).toEqual(['cnthp1', 'cnthv1', 'cntps0']);
  });

  test('has CNTHV with the Virtualization Host Extensions alone', () => {
    expect(new Machine({ cpus: 1 }).device.bank.registers).not.toContain('CNTHV_CTL_EL2');
    expect(new Machine({ cpus: 1, vhe: true }).device.bank.registers).toContain('CNTHV_CTL_EL2');
  });

  test('keeps the event stream and access controls', () => {
    const machine = new Machine();
    machine.write('CNTKCTL_EL1', 2n ** 64n - 1n);
    expect(machine.read('CNTKCTL_EL1')).toBe(0x3ffn);
    expect(machine.read('CNTHCTL_EL2')).toBe(3n);
    machine.write('CNTHCTL_EL2', 2n ** 64n - 1n);
    expect(machine.read('CNTHCTL_EL2')).toBe(0xffn);
  });

  test('is named in the device tree by four interrupts', () => {
    const node = genericTimer.treeNode?.(
      { cpus: 1 },
      {
        bases: [],
        interrupt: (pin) => [1, { cntps0: 13, cntp0: 14, cntv0: 11, cnthp0: 10 }[pin as string] ?? -1, 4],
        fixedClock: () => '',
      },
    );
    expect(node?.properties['interrupts']).toEqual([1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
  });

  test('refuses a configuration that cannot be', () => {
    expect(() => new Machine({ cpus: 9 })).toThrow('timer: cpus must be 1 to 8, but is 9');
    expect(() => new Machine({ cpus: 1, frequency: 2e9 })).toThrow('timer: frequency');
  });
});

describe('an event stream', () => {
  const EVNTEN = 4n;
  /** A control register's value. */
  const control = (bit: number, falling: boolean): bigint =>
    EVNTEN | (falling ? 8n : 0n) | (BigInt(bit) << 4n);
  const streams = [
    ['CNTKCTL_EL1', 'CNTVCT_EL0'],
    ['CNTHCTL_EL2', 'CNTPCT_EL0'],
  ] as const;

  test.each(streams)(
    'of %s sends an event at a transition of the selected bit, in the selected direction',
    (name, counter) => {
      for (let bit = 0; bit < 16; bit++) {
        for (const falling of [false, true]) {
          const machine = new Machine({ cpus: 1, frequency: 1_000_000_000 }, 1_000_003);
          machine.write('CNTVOFF_EL2', 2n ** 64n - 77_777n);
          machine.write(name, control(bit, falling));
          const selected = (): bigint => (machine.read(counter) >> BigInt(bit)) & 1n;
          const step = Math.max(1, (1 << bit) >> 3);
          let was = selected();
          let seen = 0;
          for (let now = 1_000_003 + step; seen < 3; now += step) {
            machine.on.clock.advanceTo(now);
            const is = selected();
            const transition = is !== was && is === (falling ? 0n : 1n);
            expect(machine.device.bank.events?.take(0)).toBe(transition);
            was = is;
            if (transition) seen++;
          }
        }
      }
    },
  );

  test.each(streams)('of %s ends a wait at the first nanosecond of the transition', (name, counter) => {
    const machine = new Machine({ cpus: 2, frequency: 24_000_000 }, 5_000);
    machine.write('CNTVOFF_EL2', 55n, 1);
    machine.write(name, control(7, false), 1);
    machine.device.bank.events?.wait(1);
    const [due = 0, ...more] = machine.on.clock.pending;
    expect(more).toEqual([]);
    machine.on.clock.advanceTo(due - 1);
    expect(machine.read(counter, 1) & 255n).toBe(127n);
    expect(machine.events).toEqual([]);
    machine.on.clock.advanceTo(due);
    expect(machine.read(counter, 1) & 255n).toBe(128n);
    expect(machine.events).toEqual([1]);
    // It was sent once: who asks later does not hear of it again.
    expect(machine.device.bank.events?.take(1)).toBe(false);
  });

  test('of two is whichever comes first', () => {
    const machine = new Machine({ cpus: 1, frequency: 1_000_000_000 });
    machine.write('CNTKCTL_EL1', control(9, false));
    machine.write('CNTHCTL_EL2', control(5, true));
    machine.device.bank.events?.wait(0);
    expect(machine.on.clock.pending).toEqual([64]);
  });

  test('that is off sends nothing and wakes nobody', () => {
    const machine = new Machine({ cpus: 1, frequency: 1_000_000_000 });
    machine.write('CNTKCTL_EL1', control(0, false) & ~EVNTEN);
    machine.device.bank.events?.wait(0);
    expect(machine.on.clock.pending).toEqual([]);
    machine.on.clock.advanceTo(1_000_000);
    expect(machine.device.bank.events?.take(0)).toBe(false);
  });

  test('counts what was before a change of its controls, and nothing that was before it was on', () => {
    const machine = new Machine({ cpus: 1, frequency: 1_000_000_000 }, 500);
    machine.write('CNTKCTL_EL1', control(2, false));
    expect(machine.device.bank.events?.take(0)).toBe(false);
    machine.on.clock.advanceTo(520);
    machine.write('CNTKCTL_EL1', 0n);
    expect(machine.events).toEqual([0]);
    expect(machine.device.bank.events?.take(0)).toBe(false);
  });

  test('goes on in a restored copy, with the wait', () => {
    const machine = new Machine({ cpus: 1, frequency: 1_000_000_000 }, 500);
    machine.write('CNTKCTL_EL1', control(4, false));
    machine.on.clock.advanceTo(530);
    machine.device.bank.events?.wait(0);
    const copy = new Machine({ cpus: 1, frequency: 1_000_000_000 }, 530, machine.device.save());
    expect(copy.on.clock.pending).toEqual(machine.on.clock.pending);
    for (const { device } of [machine, copy]) expect(device.bank.events?.take(0)).toBe(true);
  });
});
