// tiny with its kernel rewritten before it runs.

import { describe, expect, it } from 'vitest';

import { compareGuests, createMachine, nativeGuest, virt } from '@worldswitch/machine';

import { createHost, IMPURE, observedGuest, rewriteKernel } from '../src/index.ts';
import type { TrapHostDescription } from '../src/index.ts';
import { tinyImages, tinyImagesWithCode } from './tiny.ts';
import { natively, trapped } from './trapped-tiny.ts';

const EVENTS = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 1500 : Infinity;

describe('tiny, rewritten at load time', () => {
  it.each(IMPURE)(
    'passes its whole self-test, LDTR and STTR too: %s',
    async (impure) => {
      const run = await trapped('selftest poweroff', undefined, { impure });
      expect(run.finish(), run.host.machine.report()).toBe('off');
      expect(run.output()).toContain('selftest: 60 ok, 0 failed');
      expect(run.output()).toBe(await natively('selftest poweroff'));
    },
    60_000,
  );

  it.each(IMPURE)(
    'has the events that it has on the bare machine: %s',
    async (impure) => {
      const images = await tinyImagesWithCode('selftest poweroff');
      const vms = [{ name: 'tiny', board: virt({ memory: '64M' }) }];
      const host = () =>
        createHost(
          { board: virt({ memory: '96M' }), technique: 'trap-and-emulate', impure, vms },
          { tiny: images },
        );
      const result = compareGuests(
        () => {
          const machine = createMachine(virt({ memory: '64M' }), {});
          machine.load(images);
          return nativeGuest('native', machine);
        },
        () => observedGuest(impure, host()),
        { most: EVENTS },
      );
      expect(result.difference).toBeUndefined();
      // What it would read of its own text is counted.
      expect(result.rewritten).toBeGreaterThan(20);
    },
    300_000,
  );

  it('goes on from a snapshot as if nothing had been', async () => {
    const run = await trapped('selftest poweroff', undefined, { impure: 'vectors' });
    for (let i = 0; i < 4; i++) run.host.machine.run(1_000_003);
    const saved = run.host.machine.save();
    const again = await trapped('selftest poweroff', undefined, { impure: 'vectors' }, saved);
    for (let i = 0; i < 3; i++) {
      run.host.machine.run(300_001);
      again.host.machine.run(300_001);
      expect(again.host.machine.hash()).toBe(run.host.machine.hash());
    }
  }, 60_000);

  it('is told apart from its constants by its file, or by what is around them', async () => {
    const [known, image] = [await tinyImagesWithCode(''), await tinyImages('')];
    const [a, b] = [known, image].map(({ kernel }) => {
      if (kernel === undefined) throw new Error('tiny has no kernel');
      return rewriteKernel(kernel, 'trap', 0x4000_0000);
    });
    const places = a?.rewriting.changes.map(({ at }) => at) ?? [];
    expect(places.length).toBeGreaterThan(100);
    expect([a?.rewriting.exact, a?.doubtful.length]).toEqual([true, 0]);
    expect(b?.rewriting.exact).toBe(false);
    // Whatever its file says is code is found among what looks like it; the programs in its data look like it, too.
    const found = new Set([...(b?.rewriting.changes ?? []), ...(b?.doubtful ?? [])].map(({ at }) => at));
    expect(places.filter((at) => !found.has(at))).toEqual([]);
  });
});

describe('a description', () => {
  const board = virt({ memory: '64M' });
  const vms = [{ name: 'guest', board: virt({ memory: '32M' }) }];
  const refused: readonly (readonly [string, Partial<TrapHostDescription>])[] = [
    ['impure: there is none called "pure"; there is trap, fix-up, vectors', { impure: 'pure' as 'trap' }],
    [
      'impure: goes with trap-and-emulate, and not with binary-translation',
      { technique: 'binary-translation', impure: 'trap' },
    ],
    [
      'vms: must be one with one vCPU where its kernel is rewritten',
      { impure: 'trap', vms: [{ name: 'guest', board: virt({ memory: '32M', cpus: 2 }) }] },
    ],
    ['shadow: must be lazy or traced with impure "fix-up"', { impure: 'fix-up', shadow: 'real' }],
    ['images.guest.kernel: is missing: there is nothing to rewrite', { impure: 'fix-up' }],
  ];

  it.each(refused)('is refused: %s', (message, more) => {
    const make = (): unknown =>
      createHost({ board, technique: 'trap-and-emulate', vms, ...more }, { guest: {} });
    expect(make).toThrow(message);
  });
});
