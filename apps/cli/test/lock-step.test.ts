// `--lock-step`: tiny goes through with it, a guest that engines see differently does not, and what cannot be shared is refused.

import { expect, test, vi } from 'vitest';

import { LockStep, virt } from '@worldswitch/machine';

import { tinyGuest } from '../src/guests.ts';
import { checkLockStep } from '../src/lock-step.ts';
import { parseLockStep } from '../src/options/numbers.ts';
import { runSession } from '../src/session.ts';
import type { SessionOptions } from '../src/session.ts';

/** Where V0 is in the block of a CPU. */
const V0 = 0x200;

/** Runs tiny for a while; what is said on standard error. */
async function session(options: Partial<SessionOptions>): Promise<{ status: number; said: string }> {
  let said = '';
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  try {
    const { images } = await tinyGuest('selftest');
    const config = {
      ...virt({ memory: '128M' }),
      engine: 'jit',
      engineOptions: { threshold: 0, tlb: 4 },
    } as const;
    const { status } = await runSession({
      config,
      images,
      consoles: [{ device: 'serial', to: { kind: 'null' }, option: '--serial' }],
      stdin: false,
      instructions: 60_000,
      ...options,
    });
    return { status, said };
  } finally {
    spy.mockRestore();
  }
}

test('a run in lock-step says how often both were equal', async () => {
  const { status, said } = await session({ lockStep: 1000 });
  expect(said).toContain('in lock-step with the reference engine: 60 comparisons, all equal');
  expect(status).toBe(0);
});

test('a difference ends the run, and is told', async () => {
  const run = vi.spyOn(LockStep.prototype, 'run').mockImplementation(function (this: LockStep, n) {
    // The shadow is given an error once it has gone a part of the way.
    run.mockRestore();
    this.run(5000);
    this.shadow.cpu.state.setWord(V0, 7);
    return this.run(n);
  });
  const { status, said } = await session({ lockStep: 1 });
  expect(said).toMatch(
    /the engines differ after 5000 instructions: CPU 0 at EL1, PC 0x[0-9a-f]+: [0-9a-f]{8} {2}\w/,
  );
  expect(said).toContain('\n  CPU 0: V0, word 0: 0x0, on the other engine 0x7\n');
  expect(status).toBe(1);
});

test('what makes no sense is refused', () => {
  const common = { reboot: true, stdin: false };
  expect(parseLockStep('1')).toBe(1);
  for (const text of ['0', 'all', '1e3', '-1'])
    expect(() => parseLockStep(text)).toThrow(/must be a number of instructions/);
  const drive = { file: 'a.img', readonly: false, snapshot: true };
  expect(() => {
    checkLockStep({ ...common, lockStep: 1, drive: [drive] });
  }).toThrow(/cannot share the file of a --drive/);
  expect(() => {
    checkLockStep({ ...common, lockStep: 1, nic: [{ mac: undefined, hub: 1 }] });
  }).toThrow(/cannot share a --nic/);
  checkLockStep({ ...common, lockStep: 1, nic: [{ mac: undefined }] });
  checkLockStep({ ...common, drive: [drive] });
});
