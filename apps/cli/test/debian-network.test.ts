// Debian's machines on one cable: two that ping each other over a link, on one virtual time.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'vitest';

import { networkLink } from '@worldswitch/devices';
import { createMachine, MachineGroup } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import { requireTool, tempDir } from '@worldswitch/test-tools';

import { describeBoard } from '../src/board.ts';
import { namedGuest } from '../src/guests.ts';
import { TextWatch } from '../src/text-watch.ts';
import { bootGuest } from './boot.ts';
import { bundledCommand } from './command.ts';

const { test } = requireTool('apt-get');
const PATIENCE = 300_000;
/** Virtual nanoseconds of a turn of the group, and in which the guests are done. */
const TURN = 50_000_000;
const LIMIT = 20_000_000_000;

/** A machine with one card, which types lines when it has printed something. */
async function station(
  mac: string,
  end: ReturnType<typeof networkLink>['ends'][number],
  lines: readonly { readonly after: string; readonly type: string }[],
): Promise<{ machine: Machine; printed: () => string }> {
  const guest = await namedGuest('debian-cloud', {
    append: undefined,
    xenAppend: undefined,
    cpus: 1,
    say: () => undefined,
  });
  const { config } = describeBoard({ reboot: true, stdin: false, nic: [{ mac }] }, undefined, guest);
  let printed = '';
  const watches = lines.map(({ after, type }) => ({ watch: new TextWatch(after), type }));
  const machine: Machine = createMachine(config, {
    networks: { net0: end },
    output: (device, byte) => {
      if (device !== 'serial') return;
      printed += String.fromCharCode(byte);
      for (const { watch, type } of watches)
        if (watch.seen(byte)) machine.type('serial', new TextEncoder().encode(type));
    },
  });
  if (guest.images) machine.load(guest.images);
  return { machine, printed: () => printed.replaceAll('\r', '') };
}

test(
  'two machines on a cable ping each other, and a second time the same',
  async () => {
    const once = async (): Promise<readonly (readonly [string, string, number])[]> => {
      const link = networkLink({ latency: 200_000 });
      const [left, right] = link.ends;
      if (left === undefined || right === undefined) throw new Error('a cable has two ends');
      const answers = await station('52:54:00:00:00:01', left, [
        {
          after: 'Debian is up',
          type: 'ifconfig eth0 192.168.7.1 up; echo on | nc -l -p 99; sleep 1; poweroff -f\n',
        },
      ]);
      const asks = await station('52:54:00:00:00:02', right, [
        {
          after: 'Debian is up',
          type: 'ifconfig eth0 192.168.7.2 up; sleep 2; ping -c 3 192.168.7.1; nc 192.168.7.1 99; poweroff -f\n',
        },
      ]);
      const machines = [answers, asks];
      const group = new MachineGroup(
        machines.map(({ machine }) => machine),
        { lookahead: link.latency },
      );
      while (group.now < LIMIT && group.run(TURN) === 'time');
      expect(group.ends, asks.printed().slice(-1500)).toEqual(['off', 'off']);
      return machines.map(({ machine, printed }) => [printed(), machine.hash(), machine.now] as const);
    };
    const first = await once();
    const asked = first[1]?.[0] ?? '';
    expect(asked).toContain('3 packets transmitted, 3 packets received, 0% packet loss');
    // There and back by a cable of 200 microseconds.
    const times = [...asked.matchAll(/time=(\d+\.\d+) ms/g)].map(([, time]) => Number(time));
    expect(times).toHaveLength(3);
    for (const time of times) {
      expect(time).toBeGreaterThan(0.4);
      expect(time).toBeLessThan(1.5);
    }
    expect(asked).toContain('\non\n');
    expect(await once()).toEqual(first);
  },
  PATIENCE,
);

test(
  'two cards of one machine at a hub see each other',
  async () => {
    const { end, printed } = await bootGuest('debian-cloud', {
      options: {
        nic: [
          { mac: undefined, hub: 3 },
          { mac: undefined, hub: 3 },
        ],
      },
      lines: [
        {
          after: 'Debian is up',
          type:
            'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ifconfig eth1 up; ifconfig eth0 192.168.7.1 up; sleep 1; ' +
            'cd /sys/class/net; echo before $(cat eth1/statistics/rx_packets); arping -c 3 -I eth0 192.168.7.2; ' +
            'echo after $(cat eth1/statistics/rx_packets); poweroff -f\n',
        },
      ],
    });
    expect(end).toBe('off');
    // Linux does not answer itself by way of a cable: the frames that came are counted.
    expect(printed('serial')).toMatch(/\nbefore 0\n[^]*\nafter 3\n/);
  },
  PATIENCE,
);

test(
  'two commands on a cable: the guests ping each other',
  async () => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const program = await bundledCommand();
    const start = (
      nic: string,
      commands: string,
    ): { text: () => string; over: Promise<unknown[]>; stop: () => void } => {
      const input = join(tempDir(), 'commands');
      writeFileSync(input, `${commands}\n`);
      const child = spawn('node', [
        ...[program, 'run', 'debian-cloud', '--nic', nic, '--no-stdin', '--timeout', '200'],
        ...['--input', input, '--input-after', 'Debian is up'],
      ]);
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
      return { text: () => text, over: once(child, 'close'), stop: () => child.kill('SIGTERM') };
    };
    const left = start(`socket,listen=:${port}`, 'ifconfig eth0 192.168.9.1 up; echo list""ening');
    while (!left.text().includes('\nlistening')) await sleep(50);
    const right = start(
      `socket,connect=:${port},mac=52:54:00:00:00:77`,
      'ifconfig eth0 192.168.9.2 up; sleep 1; ping -c 2 192.168.9.1; poweroff -f',
    );
    const [status] = await right.over;
    expect([status, right.text()]).toEqual([
      0,
      expect.stringContaining('2 packets transmitted, 2 packets received, 0% packet loss'),
    ]);
    left.stop();
    expect(await left.over).toContain(143);
  },
  PATIENCE,
);
