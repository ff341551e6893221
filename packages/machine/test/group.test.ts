// Machines joined by a link, on one virtual time: bare guests that send words to each other through a card of the test's own.

import { describe, expect, test } from 'vitest';

import { networkLink } from '@worldswitch/devices';
import type { NetworkLink } from '@worldswitch/devices';
import { noTrace, record, registerTable, stateCodec, StateError } from '@worldswitch/platform';
import type { DeviceType, Plain, Shape } from '@worldswitch/platform';

import { createMachine, MachineGroup, restoreMachine, virt } from '../src/index.ts';
import type { DeviceHost, DeviceKind, Machine, MachineConfig } from '../src/index.ts';
import { constant, guest, powerOff } from './rig.ts';

/** Writing SEND sends a word; TAKE is the last one that came, and raises the wire until it is read. */
interface Card {
  last: number;
  send(word: number): void;
  take(): number;
}
const registers = registerTable<Card>([
  {
    name: 'SEND',
    offset: 0,
    access: 'RW',
    about: 'sends',
    reset: 0,
    mask: 0xffff_ffff,
    write: (card, word) => {
      card.send(word);
    },
  },
  {
    name: 'TAKE',
    offset: 4,
    access: 'RO',
    about: 'what came',
    reset: 0,
    mask: 0xffff_ffff,
    read: (card) => card.take(),
  },
]);
const anything: Shape<Plain> = { check: (from) => from ?? null };
const codec = stateCodec(1, record<{ last: Plain; peer: Plain }>({ last: anything, peer: anything }));
const type: DeviceType<Pick<DeviceHost, 'network'>, { last: Plain; peer: Plain }, 'irq'> = {
  compatible: 'test,words',
  regions: [{ name: 'registers', size: 0x1000, widths: [4], registers: registers.registers }],
  pins: ['irq'],
  state: codec,
  create({ network }, wiring, state) {
    const peer = network?.(
      wiring.clock,
      {
        send: (frame) => {
          card.last = new DataView(frame.buffer).getUint32(0);
          wiring.line('irq').set(true);
        },
      },
      state?.peer,
    );
    const card: Card = {
      last: Number(state?.last ?? 0),
      send(word) {
        const frame = new Uint8Array(14);
        new DataView(frame.buffer).setUint32(0, word);
        peer?.send(frame);
      },
      take() {
        wiring.line('irq').set(false);
        return card.last;
      },
    };
    return {
      mmio: [registers.mmio(card, registers.powerUp(), noTrace)],
      reset: () => undefined,
      save: () => ({ last: card.last, peer: peer?.save() ?? null }),
    };
  },
};
const words: DeviceKind = { type, configure: (_given, host) => ({ network: host.network }) };

const CARD = 0x0a00_0000;
const config = (more: MachineConfig = {}): MachineConfig => ({
  ...virt({ memory: '8M', gic: { version: 2 } }),
  devices: [{ name: 'card', type: words, at: CARD, interrupts: { irq: 16 } }],
  ...more,
});

/** Enables the card's interrupt at the GIC, but not at the CPU: it only ends a WFI. */
const SETUP = `
  ${constant('x1', 0x0800_0000)}
  mov w2, #1
  str w2, [x1]
  movz w3, #1, lsl #16
  str w3, [x1, #0x104]
  strb w2, [x1, #0x830]
  ${constant('x1', 0x0801_0000)}
  mov w3, #0xf0
  str w3, [x1, #4]
  str w2, [x1]
  ${constant('x4', CARD)}`;
/** Waits for a word that is not the last one: by WFI, or by asking again and again. */
const wait = (how: 'wfi' | 'poll', label: string): string => `
${label}:
  ${how === 'wfi' ? 'wfi' : 'add x20, x20, #1'}
  ldr w5, [x4, #4]
  cmp w5, w6
  b.eq {${label}}
  mov w6, w5`;
/** Sends 1, and whenever a word comes the next one; after `rounds` words it switches off. */
const player = (first: boolean, how: 'wfi' | 'poll', rounds: number): string => `
  ${SETUP}
  mov w9, #${rounds}
  ${first ? 'mov w5, #1\nstr w5, [x4]' : ''}
${wait(how, 'again')}
  add w5, w5, #1
  str w5, [x4]
  subs w9, w9, #1
  b.ne {again}
  ${powerOff}`;

interface Pair {
  readonly machines: readonly Machine[];
  readonly group: MachineGroup;
  readonly link: NetworkLink;
}
function pair(how: readonly ('wfi' | 'poll')[], latency = 5000, more: MachineConfig = {}): Pair {
  const link = networkLink({ latency, ends: how.length });
  const machines = how.map((h, i) => {
    const end = link.ends[i];
    const machine = createMachine(config(more), { networks: end ? { card: end } : {} });
    machine.load({ kernel: guest(player(i === 0, h, 20)) });
    return machine;
  });
  return { machines, group: new MachineGroup(machines, { lookahead: latency }), link };
}
const hashes = ({ machines }: Pair): string[] =>
  machines.map((m) => `${m.now} ${m.instructions} ${m.hash()}`);

