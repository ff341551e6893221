// Debian's own drivers of virtio on our devices: an ext4 disk, the network, the console hvc0 and entropy, at EL1 and EL2, with both
// interrupt controllers, on one CPU and on four.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { requireTool, tempDir, tryRun } from '@worldswitch/test-tools';

import { bootGuest } from './boot.ts';
import { bundledCommand } from './command.ts';
import { expectSound, ext4 } from './ext4.ts';

const { test } = requireTool('apt-get', 'mke2fs', 'e2fsck', 'debugfs');

/** What a first start of the guest fetches takes its time. */
const PATIENCE = 300_000;

const COMMANDS = [
  'echo PS1 is off; PS1=',
  'mount -t ext4 /dev/vda /mnt && cat /mnt/hello.txt',
  'echo written by the guest > /mnt/from-guest; sync; cat /mnt/from-guest',
  'dd if=/dev/zero of=/mnt/zeros bs=64k count=20 2>&1; rm /mnt/zeros',
  'umount /mnt && echo disk done',
  'udhcpc -i eth0 -n -q; ping -c 2 10.0.2.2',
  'echo to hvc0 > /dev/hvc0',
  'echo to the second port > /dev/ttyAMA1',
  'cat /sys/class/misc/hw_random/rng_available',
  'dd if=/dev/hwrng bs=32 count=1 2>/dev/null | od -A n -t x1',
  'nproc; grep -c virtio /proc/interrupts',
  'poweroff -f',
];

const WRITE_FOR_EVER = [
  'mount /dev/vda /mnt; echo written by the guest >/mnt/from-guest; sync; i=0',
  'while :; do i=$((i+1)); echo $i; dd if=/dev/urandom of=/mnt/f$((i % 20)) bs=4k count=30; sync; done 2>/dev/null',
].join('\n');

interface Case {
  readonly el2: boolean;
  readonly gic: 2 | 3;
  readonly smp: number;
}

const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

/** All eight, or three that have everything between them. */
const CASES: readonly Case[] = every
  ? [false, true].flatMap((el2) =>
      ([2, 3] as const).flatMap((gic) => [1, 4].map((smp) => ({ el2, gic, smp }))),
    )
  : [
      { el2: false, gic: 2, smp: 4 },
      { el2: false, gic: 3, smp: 1 },
      { el2: true, gic: 3, smp: 4 },
    ];

for (const { el2, gic, smp } of CASES) {
  test(
    `entered at EL${el2 ? 2 : 1}, GICv${gic}, ${smp} CPU${smp > 1 ? 's' : ''}`,
    async () => {
      const image = await ext4();
      const { end, printed } = await bootGuest('debian', {
        options: {
          el2,
          gic,
          smp,
          drive: [{ file: image, readonly: false, snapshot: false }],
          nic: [{ mac: undefined }],
          console: { kind: 'null' },
          serial: [{ kind: 'null' }, { kind: 'null' }],
          rng: true,
        },
        lines: [{ after: 'Debian is up', type: `${COMMANDS.join('\n')}\n` }],
      });
      const text = printed('serial');
      expect(end, text.slice(-3000)).toBe('off');
      expect(text).toContain('\nhello from the host\n');
      expect(text).toContain('20+0 records out');
      expect(text).toContain('\ndisk done\n');
      expect(text).toMatch(/lease of 10\.0\.2\.15 obtained from 10\.0\.2\.2/);
      expect(text).toMatch(/2 packets transmitted, 2 packets received, 0% packet loss/);
      expect(printed('hvc')).toMatch(/Debian is up on hvc0[^]*to hvc0/);
      expect(printed('serial1')).toBe('to the second port\n');
      expect(text).toContain('\nvirtio_rng.0');
      expect(text).toMatch(/^( [0-9a-f]{2}){16}$/m);
      expect(text).toContain(`\n${smp}\n4\n`);
      expect(text).not.toMatch(/Kernel panic|Oops|BUG:|WARNING:|I\/O error|EXT4-fs error/);
      await expectSound(image);
    },
    PATIENCE,
  );
}

test(
  'what ends the command leaves a disk that its journal makes whole',
  async () => {
    const image = await ext4();
    const commands = join(tempDir(), 'commands');
    writeFileSync(commands, `${WRITE_FOR_EVER}\n`);
    const program = await bundledCommand();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
      const child = spawn('node', [
        ...[program, 'run', 'debian', '--drive', image, '--no-stdin'],
        ...['--input', commands, '--input-after', 'Debian is up'],
      ]);
      const ended = new Promise((resolve) => child.on('close', resolve));
      let text = '';
      child.stdout.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (/\n1\d\r?\n/.test(text)) child.kill(signal);
      });
      await ended;
      expect(text).toMatch(/\n1\d\r?\n/);
      // Replays the journal: 0 or 1 where that was all there was to do.
      const { status, stdout } = await tryRun('e2fsck', ['-fp', image]);
      expect(status, stdout).toBeLessThan(2);
      expect(stdout).not.toContain('UNEXPECTED');
      await expectSound(image);
    }
  },
  PATIENCE,
);

test(
  'the same machine twice: equal bytes and an equal hash, with devices and four CPUs',
  async () => {
    const image = await ext4();
    const once = async (): Promise<readonly string[]> => {
      const { machine, printed } = await bootGuest('debian-cloud', {
        options: {
          smp: 4,
          gic: 3,
          drive: [{ file: image, readonly: false, snapshot: true }],
          nic: [{ mac: undefined }],
          rng: true,
        },
        lines: [
          {
            after: 'Debian is up',
            type: 'dd if=/dev/vda bs=64k count=10 | md5sum; dd if=/dev/hwrng bs=16 count=1 | md5sum; cat /proc/sys/kernel/random/boot_id; poweroff -f\n',
          },
        ],
      });
      return [printed('serial'), String(machine.now), machine.hash()];
    };
    expect(await once()).toEqual(await once());
  },
  PATIENCE,
);
