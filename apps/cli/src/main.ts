#!/usr/bin/env node
// worldswitch: the command. Mistakes of the user's end with one line and status 2.

import { setFlagsFromString } from 'node:v8';

import { CommanderError } from 'commander';

import { ConfigurationError } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';

import { CliError } from './errors.ts';
import { withTwoDashes } from './options/qemu-style.ts';
import { program } from './program.ts';

// Node 20 has relaxed SIMD and branch hints behind flags; later ones have them as they are. The engine tests the first before it
// uses it; what it hints need not be heard. The other two make V8 optimise later: its compilers took as much processor time as a guest's boot. A compiled region is left
// by its end, which spends the budget by all of the code before it: the usual one is gone after some forty times.
if (process.versions.node.startsWith('20.')) {
  for (const flag of [
    '--experimental-wasm-relaxed-simd',
    '--experimental-wasm-branch-hinting',
    '--wasm-tiering-budget=100000000',
    '--interrupt-budget=500000',
  ])
    setFlagsFromString(flag);
}

// A reader that goes away (`| head`) is no reason to stop half-way: what has to be done at the end is done.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.listenerCount('error') === 0) stream.on('error', () => undefined);
}

try {
  await program().parseAsync([...process.argv.slice(0, 2), ...withTwoDashes(process.argv.slice(2))]);
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
  else if (
    thrown instanceof CliError ||
    thrown instanceof ConfigurationError ||
    thrown instanceof StateError
  ) {
    process.stderr.write(`worldswitch: ${thrown.message}\n`);
    process.exitCode = 2;
  } else throw thrown;
}
