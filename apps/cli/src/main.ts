#!/usr/bin/env node
// worldswitch: the command. Mistakes of the user's end with one line and status 2.

import { setFlagsFromString } from 'node:v8';

import { CommanderError } from 'commander';

import { ConfigurationError } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';

import { CliError } from './errors.ts';
import { reasonOf } from './files.ts';
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

// A reader that goes away (`| head`) is no reason to stop half-way: what has to be done at the end is done. A disk that is full is told of.
if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
if (process.stdout.listenerCount('error') === 0) {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    if (process.exitCode !== 2) process.stderr.write(`worldswitch: standard output: ${reasonOf(error)}\n`);
    process.exitCode = 2;
  });
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
