// Boots a named guest as the command does, types what a script says, and returns what the console printed.

import { createMachine } from '@worldswitch/machine';
import type { Machine, RunEnd } from '@worldswitch/machine';

import { describeBoard } from '../src/board.ts';
import { namedGuest } from '../src/guests.ts';
import type { RunOptions } from '../src/options/run-options.ts';
import { TextWatch } from '../src/text-watch.ts';

/** Something typed after a text. */
interface Line {
  readonly after: string;
  readonly type: string | Uint8Array;
}

/** A run that is over. */
interface Run {
  readonly machine: Machine;
  readonly end: RunEnd | 'until' | 'limit';
  /** What each console printed, without carriage returns. */
  readonly printed: (device: string) => string;
}

/** How a guest is booted. */
interface Booting {
  readonly options?: Partial<RunOptions>;
  readonly lines?: readonly Line[];
  /** Text after which it is over. */
  readonly until?: string;
  /** Instructions after which it should have been over. */
  readonly limit?: number;
}

const CHUNK = 5_000_000;

/** Boots a guest by its name. */
export async function bootGuest(name: string, booting: Booting): Promise<Run> {
  const { lines = [], limit = 3_000_000_000 } = booting;
  const options: RunOptions = { reboot: true, stdin: false, ...booting.options };
  const guest = await namedGuest(name, {
    append: options.append,
    xenAppend: undefined,
    cpus: options.smp ?? 1,
    say: () => undefined,
  });
  const { config, opened, disks, networks } = describeBoard(options, undefined, guest);
  const printed = new Map<string, string>();
  const wanted = [...(guest.typed ?? []).map(({ after = '', bytes }) => ({ after, type: bytes })), ...lines];
  const scripts = wanted.map(({ after, type }) => ({
    watch: new TextWatch(after),
    bytes: typeof type === 'string' ? new TextEncoder().encode(type) : type,
  }));
  const last = booting.until === undefined ? undefined : new TextWatch(booting.until);
  const state = { over: false };
  const machine: Machine = createMachine(config, {
    disks,
    networks,
    output: (device, byte) => {
      printed.set(device, (printed.get(device) ?? '') + String.fromCharCode(byte));
      if (device !== 'serial') return;
      for (const { watch, bytes } of scripts) if (watch.seen(byte)) machine.type('serial', bytes);
      if (last?.seen(byte) === true) {
        state.over = true;
        machine.stop();
      }
    },
  });
  try {
    if (guest.images) machine.load(guest.images);
    let end: RunEnd = machine.run(CHUNK);
    while ((end === 'budget' || end === 'stopped') && !state.over && machine.instructions < limit)
      end = machine.run(CHUNK);
    return {
      machine,
      end: state.over ? 'until' : end === 'budget' ? 'limit' : end,
      printed: (device) => (printed.get(device) ?? '').replaceAll('\r', ''),
    };
  } finally {
    for (const file of opened) file.close();
  }
}
