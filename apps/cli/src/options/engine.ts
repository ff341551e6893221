// `--engine jit,threshold=0,evict=on`: what executes instructions, and how, for tests.

import { engineNames, fastTlbSizes } from '@worldswitch/machine';
import type { EngineName, EngineOptions } from '@worldswitch/machine';

import { KeyValues } from './key-values.ts';

/** What `--engine` says about the board. */
export interface EngineOption {
  readonly engine: EngineName;
  readonly engineOptions?: EngineOptions;
}

const KEYS = ['name', 'threshold', 'evict', 'nest', 'chain', 'tlb'];
/** Options of engines that do not compile. */
const INTERPRETED = ['evict', 'tlb'];
/** Pages of each fast TLB with `tlb=tiny`. */
const TINY = 4;

/** Reads `jit`, or `jit,threshold=0,evict=on,nest=off,chain=off,tlb=tiny`. */
export function parseEngine(text: string): EngineOption {
  const given = new KeyValues('--engine', text, 'name', KEYS);
  const engine = given.choice('name', engineNames, 'jit');
  const foreign = KEYS.slice(1).find(
    (key) =>
      given.text(key) !== undefined &&
      engine !== 'jit' &&
      !(engine === 'interpreter' && INTERPRETED.includes(key)),
  );
  if (foreign !== undefined) throw given.wrong(foreign, `is not an option of the engine ${engine}`);
  const flag = (key: 'evict' | 'nest' | 'chain'): EngineOptions =>
    given.text(key) === undefined ? {} : { [key]: given.flag(key, false) };
  const threshold = given.number('threshold', 0, 1_000_000);
  const tlb = tlbOf(given);
  const engineOptions: EngineOptions = {
    ...(threshold !== undefined && { threshold }),
    ...flag('evict'),
    ...flag('nest'),
    ...flag('chain'),
    ...(tlb !== undefined && { tlb }),
  };
  return Object.keys(engineOptions).length === 0 ? { engine } : { engine, engineOptions };
}

function tlbOf(given: KeyValues): number | undefined {
  const text = given.text('tlb');
  if (text === undefined) return undefined;
  const n = text === 'tiny' ? TINY : Number(text);
  if (!/^(\d+|tiny)$/.test(text) || !fastTlbSizes.includes(n))
    throw given.wrong('tlb', `must be tiny, or a power of two from 2 to ${Math.max(...fastTlbSizes)}`);
  return n;
}
