// A rewritten kernel saved, with numbers changed: it is refused with the field's name, or it runs on without a failure of the hypervisor's.

import { beforeAll, describe, expect, it } from 'vitest';

import { virt } from '@worldswitch/machine';
import { StateError } from '@worldswitch/platform';
import type { Plain } from '@worldswitch/platform';

import { createHost, restoreHost } from '../../src/index.ts';
import type { TrapHostDescription, VmImages } from '../../src/index.ts';
import { at, changeAny, copied, randomBelow } from '../hostile-tree.ts';
import type { Tree } from '../hostile-tree.ts';
import { tinyImagesWithCode } from '../tiny.ts';

const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const COUNT = asked > 0 ? asked : 4;
const description: TrapHostDescription = {
  board: virt({ memory: '48M' }),
  technique: 'trap-and-emulate',
  impure: 'vectors',
  vms: [{ name: 'a', board: virt({ memory: '32M' }) }],
};

describe('a saved kernel that was rewritten', () => {
  let images: VmImages;
  let saved: Plain;

  beforeAll(async () => {
    images = { a: await tinyImagesWithCode('selftest poweroff') };
    const host = createHost(description, images);
    host.machine.run(2_345_678);
    expect(host.hypervisor.rewritten?.counts.added).toBeGreaterThan(10);
    saved = host.machine.save();
  });

  /** Restores a state that was changed, and runs it on. */
  function outcome(
    change: (rewritten: Tree, own: Tree) => unknown,
    other: Partial<TrapHostDescription> = {},
  ) {
    const { all, own } = copied(saved);
    change(at(own, 'rewritten'), own);
    try {
      const { machine } = restoreHost({ ...description, ...other }, images, all);
      machine.run(300_000);
      return machine.failure === undefined ? 'runs on' : machine.report();
    } catch (thrown) {
      if (!(thrown instanceof StateError)) throw thrown;
      return thrown.message;
    }
  }

  it.each<readonly [string, (rewritten: Tree, own: Tree) => unknown, RegExp]>([
    ['nothing is changed', () => undefined, /^runs on$/],
    ['it is not there', (_, own) => (own['rewritten'] = null), /rewritten must be there/],
    ['no room for fix-ups', (r) => (r['places'] = []), /rewritten\.places must be there with fix-ups/],
    ['room that is not its own', (r) => ((r['places'] as number[])[0] = 0x1000), /rewritten\.places/],
    ['too little room', (r) => ((r['places'] as number[])[1] = 0x1000), /rewritten\.places/],
    ['half a fix-up', (r) => (r['added'] = [0x4020_0000]), /rewritten\.added/],
    ['a fix-up between words', (r) => ((r['added'] as number[])[0] = 0x4020_0002), /rewritten\.added/],
    ['a page of more than there are', (r) => (r['pages'] = [0, 0, 4096]), /rewritten\.pages/],
    ['a page that is none', (r) => (r['pages'] = [4, 0, 0]), /rewritten\.pages/],
    ['no registers', (r) => (r['registers'] = null), /rewritten\.places/],
  ])('%s', (_, change, what) => {
    expect(outcome(change)).toMatch(what);
  });

  it('is refused by a host that rewrites otherwise', () => {
    expect(outcome(() => undefined, { impure: 'trap' })).toMatch(/rewritten\.places/);
    expect(outcome(() => undefined, { impure: undefined })).toMatch(/rewritten must be there/);
  });

  it('with any number changed is refused or runs on', () => {
    const random = randomBelow(2026);
    for (let i = 0; i < COUNT; i++) {
      let what = '';
      const came = outcome((rewritten) => {
        what = changeAny(rewritten, random);
      });
      expect(came, what).toMatch(/^(runs on$|software\.hypervisor\.rewritten)/);
    }
  }, 3_600_000);
});
