// Runs the nanobenchmarks' guest on one system. The machine stops at each character that the guest sends, so that what happens from
// the end of one line to the beginning of the next is known exactly: instructions of the guest and of the hypervisor, exits, cycles.

import { readFile } from 'node:fs/promises';

import { nano } from '@worldswitch/guests';
import { readKernel } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';
import { UNITS_PER_CYCLE } from '@worldswitch/platform';
import { Ledger } from '@worldswitch/vmm';
import type { ExitRow } from '@worldswitch/vmm';

import { CliError } from '../errors.ts';
import { loops, operations } from './operations.ts';
import { nanoMachine } from './systems.ts';
import type { NanoSystem, NanoWishes } from './systems.ts';

const RAM = 0x4000_0000;
/** Instructions that are enough for all. */
const MOST = 100_000_000;

/** What one operation costs, beyond the loop around it. */
export interface NanoCosts {
  /** Exits. */
  readonly exits: number;
  /** The same by cause. */
  readonly causes: Readonly<Record<string, number>>;
  /** Instructions executed as the guest: its own, or what they are translated to. */
  readonly guest: number;
  /** Instructions of the hypervisor. */
  readonly hypervisor: number;
  /** Cycles by the profile. */
  readonly cycles: number;
  /** Descriptors that walks read, by stage. */
  readonly stage1: number;
  readonly stage2: number;
}

/** All operations on one system. */
export interface NanoRun {
  readonly system: NanoSystem;
  /** By the name of the operation. */
  readonly costs: Readonly<Record<string, NanoCosts>>;
}

/** Where the machine is. */
interface Sample {
  readonly instructions: number;
  readonly hypervisor: number;
  readonly cycles: number;
  readonly stage1: number;
  readonly stage2: number;
  readonly rows: number;
}

/** What happened between two of them. */
interface Window {
  readonly count: number;
  readonly guest: number;
  readonly hypervisor: number;
  readonly cycles: number;
  readonly stage1: number;
  readonly stage2: number;
  readonly causes: ReadonlyMap<string, number>;
}

/** A ledger that tells of accesses to the serial port, all of which are characters. */
class MarkingLedger extends Ledger {
  private readonly sent: () => void;

  constructor(sent: () => void) {
    super();
    this.sent = sent;
  }
  override enter(row: ExitRow): void {
    super.enter(row);
    if (row.handler.startsWith('serial')) this.sent();
  }
}

/** The guest. */
export async function nanoImages(): Promise<BootImages> {
  const image = new Uint8Array(await readFile(nano.image));
  return { kernel: readKernel(image, nano.name, RAM), name: nano.name };
}

/** Runs to the end and looks at each character. */
function run(system: NanoSystem, images: BootImages, wishes: NanoWishes) {
  let text = '';
  const bare = system.technique === undefined;
  const sent = (): void => {
    machine.stop();
  };
  const ledger = new MarkingLedger(sent);
  const output = (_device: string, byte: number): void => {
    text += String.fromCharCode(byte);
    if (bare) sent();
  };
  const machine: Machine = nanoMachine(system, images, wishes, { output }, ledger);
  const samples: Sample[] = [];
  let end = machine.run(MOST);
  for (; end === 'stopped'; end = machine.run(MOST)) {
    const { stage1References, stage2References } = machine.cpu.translator.walker.counters;
    samples.push({
      stage1: stage1References,
      stage2: stage2References,
      instructions: machine.instructions,
      hypervisor: machine.board.software.reduce((sum, { counts }) => sum + counts.instructions, 0),
      cycles: machine.cpus.reduce((sum, { counters }) => sum + counters.spent, 0) / UNITS_PER_CYCLE,
      rows: ledger.length,
    });
  }
  if (end !== 'off' || text.length !== samples.length || text.includes('lost'))
    throw new CliError(`nano on ${system.name}: the guest ended early (${end}): ${machine.report()}`);
  return { text, samples, ledger };
}

function windowOf(ledger: Ledger, count: number, begin: Sample, end: Sample): Window {
  const causes = new Map<string, number>();
  for (let i = begin.rows; i < end.rows; i++) {
    const { cause } = ledger.row(i);
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }
  const hypervisor = end.hypervisor - begin.hypervisor;
  return {
    count,
    guest: end.instructions - begin.instructions - hypervisor,
    hypervisor,
    cycles: end.cycles - begin.cycles,
    stage1: end.stage1 - begin.stage1,
    stage2: end.stage2 - begin.stage2,
    causes,
  };
}

/** By the name that the guest prints: the last that has it counts. */
function windowsOf({ text, samples, ledger }: ReturnType<typeof run>): ReadonlyMap<string, Window> {
  const windows = new Map<string, Window>();
  for (const { index, 0: line, 1: name = '', 2: count = '' } of text.matchAll(/nano: (\S+) (\d+)\n/g)) {
    const [begin, end] = [samples[index + line.length - 1], samples[index + line.length]];
    if (begin && end) windows.set(name, windowOf(ledger, Number(count), begin, end));
  }
  return windows;
}

/** What remains of a window without the loop, for one operation. */
function costsOf(window: Window, loop: Window, each: number): NanoCosts {
  const times = window.count * each;
  const by = (of: (w: Window) => number): number => (of(window) - of(loop)) / times;
  const names = new Set([...window.causes.keys(), ...loop.causes.keys()]);
  const causes = [...names]
    .map((cause) => [cause, by(({ causes: all }) => all.get(cause) ?? 0)] as const)
    .filter(([, n]) => n !== 0);
  return {
    exits: causes.reduce((sum, [, n]) => sum + n, 0),
    causes: Object.fromEntries(causes),
    guest: by(({ guest }) => guest),
    hypervisor: by(({ hypervisor }) => hypervisor),
    cycles: by(({ cycles }) => cycles),
    stage1: by(({ stage1 }) => stage1),
    stage2: by(({ stage2 }) => stage2),
  };
}

/** Measures all operations on one system. */
export function measureNano(system: NanoSystem, images: BootImages, wishes: NanoWishes = {}): NanoRun {
  const windows = windowsOf(run(system, images, wishes));
  const window = (name: string): Window => {
    const found = windows.get(name);
    if (found === undefined) throw new CliError(`nano on ${system.name}: there is no line about ${name}`);
    return found;
  };
  return {
    system,
    costs: Object.fromEntries(
      operations.map(({ name, from, each = 1 }) => [name, costsOf(window(name), window(loops[from]), each)]),
    ),
  };
}
