// Small guests in assembly text, and machines that run them.

import { assemble } from '@worldswitch/isa-core';

import { createMachine, rawKernel } from '../src/index.ts';
import type { LoadedKernel, Machine, MachineConfig, MachineOptions } from '../src/index.ts';

/** Where guests are loaded. */
const BASE = 0x4020_0000;

/**
 * A kernel of one instruction per line. A line `name:` is a label; `{name}` in a line is its address. A number alone is a word.
 */
export function guest(text: string, at: number = BASE): LoadedKernel {
  const labels = new Map<string, number>();
  const lines: string[] = [];
  for (const line of text.split('\n').map((l) => l.replace(/\/\/.*/, '').trim())) {
    if (line.endsWith(':')) labels.set(line.slice(0, -1), at + 4 * lines.length);
    else if (line !== '') lines.push(line);
  }
  const words = lines.map((line, i) => {
    const resolved = line.replace(
      /\{(\w+)\}/g,
      (_, name: string) => `0x${(labels.get(name) ?? 0).toString(16)}`,
    );
    return /^0x[0-9a-f]+$/.test(resolved) ? Number(resolved) : assemble(resolved, at + 4 * i);
  });
  return rawKernel(new Uint8Array(Uint32Array.from(words).buffer), at);
}

/** Loads a 32-bit constant. */
export const constant = (register: string, value: number): string =>
  `movz ${register}, #0x${(value & 0xffff).toString(16)}\nmovk ${register}, #0x${(value >>> 16).toString(16)}, lsl #16`;

/** PSCI calls of a machine without EL2. */
export const powerOff = `${constant('x0', 0x8400_0008)}\nhvc #0`;
export const systemReset = `${constant('x0', 0x8400_0009)}\nhvc #0`;

/** A machine with a guest loaded; `console` collects what its devices print. */
export function running(
  config: MachineConfig,
  text: string,
  options: MachineOptions = {},
): { machine: Machine; console: () => string } {
  let printed = '';
  const machine = createMachine(config, {
    output: (_device, byte) => (printed += String.fromCharCode(byte)),
    ...options,
  });
  machine.load({ kernel: guest(text) });
  return { machine, console: () => printed };
}
