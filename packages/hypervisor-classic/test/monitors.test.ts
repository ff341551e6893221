// Performance monitors of guests on a CPU without EL2: what they count, by virtual level, is what the bare machine's count, and neither the
// hypervisor nor another VM is in it.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { systemRegister } from '@worldswitch/vmm';

import { IMPURE } from '../src/index.ts';
import type { Impure } from '../src/index.ts';
import { Emulation } from '../src/trap-and-emulate/emulation.ts';
import { VirtualMonitors } from '../src/trap-and-emulate/monitors.ts';
import { TrapWorld } from '../src/trap-and-emulate/world.ts';
import { kernelOf, OFF, ran } from './impure/programs.ts';
import { anyAccesses, Event, NOT_EL0, NOT_EL1 } from './monitor-accesses.ts';
import {
  atEl0,
  counter,
  COUNTERS,
  loop,
  monitorKernel,
  natively,
  set,
  show,
  virtually,
} from './monitor-guest.ts';
import { trapped } from './trapped-tiny.ts';

const ALL = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const { INST, CYCLES, TAKEN, RETURN, TTBR, CONTEXT, CHAIN } = Event;

const type = (n: number, value: number): string => set(`pmevtyper${n}_el0`, value);

/** Instructions of both levels, of which some trap where the kernel is at EL0, and one that is UNDEFINED. */
const work = (): string => `nop
   msr tpidr_el1, x0
   mrs x2, currentel
   msr daifset, #2
   dsb sy
   .word 0
   mrs x2, sp_el0
   ${set('contextidr_el1', 5)}
   mrs x2, ttbr0_el1
   msr ttbr0_el1, x2
   isb
   ${loop(20)}
   ${atEl0('nop\n nop\n mrs x4, pmccntr_el0\n nop\n mrs x4, dczid_el0')}
   msr ttbr1_el1, x2`;

/** Each counter's event and filter. */
const EVENTS = monitorKernel(
  [
    type(0, INST),
    type(1, INST + NOT_EL0),
    type(2, INST + NOT_EL1),
    type(3, TAKEN),
    type(4, RETURN + NOT_EL0),
    type(5, TTBR),
    set('pmcntenset_el0', 0x8000_003f),
    set('pmcr_el0', 1),
    work(),
    show(...COUNTERS, 'pmccntr_el0', 'pmovsset_el0'),
    set('pmcr_el0', 3),
    type(0, CYCLES + NOT_EL1),
    type(1, CONTEXT),
    type(2, TAKEN + NOT_EL1),
    work(),
    set('pmcr_el0', 0),
    show(...COUNTERS, 'pmccntr_el0', 'pmcntenset_el0'),
  ].join('\n'),
);
/** ESR and ELR of the UNDEFINED one and of the access at EL0, twice, and what is shown. */
const EVENT_VALUES = 4 + 8 + 4 + 8;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('monitors of a guest at EL0', () => {
  const native = natively(EVENTS, EVENT_VALUES);

  it('count retired instructions, cycles and exceptions by virtual level as on the bare machine', () => {
    // Instructions of EL0 alone: three NOPs, MRS and SVC; the access that traps is none.
    expect(native[6]).toBe('0x5');
    expect(virtually([EVENTS], EVENT_VALUES)).toEqual([native]);
  });

  it('count all of these by translation, but instructions and cycles of EL1, which are the sequences’', () => {
    const [there = []] = virtually([EVENTS], EVENT_VALUES, { technique: 'binary-translation' });
    const otherwise = native.flatMap((value, i) => (there[i] === value ? [] : [i]));
    expect(otherwise).toEqual([4, 5, 10, 22]);
  });

  it('count the same where sensitive instructions are rewritten to traps', () => {
    expect(virtually([EVENTS], EVENT_VALUES, { impure: 'trap' })).toEqual([native]);
  });

  it('lack what is emulated where that is not added', () => {
    vi.spyOn(Emulation.prototype, 'retire').mockReturnValue();
    const [there = []] = virtually([EVENTS], EVENT_VALUES);
    expect(Number(there[4])).toBeLessThan(Number(native[4]));
  });

  it('count the hypervisor where hardware is not told to leave EL1 out', () => {
    const enter = Reflect.get<typeof VirtualMonitors.prototype, 'enter'>(VirtualMonitors.prototype, 'enter');
    vi.spyOn(VirtualMonitors.prototype, 'enter').mockImplementation(function (
      this: VirtualMonitors,
      port,
      level,
    ) {
      enter.call(this, port, level);
      port.writeSystem(systemRegister('PMEVTYPER0_EL0'), INST, 0);
    });
    const [there = []] = virtually([EVENTS], EVENT_VALUES);
    expect(Number(there[4])).toBeGreaterThan(Number(native[4]));
  });

  it('count the wrong level where the virtual one is not followed', () => {
    const enter = Reflect.get<typeof VirtualMonitors.prototype, 'enter'>(VirtualMonitors.prototype, 'enter');
    vi.spyOn(VirtualMonitors.prototype, 'enter').mockImplementation(function (this: VirtualMonitors, port) {
      enter.call(this, port, 1);
    });
    const [there = []] = virtually([EVENTS], EVENT_VALUES);
    expect(there[6]).not.toBe(native[6]);
  });
});