describe.each([
  ['both wait', ['wfi', 'wfi']],
  ['one waits', ['wfi', 'poll']],
  ['both poll', ['poll', 'poll']],
] as const)('two machines: %s', (_name, how) => {
  test('a word takes the latency each way, and both end the same however the run is cut', () => {
    const whole = pair(how);
    expect(whole.group.run(10_000_000)).toBe('over');
    expect(whole.group.ends).toEqual(['off', 'off']);
    const [a, b] = whole.machines;
    // Each takes 20 words, and sent one for each that came: the last word that `a` saw is the 40th.
    expect([a?.cpu.state.x(5), b?.cpu.state.x(5)].map(Number)).toEqual([41, 40]);
    expect(b?.now).toBeGreaterThan(39 * 5000);
    expect(b?.now).toBeLessThan(42 * 5000);
    for (const piece of [1000, 7321, 100_000]) {
      const cut = pair(how);
      for (let i = 0; i < 1000 && cut.group.run(piece) === 'time'; i++);
      expect(hashes(cut)).toEqual(hashes(whole));
    }
  });

  test('saved on the way and restored: the same end', () => {
    const whole = pair(how);
    whole.group.run(10_000_000);
    const first = pair(how);
    expect(first.group.run(52_345)).toBe('time');
    const saved = first.machines.map((m) => m.save());
    const link = networkLink({ latency: 5000 });
    const machines = saved.map((state, i) => {
      const end = link.ends[i];
      return restoreMachine(config(), state, { networks: end ? { card: end } : {} });
    });
    const group = new MachineGroup(machines, { lookahead: 5000 });
    expect(group.run(10_000_000)).toBe('over');
    expect(hashes({ machines, group, link })).toEqual(hashes(whole));
  });
});

test('a lookahead below the latency, several nanoseconds for an instruction, two CPUs: nothing else happens', () => {
  const more = { nanosecondsPerInstruction: 7, cpus: 2, psci: true };
  const whole = pair(['wfi', 'poll'], 5003, more);
  expect(whole.group.run(10_000_000)).toBe('over');
  const other = pair(['wfi', 'poll'], 5003, more);
  const group = new MachineGroup(other.machines, { lookahead: 450 });
  expect(group.run(10_000_000)).toBe('over');
  expect(hashes(other)).toEqual(hashes(whole));
});

test('machines that only wait: nothing will happen', () => {
  const waiting = ['a', 'b'].map(() => {
    const machine = createMachine(config());
    machine.load({ kernel: guest(`again:\nwfi\nb {again}`) });
    return machine;
  });
  expect(new MachineGroup(waiting, { lookahead: 100 }).run(1000)).toBe('idle');
});

test('one is off: the other goes on alone, to the very nanosecond', () => {
  const off = createMachine(config());
  off.load({ kernel: guest(powerOff) });
  const on = createMachine(config());
  on.load({ kernel: guest('again:\nb {again}') });
  const group = new MachineGroup([off, on], { lookahead: 100 });
  expect(group.run(12_345)).toBe('time');
  expect([group.now, on.now, group.ends[0]]).toEqual([12_345, 12_345, 'off']);
});

test('stop ends the run of the group', () => {
  const printed: number[] = [];
  const machine: Machine = createMachine(virt({ memory: '8M' }), {
    output: (_device, byte) => {
      printed.push(byte);
      machine.stop();
    },
  });
  machine.load({
    kernel: guest(`${constant('x1', 0x0900_0000)}\nmov w0, #65\nagain:\nstr w0, [x1]\nb {again}`),
  });
  const group = new MachineGroup([machine], { lookahead: 1000 });
  expect([group.run(1e6), group.run(1e6), printed]).toEqual(['stopped', 'stopped', [65, 65]]);
});

test('what is no group', () => {
  expect(() => new MachineGroup([], { lookahead: 1 })).toThrow(RangeError);
  const machine = createMachine(config());
  expect(() => new MachineGroup([machine], { lookahead: 0 })).toThrow(/lookahead/);
});

test('a wrong state of an end names the card', () => {
  const saved = pair(['wfi', 'wfi']).machines[0]?.save() as {
    devices: { card: { state: { peer: unknown } } };
  };
  saved.devices.card.state.peer = 7;
  const end = networkLink().ends[0];
  expect(() =>
    restoreMachine(config(), saved as unknown as Plain, { networks: end ? { card: end } : {} }),
  ).toThrow(StateError);
});
