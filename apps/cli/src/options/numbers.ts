// Numbers, dates and counts that options take.

import { CliError } from '../errors.ts';
import { KeyValues } from './key-values.ts';

/** A parser of numbers above zero, for one option. */
export function positive(option: string): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!Number.isFinite(n) || n <= 0) throw new CliError(`${option} ${text}: must be a number above zero`);
    return n;
  };
}

/** `--smp 4`, or `cpus=4`. */
export function parseSmp(text: string): number {
  const given = new KeyValues('--smp', text, 'cpus', ['cpus', 'cores', 'sockets', 'threads', 'maxcpus']);
  const cpus = given.number('cpus', 1, 8);
  if (cpus === undefined) throw new CliError(`--smp ${text}: must say how many CPUs, 1 to 8`);
  return cpus;
}

/** `--lock-step 1000`. */
export function parseLockStep(text: string): number {
  const n = Number(text);
  if (!/^\d+$/.test(text) || n < 1 || n > 1e9)
    throw new CliError(`--lock-step ${text}: must be a number of instructions, 1 to 1000000000`);
  return n;
}

/** `--gic 3`. */
export function parseGic(text: string): 2 | 3 {
  if (text === '2') return 2;
  if (text === '3') return 3;
  throw new CliError(`--gic ${text}: must be 2 or 3`);
}

/** `--seed 42`: up to 2 ** 53. */
export function parseSeed(text: string): number {
  const n = Number(text);
  if (!/^(\d+|0x[0-9a-f]+)$/i.test(text) || !Number.isSafeInteger(n))
    throw new CliError(`--seed ${text}: must be a whole number, 0 to ${Number.MAX_SAFE_INTEGER}`);
  return n;
}

/** Where the guest's clock starts. */
export interface RtcOption {
  /** Seconds since 1970. */
  readonly start: number;
  /** True where that is the host's time, and another run would have another. */
  readonly host: boolean;
}

/** `--rtc base=utc`, or `base=2026-11-21T12:00:00`. `now` is the host's time in milliseconds. */
export function parseRtc(text: string, now: number): RtcOption {
  const given = new KeyValues('--rtc', text, 'base', ['base', 'clock', 'driftfix']);
  const base = given.text('base') ?? 'utc';
  const seconds = Math.floor(now / 1000);
  if (base === 'utc') return { start: seconds, host: true };
  if (base === 'localtime') return { start: seconds - new Date(now).getTimezoneOffset() * 60, host: true };
  const known = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/.test(base);
  const start = known ? Date.parse(base.includes('T') ? `${base}Z` : `${base}T00:00:00Z`) / 1000 : NaN;
  if (!(start >= 0 && start < 2 ** 32))
    throw given.wrong('base', 'must be utc, localtime, or a date such as 2026-11-21T12:00:00');
  return { start, host: false };
}
