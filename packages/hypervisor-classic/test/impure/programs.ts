// Small kernels that are rewritten before they run, and the same as they are.

import { assembleProgram } from '@worldswitch/isa-core';
import { createMachine, nativeGuest, rawKernel, virt } from '@worldswitch/machine';
import type { BootImages, CodeRange, LoadedKernel, Machine, ObservedGuest } from '@worldswitch/machine';
import { Ledger } from '@worldswitch/vmm';

import { createHost } from '../../src/index.ts';
import type { Host, Impure, TrapAndEmulate } from '../../src/index.ts';

/** Where they are. */
export const AT = 0x4020_0000;
/** PSCI SYSTEM_OFF. */
export const OFF = `movz w0, #0x8400, lsl #16\n movk w0, #8\n hvc #0`;

/** A program as a kernel whose code is known. */
export function kernelOf(text: string, ranges?: readonly CodeRange[]): LoadedKernel {
  const { words } = assembleProgram(text, AT);
  const kernel = rawKernel(new Uint8Array(words.buffer), AT);
  return { ...kernel, code: { ranges: ranges ?? [{ at: AT, size: 4 * words.length }], exact: true } };
}

/** A host with the program in its VM. */
export function hostFor(kernel: LoadedKernel, impure?: Impure): Host<TrapAndEmulate> {
  const description = {
    board: virt({ memory: '64M' }),
    technique: 'trap-and-emulate',
    impure,
    vms: [{ name: 'guest', board: virt({ memory: '32M' }) }],
  } as const;
  return createHost(description, { guest: { kernel } });
}

/** A run to its end: what it cost. */
export function ran(kernel: LoadedKernel, impure?: Impure) {
  const host = hostFor(kernel, impure);
  const ledger = new Ledger();
  host.keepLedger(ledger);
  const { machine } = host;
  let end = machine.run(5_000_000);
  for (let i = 0; i < 8 && end === 'budget'; i++) end = machine.run(5_000_000);
  const exits = (cause: string): number => ledger.totals().find((total) => total.cause === cause)?.exits ?? 0;
  return {
    end: end === 'dead' ? machine.report() : end,
    machine,
    host,
    exits,
    /** All of them but those that put a page somewhere, of which the guest knows nothing. */
    all: ledger.length - exits('hidden fault'),
  };
}

function bare(kernel: LoadedKernel): Machine {
  const machine = createMachine(virt({ memory: '32M' }));
  const images: BootImages = { kernel };
  machine.load(images);
  return machine;
}

/** The bare machine, to be compared with. */
export const natively = (kernel: LoadedKernel): ObservedGuest => nativeGuest('native', bare(kernel));

/** How often instructions at some addresses are executed, on the bare machine, one by one. */
export function executed(kernel: LoadedKernel, sites: ReadonlySet<number>): number {
  const machine = bare(kernel);
  let count = 0;
  for (let i = 0; i < 1e6; i++) {
    if (sites.has(machine.cpu.state.pcLo)) count++;
    if (machine.run(1) !== 'budget') return count;
  }
  throw new Error('the program does not end');
}
