// One guest on one system, to its end: what it printed, and what it cost.

import { countsOf } from '@worldswitch/machine';
import type { CycleCounts, Equivalence, MachineCounts, RunEnd } from '@worldswitch/machine';
import type { Ledger } from '@worldswitch/vmm';

import type { Typed } from '../session.ts';
import { TextWatch } from '../text-watch.ts';
import type { ShadowCounts } from './shadow.ts';
import type { ComparedGuest, SystemKind } from './system.ts';

/** Cycles of all CPUs by a cost profile, hypervisor included. */
export type ModelledCycles = Pick<
  CycleCounts,
  'profile' | 'total' | 'instructions' | 'translation' | 'exceptions' | 'devices'
>;

function cyclesOf({ cpus }: MachineCounts): ModelledCycles | undefined {
  const all = cpus.flatMap(({ timing }) => timing ?? []);
  const [first] = all;
  if (first === undefined) return undefined;
  const sum = (of: (cycles: CycleCounts) => number): number =>
    all.reduce((total, cycles) => total + of(cycles), 0);
  return {
    profile: first.profile,
    total: sum(({ total }) => total),
    instructions: sum(({ instructions }) => instructions),
    translation: sum(({ translation }) => translation),
    exceptions: sum(({ exceptions }) => exceptions),
    devices: sum(({ devices }) => devices),
  };
}

/** What a run gave. */
export interface SystemResult {
  readonly system: string;
  readonly end: RunEnd | 'instructions';
  readonly console: string;
  /** Instructions of everybody, and of them the hypervisor's. */
  readonly instructions: number;
  readonly hypervisor: number;
  /** Exits by cause, the most frequent first. */
  readonly exits: readonly {
    readonly cause: string;
    readonly exits: number;
    readonly instructions: number;
  }[];
  /** Bytes of saved state that were moved. */
  readonly bytesMoved: number;
  readonly counts: MachineCounts;
  /** By the profile of `--timing`. */
  readonly cycles?: ModelledCycles | undefined;
  /** The controls that were set, where they are not the usual ones. */
  readonly traps?: string | undefined;
  /** A row for each exit, where it was asked for. */
  readonly ledger?: Ledger | undefined;
  /** What its shadow tables counted, where it has some. */
  readonly shadow?: ShadowCounts | undefined;
  readonly hostSeconds: number;
  /** How it compares with the bare machine by the guest's architectural events. */
  readonly equivalence?: Equivalence;
  /** One line when the guest got lost. */
  readonly report?: string;
}

const CHUNK = 20_000_000;

/** What is common to all runs. */
export interface RunWishes {
  readonly typed: readonly Typed[];
  /** Text on the console that ends the run. */
  readonly until?: string | undefined;
  /** Instructions after which it ends. */
  readonly most: number;
  /** Is told every now and then how far it is. */
  readonly progress?: (system: string, instructions: number) => void;
}

/** Runs the guest on a system. */
export function runOn(kind: SystemKind, guest: ComparedGuest, wishes: RunWishes): SystemResult {
  let console = '';
  const scripts = wishes.typed.map(({ after = '', bytes }) => ({
    watch: new TextWatch(after),
    bytes,
    after,
  }));
  const until = wishes.until === undefined ? undefined : new TextWatch(wishes.until);
  const serial = serialOf(guest);
  const seen = { over: false };
  const running = kind.build(guest, {
    output: (device, byte) => {
      if (device !== serial) return;
      console += String.fromCharCode(byte);
      for (const { watch, bytes } of scripts) if (watch.seen(byte)) running.machine.type(serial, bytes);
      if (until?.seen(byte) === true) {
        seen.over = true;
        running.machine.stop();
      }
    },
  });
  const { machine, ledger } = running;
  for (const { after, bytes } of scripts) if (after === '') machine.type(serial, bytes);
  const began = performance.now();
  let end: SystemResult['end'] = 'budget';
  while (end === 'budget' || (end === 'stopped' && !seen.over)) {
    end = machine.run(CHUNK);
    wishes.progress?.(kind.name, machine.instructions);
    if (end === 'budget' && machine.instructions >= wishes.most) end = 'instructions';
  }
  const totals = ledger?.totals() ?? [];
  const counts = countsOf(machine);
  return {
    system: guest.traps === undefined ? kind.name : `${kind.name} (${guest.traps.text})`,
    end,
    console,
    instructions: machine.instructions,
    hypervisor: machine.board.software.reduce((sum, { counts }) => sum + counts.instructions, 0),
    exits: totals,
    bytesMoved: totals.reduce((sum, { bytes }) => sum + bytes, 0),
    counts,
    cycles: cyclesOf(counts),
    traps: guest.traps?.text,
    ledger,
    shadow: running.shadow?.(),
    hostSeconds: (performance.now() - began) / 1000,
    ...(end === 'dead' && { report: machine.report() }),
  };
}

/** The serial port that is the guest's console. */
function serialOf({ board }: ComparedGuest): string {
  return board.devices?.find(({ type }) => type === 'pl011')?.name ?? 'serial';
}
