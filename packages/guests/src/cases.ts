// The images that print one line for each case, beside `arch`: several CPUs, interrupts and timers.
import type { Guest } from './guest.ts';

function imageOf(name: string, description: string): Guest {
  return {
    name,
    description,
    image: new URL(`../images/${name}.img`, import.meta.url),
    elf: new URL(`../images/${name}.elf`, import.meta.url),
    loadAddress: 0x4020_0000,
    bootargs: [],
  };
}

/**
 * Four CPUs: PSCI, exclusives between them, ordering, events, interrupts from one to another, broadcast TLB maintenance,
 * code that one writes and another runs. `smp/` is its source.
 */
export const smp: Guest = imageOf('smp', 'several CPUs: one line for each case');

/**
 * GICv2 or GICv3 with the virtual CPU interface, the generic timers and the PMU, on one CPU. `interrupts/` is its source.
 */
export const interrupts: Guest = imageOf('interrupts', 'interrupts, timers, PMU: one line for each case');

/**
 * EL3 and what it does to the levels below, Secure and Non-secure: entries, routing of calls and interrupts, traps. No firmware is
 * below it: at its end it waits for ever. QEMU enters the ELF file at EL3, with `secure=on`. `el3/` is its source.
 */
export const el3: Guest = imageOf('el3', 'EL3 and the levels below it: one line for each case');

/**
 * A hostile guest: random accesses to devices, lies in virtqueues, the interrupt controller, system registers, translation tables
 * and instruction words, as its command line says: `fuzz:MODE,SEED,COUNT`. `fuzz/` is its source.
 */
export const fuzz: Guest = {
  ...imageOf('fuzz', 'a hostile guest: what no guest should do, at random'),
  bootargs: [
    {
      word: 'fuzz:MODE,SEED,COUNT',
      meaning:
        'COUNT operations of mmio, virtio, gic, registers, tables or code, or of outside, calls, tlb, waits, storm or rewrite, which mean others on the same host; the same seed does the same. What quiet leaves in memory depends on itself alone; busy is merely busy',
    },
  ],
};

/**
 * A small real-time system: periodic tasks of fixed priority, driven by the virtual timer, which count the deadlines that they miss
 * and how late they begin. `rtos/` is its source.
 */
export const rtos: Guest = {
  ...imageOf('rtos', 'real-time tasks that count missed deadlines'),
  bootargs: [
    {
      word: 'rtos:JOBS[,LOAD[,1]]',
      meaning:
        'JOBS of the task of 1 ms and as long of the others, with LOAD percent of the usual work; with 1 it waits for a character first',
    },
  ],
};

/**
 * The operations of Adams and Agesen's nanobenchmarks, from a kernel in the upper half and loops at EL0: it prints `nano: NAME COUNT`,
 * does COUNT of them, and prints `nano: end`. `nano/` is its source.
 */
export const nano: Guest = imageOf('nano', 'single operations that virtualisation makes dear');

/**
 * Probes for virtualisation in every way that needs no clock: PSTATE and registers read back, what exceptions leave behind, its own text and
 * tables as data, LDTR and STTR, addresses of both halves, maintenance, step. Entered at EL1 it prints a line for each, the same on a
 * machine and in a virtual one. `probe/` is its source.
 */
export const probe: Guest = {
  ...imageOf('probe', 'probes for virtualisation: one line for each probe'),
  bootargs: [
    {
      word: 'probe:resources',
      meaning: 'asks for performance monitors, too, which a virtual machine may not have',
    },
  ],
};

/** What an image of cases prints on one board. */
export interface CaseRecord {
  /** The image. */
  readonly guest: Guest;
  /** The exception level that it is entered at. */
  readonly entryLevel: 1 | 2 | 3;
  /** Whether the board's CPUs have EL2. */
  readonly el2: boolean;
  /** The version of the board's GIC. */
  readonly gic: 2 | 3;
  /** The number of CPUs that it needs. */
  readonly cpus: number;
  /** The console's text on QEMU 7.2, `-M virt -cpu cortex-a57 -accel tcg,thread=single`, with plain line ends. */
  readonly recorded: URL;
  /** Where the architecture asks for another line, with the section: the second argument of `expectedLines`. */
  readonly differences: URL;
}

function recordOf(
  guest: Guest,
  cpus: number,
  entryLevel: 1 | 2 | 3,
  gic: 2 | 3,
  el2 = entryLevel >= 2,
): CaseRecord {
  const without = entryLevel === 3 && !el2 ? '-no-el2' : '';
  const file = (kind: string): URL =>
    new URL(`../${guest.name}/expected/${kind}-el${entryLevel}-gicv${gic}${without}.txt`, import.meta.url);
  return { guest, entryLevel, el2, gic, cpus, recorded: file('qemu'), differences: file('differences') };
}

function recordsOf(guest: Guest, cpus: number): CaseRecord[] {
  return ([2, 3] as const).flatMap((gic) =>
    ([1, 2] as const).map((entryLevel) => recordOf(guest, cpus, entryLevel, gic)),
  );
}

/** Each of these images on each of its boards: entered at EL1 and EL2, with GICv2 and GICv3; `el3` at EL3, and without EL2 too; `probe` at EL1. */
export const caseRecords: readonly CaseRecord[] = [
  ...recordsOf(smp, 4),
  ...recordsOf(interrupts, 1),
  recordOf(el3, 1, 3, 2),
  recordOf(el3, 1, 3, 3),
  recordOf(el3, 1, 3, 2, false),
  recordOf(probe, 1, 1, 2),
];
