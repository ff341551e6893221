// Debian reaches servers on the host's loopback, and is reached by forwarded ports, with real sockets; what came from outside is
// recorded, and its replay without any socket is the same run.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createConnection, createServer as createListener } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect } from 'vitest';

import { noSockets, userNetwork } from '@worldswitch/devices';
import type { OutsideSockets, PortForward } from '@worldswitch/devices';
import { hostSockets } from '@worldswitch/devices/node';
import { createMachine } from '@worldswitch/machine';
import type { Machine } from '@worldswitch/machine';
import { requireTool, tempDir } from '@worldswitch/test-tools';

import { describeBoard } from '../src/board.ts';
import { namedGuest } from '../src/guests.ts';
import { bundledCommand } from './command.ts';

const { test } = requireTool('apt-get');
const PATIENCE = 300_000;
const CHUNK = 4_000_000;
const encoder = new TextEncoder();

/** More than a window of bytes, none like the one before. */
const PAGE = Uint8Array.from({ length: 400_000 }, (_, i) => (i * 7919 + (i >> 8)) & 0xff);
const FORWARDS: readonly PortForward[] = [{ protocol: 'tcp', hostPort: 0, guestPort: 99 }];

interface Boot {
  readonly machine: Machine;
  readonly printed: () => string;
}
async function boot(sockets: OutsideSockets): Promise<Boot> {
  const wishes = { append: undefined, xenAppend: undefined, cpus: 1, say: () => undefined };
  const guest = await namedGuest('debian-cloud', wishes);
  const options = { reboot: true, stdin: false, nic: [{ mac: undefined }] };
  const { config } = describeBoard(options, undefined, guest);
  let printed = '';
  const machine = createMachine(config, {
    networks: { net0: userNetwork({ outside: { sockets, outgoing: true, forwards: FORWARDS } }) },
    output: (device, byte) => {
      if (device === 'serial') printed += String.fromCharCode(byte);
    },
  });
  if (guest.images) machine.load(guest.images);
  return { machine, printed: () => printed.replaceAll('\r', '') };
}

