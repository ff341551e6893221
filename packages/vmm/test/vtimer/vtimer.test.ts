// Deadlines on the hypervisor's timer, a VM's time, a vCPU's timers.

import { describe, expect, it } from 'vitest';

import { StateError } from '@worldswitch/platform';
import type { InterruptLine, Word64 } from '@worldswitch/platform';

import {
  Context,
  Current,
  HostTimer,
  hostTimerShape,
  VirtualTimer,
  virtualTimerShape,
  VmClock,
  vmClockShape,
} from '../../src/index.ts';
import { FakePort } from '../fake-port.ts';

/** 62.5 MHz: 16 ns per tick. */
const frequency = 62_500_000;

function machine(cpus = 1): {
  current: Current;
  ports: readonly FakePort[];
  host: HostTimer;
  at: (ticks: number) => void;
} {
  const current = new Current();
  const ports = Array.from({ length: cpus }, (_, index) => new FakePort({ index }));
  const at = (ticks: number): void => {
    for (const port of ports) port.put('CNTPCT_EL0', ticks);
  };
  at(1000);
  return { current, ports, host: new HostTimer(current, cpus), at };
}

const first = (ports: readonly FakePort[]): FakePort => {
  const [port] = ports;
  if (port === undefined) throw new Error('no port');
  return port;
};

describe('the host timer', () => {
  it('is set to the earliest deadline, and off without one', () => {
    const { current, ports, host, at } = machine();
    const port = first(ports);
    const fired: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => host.deadline((now) => fired.push(`${name} ${now}`)));
    current.during(port, () => {
      a?.armAt(3000);
      b?.armAt(2000);
    });
    expect(port.get('CNTHP_CVAL_EL2')).toBe(2000n);
    expect(port.get('CNTHP_CTL_EL2')).toBe(1n);
    at(2001);
    current.during(port, () => {
      host.expire(port);
    });
    expect(fired).toEqual(['b 2001']);
    expect(port.get('CNTHP_CVAL_EL2')).toBe(3000n);
    at(3000);
    current.during(port, () => {
      host.expire(port);
    });
    expect(fired).toEqual(['b 2001', 'a 3000']);
    expect(port.get('CNTHP_CTL_EL2')).toBe(0n);
  });

  it('keeps the order: by time, of equal ones by age', () => {
    const { current, ports, host } = machine();
    const port = first(ports);
    const fired: number[] = [];
    const all = [0, 1, 2, 3].map((n) => host.deadline(() => fired.push(n)));
    current.during(port, () => {
      [500, 400, 500, 300].forEach((ticks, n) => all[n]?.armAt(ticks));
      host.expire(port);
    });
    expect(fired).toEqual([3, 1, 0, 2]);
  });

  it('leaves a deadline that always asks for now to the next interrupt', () => {
    const { current, ports, host } = machine();
    const port = first(ports);
    let count = 0;
    const again = host.deadline(() => {
      count++;
      again.armAt(0);
    });
    current.during(port, () => {
      again.armAt(0);
      host.expire(port);
    });
    expect(count).toBe(256);
    expect(port.get('CNTHP_CTL_EL2')).toBe(1n);
  });

  it('has every deadline on some CPU, whoever armed it', () => {
    const { current, ports, host } = machine(2);
    const [port0, port1] = ports;
    if (port0 === undefined || port1 === undefined) throw new Error('no ports');
    const [a, b] = [host.deadline(() => undefined), host.deadline(() => undefined)];
    current.during(port0, () => {
      a.armAt(5000);
    });
    current.during(port1, () => {
      b.armAt(6000);
    });
    expect([port0.get('CNTHP_CVAL_EL2'), port1.get('CNTHP_CVAL_EL2')]).toEqual([5000n, 6000n]);
  });

  it('touches no register outside of entries, and is saved', () => {
    const { current, ports, host } = machine();
    const port = first(ports);
    const a = host.deadline(() => undefined);
    a.armAt(700);
    expect(port.done).toEqual([]);
    current.during(port, () => {
      a.armAt(5000);
    });
    const state = hostTimerShape.check(structuredClone(host.save()), '');
    const restored = new HostTimer(current, 1, state);
    const before = port.done.length;
    current.during(port, () => {
      restored.deadline(() => undefined).armAt(6000); // not earlier than what is set
    });
    expect(port.done.length).toBe(before);
    expect(() => new HostTimer(current, 2, state)).toThrow(StateError);
  });
});

