// User code reaches nothing that is its kernel's alone, by whatever instruction, whoever was there before, and each exception is the one
// that the bare machine takes. Falsifiers: one root for both virtual levels, one ASID for both, maintenance that is not done.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { HostSpace, ShadowMmu } from '@worldswitch/vmm';

import { run, WAYS } from './twin.ts';
import type { Left, Way } from './twin.ts';
import { reachGuest } from './user-reach.ts';
import type { Try } from './user-reach.ts';

const { guest, tries } = reachGuest();
const native = run(guest, { name: 'the bare machine', technique: 'native' });
/** Exception classes of aborts from EL0. */
const ABORTS = { fetch: 0x20n, data: 0x24n, none: -1n } as const;
/** Bytes of a row of the log; where the guest says how many it wrote. */
const [ROW, WRITTEN] = [32, 0xf_fff8 / 8];

/** ESR_EL1, FAR_EL1, ELR_EL1 and X0 of a try. */
const row = ({ log }: Left, i: number): bigint[] => [...log.subarray(4 * i, 4 * i + 4)];
const classOf = ({ log }: Left, i: number): bigint => (log[4 * i] ?? 0n) >> 26n;

/** What a run did otherwise than it must. */
function complaints(left: Left): string[] {
  const found: string[] = [];
  if (left.end !== 'off') found.push(`it is ${left.end} ${left.report}`);
  tries.forEach(({ what, target, instruction, refused: must, loose }: Try, i) => {
    const name = `${what}: ${instruction} at ${target.name}`;
    if (must !== 'none' && classOf(left, i) !== ABORTS[must]) found.push(`${name} is not refused`);
    else if (!loose && String(row(left, i)) !== String(row(native, i)))
      found.push(`${name}: ${row(native, i).join(' ')} is ${row(left, i).join(' ')}`);
  });
  if (left.log[WRITTEN] !== BigInt(ROW * tries.length)) found.push('it did not come to its end');
  return found;
}

/** A method, for who replaces it. */
const original = <T, K extends keyof T>(of: T, name: K): T[K] => of[name];
const all = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('user code and its kernel’s memory', () => {
  it('on the bare machine: every try that must be refused is', () => {
    expect(complaints(native)).toEqual([]);
    expect(tries.filter((one) => one.refused !== 'none').length).toBeGreaterThan(900);
  });

  it.each(WAYS)('by $name: the same exceptions', (way) => {
    expect(complaints(run(guest, way))).toEqual([]);
  });

  const every = WAYS.map((way): readonly [string, Way] => [way.name, way]);
  it.each(every)('by %s: is not kept out where both levels have one root', (_, way) => {
    const enter = original(ShadowMmu.prototype, 'enter');
    const resolve = original(ShadowMmu.prototype, 'resolve');
    vi.spyOn(ShadowMmu.prototype, 'enter').mockImplementation(function (this: ShadowMmu, port, vcpu) {
      enter.call(this, port, vcpu, 'kernel');
    });
    vi.spyOn(ShadowMmu.prototype, 'resolve').mockImplementation(function (
      this: ShadowMmu,
      port,
      vcpu,
      _view,
      va,
      access,
    ) {
      return resolve.call(this, port, vcpu, 'kernel', va, access);
    });
    const found = complaints(run(guest, way, 4_000_000));
    expect(found.filter((one) => one.endsWith('is not refused')).length).toBeGreaterThan(100);
  });

  const some = every.filter(([name]) => all || /lazy|binary/.test(name));
  it.each(some)('by %s: is not kept out where both levels have one ASID', (_, way) => {
    const load = original(HostSpace.prototype, 'load');
    vi.spyOn(HostSpace.prototype, 'load').mockImplementation(function (this: HostSpace, port, roots) {
      load.call(this, port, { ...roots, asid: 1 });
    });
    const found = complaints(run(guest, way, 4_000_000));
    expect(found.filter((one) => one.endsWith('is not refused')).length).toBeGreaterThan(10);
  });

  it('keeps what it had where maintenance is not done', () => {
    vi.spyOn(ShadowMmu.prototype, 'maintain').mockReturnValue(true);
    const [lazy] = WAYS;
    const found = lazy ? complaints(run(guest, lazy, 4_000_000)) : [];
    expect(found.some((one) => one.startsWith('forbidden, vae1') && one.endsWith('is not refused'))).toBe(
      true,
    );
  });
});