/** Servers on the loopback: HTTP that serves PAGE and takes what is posted, and TFTP of one file. */
async function servers(): Promise<{ http: number; tftp: number; posted: () => string; close: () => void }> {
  let posted = '';
  const http = createServer((request, response) => {
    request.on('data', (bytes: Buffer) => (posted += bytes.toString()));
    request.on('end', () => response.end(PAGE));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const tftp = createSocket('udp4');
  tftp.on('message', (message, from) => {
    const isRead = message[1] === 1;
    if (isRead)
      tftp.send(Uint8Array.from([0, 3, 0, 1, ...encoder.encode('by datagram')]), from.port, from.address);
  });
  tftp.bind(0, '127.0.0.1');
  await once(tftp, 'listening');
  return {
    http: (http.address() as AddressInfo).port,
    tftp: tftp.address().port,
    posted: () => posted,
    close: () => {
      http.close();
      tftp.close();
    },
  };
}

/** Runs with the host's time while it waits, as a session does; `look` is called between runs. */
async function runPaced({ machine }: Boot, look: () => void): Promise<void> {
  const began = Date.now();
  for (;;) {
    expect(Date.now() - began).toBeLessThan(PATIENCE);
    const why = machine.run(CHUNK, false);
    look();
    if (why === 'off') return;
    const before = Date.now();
    await sleep(why === 'waiting' ? Math.min(20, machine.untilDeadline / 1e6) : 0);
    if (why === 'waiting') machine.pass(Math.min((Date.now() - before) * 1e6, machine.untilDeadline));
  }
}

test(
  'wget, a post, a datagram and a forwarded port; the replay is the same to the last register',
  async () => {
    const there = await servers();
    const inputs: Uint8Array[] = [];
    const take: { input: (event: Uint8Array) => void } = { input: (event) => inputs.push(event) };
    const sockets = hostSockets({
      forwards: FORWARDS,
      input: (event) => {
        take.input(event);
      },
    });
    const [port = 0] = await sockets.listen();
    const live = await boot(sockets);
    take.input = (event) => {
      live.machine.type('net0', event);
    };
    let answer = '';
    let hasCalled = false;
    const commands = [
      'udhcpc -i eth0 -n -q',
      `wget -q -O - http://10.0.2.2:${there.http}/ | md5sum`,
      `for i in 1 2 3 4 5 6 7 8; do wget -q -O - http://10.0.2.2:${there.http}/ | md5sum & done; wait`,
      `wget -q -O /dev/null --post-data "$(seq 1 5000)" http://10.0.2.2:${there.http}/ && echo posted`,
      `tftp -g -r some -l /got 10.0.2.2 ${there.tftp}; cat /got; echo`,
      `wget -q -O - http://10.0.2.2:1/ || echo refused`,
      'echo rea""dy; seq 1 20000 | nc -l -p 99; echo done',
      'poweroff -f',
    ];
    const say = (text: string): void => {
      live.machine.type('serial', encoder.encode(text));
    };
    let isTyped = false;
    await runPaced(live, () => {
      const text = live.printed();
      if (!isTyped && text.includes('Debian is up')) {
        isTyped = true;
        say(`${commands.join('\n')}\n`);
      }
      if (hasCalled || !text.includes('\nready\n')) return;
      hasCalled = true;
      const call = createConnection({ port, host: '127.0.0.1' });
      call.on('data', (bytes) => (answer += bytes.toString()));
      call.write('hello from the host\n');
    });
    sockets.close();
    there.close();
    const text = live.printed();
    // One by itself, and eight at once, which the card's queue has no room for.
    expect(text.split(`${createHash('md5').update(PAGE).digest('hex')}  -\n`)).toHaveLength(10);
    expect(text).toContain('\nposted\n');
    expect(there.posted().trim().split('\n')).toHaveLength(5000);
    expect(text).toContain('\nby datagram\n');
    expect(text).toContain('\nrefused\n');
    expect(text).toContain('\nhello from the host\n');
    expect(answer.trim().split('\n').at(-1)).toBe('20000');

    const again = await boot(noSockets);
    again.machine.replay(live.machine.recorded);
    let end = again.machine.run(CHUNK);
    while (end === 'budget') end = again.machine.run(CHUNK);
    expect(end).toBe('off');
    expect(again.printed()).toBe(text);
    expect([again.machine.now, again.machine.instructions]).toEqual([
      live.machine.now,
      live.machine.instructions,
    ]);
    expect(again.machine.hash()).toBe(live.machine.hash());
  },
  PATIENCE,
);

test(
  'the command: the guest serves a page by a forwarded port, and a port that is taken is refused with one line',
  async () => {
    const holder = createListener();
    holder.listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const commands = join(tempDir(), 'commands');
    writeFileSync(
      commands,
      'udhcpc -i eth0 -n -q\nmkdir /www; echo from the guest > /www/page; httpd -p 80 -h /www; echo serv""ing\n',
    );
    const program = await bundledCommand();
    const start = (): ReturnType<typeof spawn> =>
      spawn('node', [
        ...[program, 'run', 'debian-cloud', '--nic', `user,hostfwd=tcp::${port}-:80`, '--no-stdin'],
        ...['--input', commands, '--input-after', 'Debian is up', '--timeout', '200'],
      ]);
    const refused = start();
    let complaint = '';
    refused.stderr?.on('data', (bytes: Buffer) => (complaint += bytes.toString()));
    const [status] = (await once(refused, 'close')) as [number];
    expect([status, complaint]).toEqual([
      2,
      `worldswitch: --nic user,hostfwd=tcp:127.0.0.1:${port}: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
    ]);
    holder.close();

    const child = start();
    const over = once(child, 'close');
    let text = '';
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const serving = new Promise<void>((resolve) => {
      child.stdout?.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (/\nserving\r?\n/.test(text)) resolve();
      });
    });
    await Promise.race([serving, over]);
    expect(text, said).toContain('serving');
    const page = await fetch(`http://127.0.0.1:${port}/page`);
    expect(await page.text()).toBe('from the guest\n');
    child.kill('SIGTERM');
    const [end] = (await over) as [number];
    expect(end).toBe(143);
  },
  PATIENCE,
);
