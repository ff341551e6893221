// Hostile guests beside one that minds its own business: whatever they do, it says what it says when it is alone, nothing is thrown, and
// the host goes on. `WORLDSWITCH_FUZZ=N` does about N operations in all.

import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { readKernel, virt } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';

import { createHost } from '../src/index.ts';
import { kinds } from './attack.ts';
import type { Kind } from './attack.ts';
import { tinyImages } from './tiny.ts';

const MODES = Object.keys(kinds) as Kind[];
const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const COUNT = asked > 0 ? Math.ceil(asked / (2 * MODES.length)) : 400;
const PATIENCE = asked > 0 ? 3_600_000 : 120_000;

/** What the quiet VM says, without the attacker's lines. */
const quietLines = (text: string): string[] =>
  text
    .split('\r\n')
    .filter((line) => line.startsWith('[quiet] '))
    .map((line) => line.slice(8));

/** Where the fuzz image keeps the number of operations that it did, from the beginning of memory. */
const COUNTED_AT = 0x07f0_0000;

describe.each([2, 3] as const)('with a GICv%i', (version) => {
  it.each(MODES)(
    'a guest that is hostile by %s harms nobody',
    async (mode) => {
      let text = '';
      const gic = { version };
      const image = readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', 0x4000_0000);
      const host = createHost(
        {
          board: virt({
            memory: '256M',
            gic,
            virtio: [
              { name: 'disk', type: 'virtio-blk' },
              { name: 'net', type: 'virtio-net' },
            ],
          }),
          vms: [
            {
              name: 'hostile',
              board: virt({
                memory: '128M',
                gic,
                virtio: [
                  { name: 'blk', type: 'virtio-blk' },
                  { name: 'net', type: 'virtio-net' },
                  { name: 'console', type: 'virtio-console' },
                  { name: 'rng', type: 'virtio-rng' },
                ],
              }),
              disks: { blk: 'disk' },
            },
            { name: 'quiet', board: virt({ memory: '64M', gic }) },
          ],
          scheduling: { slice: 0.0005 },
        },
        {
          hostile: { kernel: image, append: `fuzz:${mode},${version},${COUNT}` },
          // tiny drives a GICv2; with a GICv3 it needs no interrupt to say where it is.
          quiet: await tinyImages(version === 2 ? 'selftest poweroff' : 'poweroff'),
        },
        {
          disks: { disk: memoryDisk(new Uint8Array(65_536)) },
          networks: { net: userNetwork() },
          output: (_device, byte) => {
            text += String.fromCharCode(byte);
          },
        },
      );
      let end = host.machine.run(1_000_000);
      // tiny sleeps until some 315 ms have passed, of which half the instructions are the other VM's.
      const most = 400e6 + COUNT * 20_000;
      while ((end === 'budget' || end === 'stopped') && host.machine.instructions < most)
        end = host.machine.run(5_000_000);
      expect(host.machine.failure, host.machine.report()).toBeUndefined();
      expect(['budget', 'off', 'idle']).toContain(end);
      if (version === 2) {
        const said = quietLines(text);
        expect(said.filter((line) => line.endsWith('... ok')).length, text.slice(-2000)).toBe(60);
        expect(said).toContain('selftest: 60 ok, 0 failed');
      }
      const window = host.machine.bus.memoryAt(0x4000_0000 as Pa);
      const at = (host.setup.vms[0]?.vm.base ?? 0) - (window?.base ?? 0) + COUNTED_AT;
      const bytes = window?.memory.bytes ?? new Uint8Array();
      const done = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
      expect(done).toBeGreaterThan(0);
      // A guest may overwrite its own counter.
      const counted = Math.min(COUNT, done);
      if (asked > 0) process.stdout.write(`${mode}, GICv${version}: ${counted} operations, ${end}\n`);
    },
    PATIENCE,
  );
});
