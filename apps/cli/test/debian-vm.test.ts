// Debian's stock kernel in a VM of the hardware-assisted hypervisor, with disk and network; and several VMs at once on two CPUs.

import { readFileSync, writeFileSync } from 'node:fs';

import { expect } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { createHost } from '@worldswitch/hypervisor-classic';
import type { Host } from '@worldswitch/hypervisor-classic';
import { virt } from '@worldswitch/machine';
import type { BootImages, RunEnd } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';
import type { VmDescription } from '@worldswitch/vmm';

import { namedGuest, tinyGuest } from '../src/guests.ts';
import { expectSound, ext4 } from './ext4.ts';

const { test } = requireTool('apt-get', 'mke2fs', 'e2fsck', 'debugfs');
const PATIENCE = 600_000;
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

async function debianImages(cpus = 1): Promise<BootImages> {
  const { images } = await namedGuest('debian', {
    append: undefined,
    xenAppend: undefined,
    cpus,
    say: () => undefined,
  });
  if (images === undefined) throw new Error('Debian has nothing to boot');
  return images;
}

/** Runs a host to its end, typing when a text comes. */
function finish(
  host: Host,
  output: () => string,
  lines: { after: string; type: string }[],
  most: number,
): RunEnd {
  const left = [...lines];
  for (;;) {
    const end = host.machine.run(5_000_000);
    const [next] = left;
    if (next && output().includes(next.after)) {
      host.machine.type('serial', new TextEncoder().encode(next.type));
      left.shift();
    }
    if (end === 'idle' && left.length === 0) return end;
    if (end !== 'budget' && end !== 'stopped' && end !== 'idle') return end;
    if (host.machine.instructions > most) return end;
  }
}

const COMMANDS = [
  'PS1=; mount -t ext4 /dev/vda /mnt && cat /mnt/hello.txt',
  'echo written by the guest > /mnt/from-guest; sync; cat /mnt/from-guest; umount /mnt && echo disk done',
  'udhcpc -i eth0 -n -q; ping -c 2 10.0.2.2',
  'nproc',
  'poweroff -f',
];

const CASES: readonly { readonly cpus: number; readonly version: 2 | 3 }[] = every
  ? ([2, 3] as const).flatMap((version) => [1, 4].map((cpus) => ({ cpus, version })))
  : [{ cpus: 4, version: 3 }];

for (const { cpus, version } of CASES) {
  test(
    `Debian in a VM: GICv${version}, ${cpus} vCPU${cpus > 1 ? 's' : ''}, with disk and network`,
    async () => {
      const image = await ext4('8M');
      const contents = new Uint8Array(readFileSync(image));
      const disk = memoryDisk(contents);
      let text = '';
      const virtio = [
        { name: 'disk', type: 'virtio-blk' },
        { name: 'net', type: 'virtio-net' },
      ];
      const gic = { version };
      const host = createHost(
        {
          board: virt({ memory: '544M', cpus, gic, virtio }),
          vms: [
            {
              name: 'debian',
              board: virt({ memory: '512M', cpus, gic, virtio }),
              disks: { disk: 'disk' },
            },
          ],
        },
        { debian: await debianImages(cpus) },
        {
          disks: { disk },
          networks: { net: userNetwork() },
          output: (_device, byte) => {
            text += String.fromCharCode(byte);
          },
        },
      );
      const end = finish(
        host,
        () => text,
        [{ after: 'Debian is up', type: `${COMMANDS.join('\n')}\n` }],
        3e9,
      );
      text = text.replaceAll('\r', '');
      expect(end, text.slice(-3000)).toBe('off');
      expect(text).toContain('\nhello from the host\n');
      expect(text).toContain('\ndisk done\n');
      expect(text).toMatch(/lease of 10\.0\.2\.15 obtained from 10\.0\.2\.2/);
      expect(text).toMatch(/2 packets transmitted, 2 packets received, 0% packet loss/);
      expect(text).toContain(`\n${cpus}\n`);
      expect(text).not.toMatch(/Kernel panic|Oops|BUG:|WARNING:|I\/O error|EXT4-fs error/);
      const after = new Uint8Array(contents.length);
      disk.read(0, after);
      writeFileSync(image, after);
      await expectSound(image);
    },
    PATIENCE,
  );
}

if (every)
  test(
    'two Debian VMs and tiny at once on two CPUs',
    async () => {
      let text = '';
      const images = await debianImages();
      const debian = (name: string): VmDescription => ({ name, board: virt({ memory: '256M' }) });
      const { images: small } = await tinyGuest('selftest poweroff');
      if (small === undefined) throw new Error('tiny has nothing to boot');
      const host = createHost(
        {
          board: virt({ memory: '672M', cpus: 2 }),
          vms: [debian('one'), debian('two'), { name: 'tiny', board: virt({ memory: '64M' }) }],
        },
        { one: images, two: images, tiny: small },
        {
          output: (_device, byte) => {
            text += String.fromCharCode(byte);
          },
        },
      );
      const up = (name: string): string => `[${name}] worldswitch: Debian is up`;
      const end = finish(
        host,
        () => (text.includes(up('one')) && text.includes(up('two')) ? `${text}both are up` : text),
        [{ after: 'both are up', type: 'poweroff -f\n\x1d2poweroff -f\n' }],
        3e9,
      );
      expect(end, text.slice(-3000)).toBe('off');
      expect(text).toContain('[tiny] selftest: 60 ok, 0 failed');
      for (const name of ['one', 'two'])
        expect(text).toMatch(new RegExp(`\\[${name}\\] .*reboot: Power down`));
    },
    PATIENCE,
  );