/** An overflow in a loop at each level, which interrupts it: where, and what overflowed. */
const INTERRUPTS = monitorKernel(
  [
    type(0, INST),
    type(1, CHAIN),
    type(2, CYCLES + NOT_EL1),
    set(counter(0), 0xffff_ff40),
    set(counter(1), 0xffff_ffff),
    set(counter(2), 0xffff_ff80),
    `movz x0, #0\n sub x0, x0, #1000\n msr pmccntr_el0, x0`,
    set('pmintenset_el1', 0x8000_0007),
    set('pmcntenset_el0', 0x8000_0007),
    set('pmcr_el0', 0x41),
    'msr daifclr, #2',
    loop(500),
    show('pmevcntr0_el0', 'pmevcntr1_el0'),
    atEl0(loop(500), false),
    'msr daifset, #2',
    set('pmcr_el0', 0),
    show(...COUNTERS, 'pmccntr_el0'),
  ].join('\n'),
);
const INTERRUPT_VALUES = 3 * 3 + 2 + 7;

describe('their interrupts', () => {
  const native = natively(INTERRUPTS, INTERRUPT_VALUES);

  it('come behind the instruction that overflows, as on the bare machine', () => {
    // PPI 23, by counters 0 and 1, which is chained.
    expect(native.slice(1, 3)).toEqual(['0x17', '0x3']);
    expect(virtually([INTERRUPTS], INTERRUPT_VALUES)).toEqual([native]);
  });

  it('never come where hardware is not asked for them', () => {
    const enter = Reflect.get<typeof VirtualMonitors.prototype, 'enter'>(VirtualMonitors.prototype, 'enter');
    vi.spyOn(VirtualMonitors.prototype, 'enter').mockImplementation(function (
      this: VirtualMonitors,
      port,
      level,
    ) {
      const { line } = this;
      this.line = undefined;
      enter.call(this, port, level);
      this.line = line;
    });
    vi.spyOn(VirtualMonitors.prototype, 'settle').mockReturnValue();
    const [there = []] = virtually([INTERRUPTS], INTERRUPT_VALUES);
    expect(there[0]).not.toBe(native[0]);
  });
});

/** A program that counts for longer than slices are. */
const LONG = monitorKernel(
  [
    type(0, INST),
    type(1, INST + NOT_EL1),
    type(2, TAKEN),
    type(3, TTBR),
    type(4, INST + NOT_EL0),
    set('pmcntenset_el0', 0x1f),
    set('pmcr_el0', 1),
    `movz x5, #60\nlong: ${loop(300)}
   mrs x2, ttbr0_el1
   msr ttbr0_el1, x2
   ${atEl0(loop(200))}
   sub x5, x5, #1
   cbnz x5, long`,
    show(...COUNTERS),
    set('pmcr_el0', 0),
  ].join('\n'),
);
/** One that counts something else meanwhile. */
const OTHER = monitorKernel(
  [
    type(0, CYCLES),
    type(5, INST),
    set('pmcntenset_el0', 0x8000_0021),
    set('pmcr_el0', 1),
    `movz x5, #90\nlong: ${loop(777)}
   sub x5, x5, #1
   cbnz x5, long`,
    show(counter(5), counter(1)),
    set('pmcr_el0', 0),
  ].join('\n'),
);

