// tiny on a CPU without EL2, by trap-and-emulate or binary translation, and natively.

import { createMachine, virt } from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';
import type { Ledger, ShadowChoice, ShadowVariant } from '@worldswitch/vmm';

import { createHost, restoreHost } from '../src/index.ts';
import type { Impure } from '../src/index.ts';
import { tinyImages, tinyImagesWithCode } from './tiny.ts';

/** How it is run: one VM on one CPU, by trap-and-emulate, unless given. */
export interface TrappedTiny {
  readonly technique?: 'trap-and-emulate' | 'binary-translation';
  readonly shadow?: ShadowVariant | ShadowChoice;
  readonly impure?: Impure;
  readonly vms?: number;
  readonly cpus?: number;
}

/** tiny by a technique without EL2, and what it printed. */
export async function trapped(
  append: string,
  ledger?: Ledger,
  { technique = 'trap-and-emulate', shadow, impure, vms = 1, cpus = 1 }: TrappedTiny = {},
  saved?: Plain,
) {
  let output = '';
  const names = Array.from({ length: vms }, (_, i) => `vm${i}`);
  const images = impure ? await tinyImagesWithCode(append) : await tinyImages(append);
  const description = {
    board: virt({ memory: (32 + 64 * vms) * 2 ** 20, cpus }),
    technique,
    shadow,
    impure,
    vms: names.map((name) => ({ name, board: virt({ memory: '64M' }) })),
  } as const;
  const all = Object.fromEntries(names.map((name) => [name, images]));
  const options = {
    output: (_device: string, byte: number) => {
      output += String.fromCharCode(byte);
    },
  };
  const host =
    saved === undefined
      ? createHost(description, all, options)
      : restoreHost(description, all, saved, options);
  if (ledger) host.keepLedger(ledger);
  const finish = (): string => {
    for (;;) {
      const end = host.machine.run(5_000_000);
      if (end !== 'budget' || host.machine.instructions > 100e6) return end;
    }
  };
  return { host, finish, output: () => output };
}

/** What tiny prints on the bare machine. */
export async function natively(append: string): Promise<string> {
  let output = '';
  const machine = createMachine(virt({ memory: '64M' }), {
    output: (_device, byte) => {
      output += String.fromCharCode(byte);
    },
  });
  machine.load(await tinyImages(append));
  while (machine.run(5_000_000) === 'budget') continue;
  return output;
}
