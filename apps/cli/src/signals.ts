// Signals that ask the command to end: it ends the run in order, so that disks are whole and the terminal is given back. The
// second one ends the process at once.

import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** A signal that ends a run. */
export type EndSignal = (typeof SIGNALS)[number];

/** The exit status of a command that a signal ended, as shells have it. */
export const statusOf = (signal: EndSignal): number => 128 + constants.signals[signal];

/** The signal that presses the machine's power button. */
const POWER = 'SIGUSR2';

/**
 * Listens until the returned function is called.
 *
 * @param asked - a signal asks for the end
 * @param power - a signal asks for a press of the power button; that signal is left alone when absent
 */
export function onSignals(asked: (signal: EndSignal) => void, power?: () => void): () => void {
  let first = true;
  const listeners = SIGNALS.map((signal) => {
    const listener = (): void => {
      // What the exit handlers do is enough to leave a sane terminal.
      if (!first) process.exit(statusOf(signal));
      first = false;
      asked(signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  if (power) process.on(POWER, power);
  return () => {
    if (power) process.off(POWER, power);
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
}