describe("a VM's clock", () => {
  it('counts nanoseconds from the start, and its timers are deadlines', () => {
    const { current, ports, host, at } = machine();
    const port = first(ports);
    const fired: number[] = [];
    current.during(port, () => {
      const clock = new VmClock(host, frequency);
      expect(clock.now).toBe(0);
      clock.timer((now) => fired.push(now)).armAt(33); // within the third tick
      expect(port.get('CNTHP_CVAL_EL2')).toBe(1003n);
      at(1003);
      host.expire(port);
      expect(fired).toEqual([48]);
    });
  });

  it('stands still while it is paused, with its timers', () => {
    const { current, ports, host, at } = machine();
    const port = first(ports);
    current.during(port, () => {
      const clock = new VmClock(host, frequency);
      let fired = 0;
      const timer = clock.timer(() => fired++);
      timer.armAt(1600); // 100 ticks
      at(1040);
      clock.pause();
      at(9000);
      host.expire(port);
      expect([clock.now, fired, timer.deadline]).toEqual([640, 0, 1600]);
      const state = vmClockShape.check(structuredClone(clock.save()), '');
      expect(state).toEqual({ offset: 1000, paused: 40 });
      clock.resume();
      expect(clock.offset).toBe(8960);
      at(9059);
      host.expire(port);
      expect(fired).toBe(0);
      at(9060);
      host.expire(port);
      expect(fired).toBe(1);
    });
    expect(() => vmClockShape.check({ offset: 0.5, paused: null }, '')).toThrow(StateError);
  });

  it('may be ahead of the machine', () => {
    const { current, ports, host } = machine();
    const port = first(ports);
    current.during(port, () => {
      const clock = new VmClock(host, frequency, { offset: 0, paused: 5000 });
      clock.resume();
      clock.setOffset(port);
      expect(port.get('CNTVOFF_EL2')).toBe(BigInt.asUintN(64, -4000n));
      expect(clock.ticks).toBe(5000);
    });
  });
});

