// QEMU's virt board as an oracle: its devices' registers, driven through the qtest protocol, with no CPU running.

import { qtest } from '@worldswitch/test-tools';

/** Commands of the qtest protocol, of which reads answer with a value. */
export type Command =
  | { readonly kind: 'read'; readonly at: number; readonly width: 1 | 2 | 4 }
  | { readonly kind: 'write'; readonly at: number; readonly width: 1 | 2 | 4; readonly value: number }
  /** Drives an input of the GIC: SPIs from 0, then the 32 private interrupts of CPU 0. */
  | { readonly kind: 'wire'; readonly input: number; readonly level: boolean };

/** A command, or an access of 64 bits, whose value is below 2^53. */
export type LongCommand =
  | Command
  | { readonly kind: 'read'; readonly at: number; readonly width: 8 }
  | { readonly kind: 'write'; readonly at: number; readonly width: 8; readonly value: number };

const letter = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

function line(command: LongCommand): string {
  switch (command.kind) {
    case 'read':
      return `read${letter[command.width]} 0x${command.at.toString(16)}`;
    case 'write':
      return `write${letter[command.width]} 0x${command.at.toString(16)} 0x${command.value.toString(16)}`;
    case 'wire':
      return `set_irq_in /machine/unattached/device[1] unnamed-gpio-in ${command.input} ${Number(command.level)}`;
  }
}

/** Runs commands on a machine of its own; returns what each answered: a value for reads, 0 for others. */
export function onQemu(commands: readonly LongCommand[], gicVersion: 2 | 3 = 2): Promise<readonly number[]> {
  const options = `-M virt,gic-version=${gicVersion},virtualization=on -cpu cortex-a57 -nic none`;
  return qtest(options.split(' '), commands.map(line));
}