describe('VMs that count', () => {
  const native = natively(LONG, COUNTERS.length);
  const [first = ''] = natively(OTHER, 2);

  it('on one CPU in turns have what each counts alone', () => {
    const [a, b] = virtually([LONG, OTHER], COUNTERS.length, { slice: 0.0001 });
    expect(a).toEqual(native);
    expect(b?.slice(0, 2)).toEqual([first, '0x0']);
  });

  it('and translated have, of what is not their sequences’', () => {
    const [a, b] = virtually([LONG, OTHER], COUNTERS.length, {
      technique: 'binary-translation',
      slice: 0.0001,
    });
    const exact = (values: readonly string[] = []) => [1, 2, 3, 5].map((n) => values[n]);
    expect(exact(a)).toEqual(exact(native));
    expect(b?.[1]).toBe('0x0');
  });

  it('have the other’s where a vCPU leaves its monitors behind', () => {
    vi.spyOn(TrapWorld.prototype, 'unload').mockImplementation((port, _vm, vcpu, parked) => {
      if (parked) vcpu.unpark(port);
      vcpu.unload(port);
    });
    expect(virtually([LONG, OTHER], COUNTERS.length, { slice: 0.0001 })[0]).not.toEqual(native);
  });

  it.each([30_000, 61_234, 99_999])('count on when they are saved at %i', (saveAt) => {
    expect(virtually([LONG, OTHER], COUNTERS.length, { slice: 0.0001, saveAt })[0]).toEqual(native);
  });
});

describe('any accesses to monitors', () => {
  const seeds = Array.from({ length: ALL ? 200 : 4 }, (_, seed) => seed + 1);
  it.each(
    seeds.flatMap((seed) => [
      [seed, 'trap-and-emulate'] as const,
      [1000 + seed, 'binary-translation'] as const,
    ]),
  )('number %i show by %s what they show on the bare machine', (seed, technique) => {
    const { text, values } = anyAccesses(seed, 150, technique === 'binary-translation');
    const kernel = monitorKernel(text);
    // Exceptions are stored, too.
    const count = values + 300;
    expect(virtually([kernel], count, { technique })).toEqual([natively(kernel, count)]);
  });
});

describe('the hardware’s monitors', () => {
  const armed = () => vi.spyOn(VirtualMonitors.prototype as unknown as { arm: () => void }, 'arm');

  it('are never switched on for a guest that does not count', async () => {
    const calls = armed();
    const { host, finish } = await trapped('selftest poweroff');
    expect(finish()).toBe('off');
    expect(calls).not.toHaveBeenCalled();
    expect(host.machine.cpu.register('PMCNTENSET_EL0')).toBe(0n);
  });

  it('are for one that does', () => {
    const calls = armed();
    virtually([EVENTS], EVENT_VALUES);
    expect(calls).toHaveBeenCalled();
  });
});

describe('what PMUSERENR_EL0 shows at EL1', () => {
  const kernel = kernelOf(`movz x0, #15\n msr pmuserenr_el0, x0\n mrs x1, pmuserenr_el0\n${OFF}`);
  const shown = (impure?: Impure): bigint => {
    const { end, machine } = ran(kernel, impure);
    expect(end).toBe('off');
    return machine.cpu.state.x(1);
  };

  it.each(IMPURE)('is what was written where that is rewritten: %s', (impure) => {
    expect(shown(impure)).toBe(15n);
  });

  it('is the hardware’s where it is not, as nothing traps', () => {
    expect(shown()).toBe(0n);
  });
});