describe("a vCPU's timers", () => {
  function vcpu(): ReturnType<typeof machine> & {
    port: FakePort;
    timer: VirtualTimer;
    context: Context;
    clock: VmClock;
    raised: () => number;
    wire: InterruptLine;
    within: (body: () => void) => void;
    make: (state: ReturnType<VirtualTimer['save']>) => VirtualTimer;
  } {
    const all = machine();
    const port = first(all.ports);
    const context = new Context();
    let raised = 0;
    let level = false;
    const wire: InterruptLine = {
      get level() {
        return level;
      },
      set: (to) => {
        level = to;
      },
    };
    const within = (body: () => void): void => {
      all.current.during(port, body);
    };
    const clock = all.current.during(port, () => new VmClock(all.host, frequency));
    const wires = { raise: () => raised++, isRaised: () => raised > 0, physical: wire };
    const make = (state?: ReturnType<VirtualTimer['save']>): VirtualTimer =>
      new VirtualTimer(all.host, clock, context, wires, state);
    return { ...all, port, context, clock, timer: make(), raised: () => raised, wire, within, make };
  }

  it('run on the CPU while the vCPU does, with the offset of the VM', () => {
    const { port, timer, context, within, host } = vcpu();
    context.set('CNTV_CTL_EL0', 1);
    context.set('CNTV_CVAL_EL0', 50);
    within(() => {
      timer.load(port);
    });
    expect(port.get('CNTVOFF_EL2')).toBe(1000n);
    expect(port.get('CNTV_CVAL_EL0')).toBe(50n);
    expect(port.get('CNTV_CTL_EL0')).toBe(1n);
    expect(timer.expires).toBe(Infinity);
    within(() => {
      host.expire(port);
    });
    expect(port.get('CNTHP_CTL_EL2')).toBe(0n);
  });

  it('go on as a deadline when the vCPU leaves', () => {
    const { port, timer, within, host, at, raised } = vcpu();
    within(() => {
      timer.load(port);
      port.put('CNTV_CTL_EL0', 1);
      port.put('CNTV_CVAL_EL0', 200);
      timer.unload(port);
    });
    expect(port.get('CNTV_CTL_EL0')).toBe(0n);
    expect(port.get('CNTHP_CVAL_EL2')).toBe(1200n);
    at(1200);
    within(() => {
      host.expire(port);
    });
    expect(raised()).toBe(1);
  });

  it('raise at once what had expired when the vCPU left, and what is masked or off never', () => {
    for (const [control, cval, expected] of [
      [1, 0, 1],
      [3, 0, 0],
      [0, 0, 0],
      [1, 0xffff_ffff_ffff_ffffn, 0],
    ] as const) {
      const { port, timer, within, raised } = vcpu();
      within(() => {
        timer.load(port);
        port.put('CNTV_CTL_EL0', control);
        port.put('CNTV_CVAL_EL0', cval);
        timer.unload(port);
      });
      expect(raised()).toBe(expected);
      expect(timer.expires).toBe(Infinity);
    }
  });

  it('do not raise twice what the guest has not ended', () => {
    const { port, timer, within, raised } = vcpu();
    within(() => {
      timer.load(port);
      timer.interrupted();
      port.put('CNTV_CTL_EL0', 1);
      timer.unload(port);
    });
    expect(raised()).toBe(1);
  });

  it('do not expire while the VM is paused', () => {
    const { port, timer, within, host, at, raised, clock } = vcpu();
    within(() => {
      timer.load(port);
      port.put('CNTV_CTL_EL0', 1);
      port.put('CNTV_CVAL_EL0', 200);
      timer.unload(port);
      clock.pause();
      at(5000);
      host.expire(port);
      expect(raised()).toBe(0);
      clock.resume();
      at(5199);
      host.expire(port);
      expect(raised()).toBe(0);
      at(5200);
      host.expire(port);
      expect(raised()).toBe(1);
    });
  });

  it('emulate the physical timer', () => {
    const { port, timer, within, host, at, wire } = vcpu();
    const out: Word64 = { lo: 0, hi: 0 };
    const read = (name: string): number => {
      timer.read(name, out);
      return out.hi * 2 ** 32 + out.lo;
    };
    within(() => {
      at(1010);
      expect(read('CNTPCT_EL0')).toBe(10);
      timer.write('CNTP_TVAL_EL0', 90, 0);
      expect([read('CNTP_CVAL_EL0'), read('CNTP_TVAL_EL0'), read('CNTP_CTL_EL0')]).toEqual([100, 90, 0]);
      timer.write('CNTP_CTL_EL0', 1, 0);
      expect([wire.level, port.get('CNTHP_CVAL_EL2')]).toEqual([false, 1100n]);
      at(1100);
      host.expire(port);
      expect([wire.level, read('CNTP_CTL_EL0')]).toEqual([true, 5]);
      timer.write('CNTP_CTL_EL0', 3, 0);
      expect([wire.level, read('CNTP_CTL_EL0')]).toEqual([false, 7]);
      timer.write('CNTP_CTL_EL0', 1, 0);
      timer.write('CNTP_TVAL_EL0', 0xffff_ffff, 0);
      expect([wire.level, read('CNTP_TVAL_EL0')]).toEqual([true, 0xffff_ffff]);
      timer.write('CNTP_CVAL_EL0', 0, 1);
      expect(wire.level).toBe(false);
      expect(read('CNTV_CTL_EL0')).toBe(0);
    });
  });

  it('are saved with their deadlines', () => {
    const { port, timer, within, make } = vcpu();
    within(() => {
      timer.load(port);
      port.put('CNTV_CTL_EL0', 1);
      port.put('CNTV_CVAL_EL0', 200);
      timer.unload(port);
      timer.write('CNTP_CVAL_EL0', 77, 0);
      timer.write('CNTP_CTL_EL0', 1, 0);
    });
    const state = virtualTimerShape.check(structuredClone(timer.save()), '');
    expect(state).toMatchObject({
      loaded: false,
      deadline: 1200,
      control: 1,
      compare: [77, 0],
      physicalDeadline: 1077,
    });
    expect(make(state).save()).toEqual(state);
    expect(() => virtualTimerShape.check({ ...state, control: 4 }, '')).toThrow('control');
  });
});
