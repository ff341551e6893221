// Serial ports to files, FIFOs and sockets: what the guest prints arrives there, and what is typed there arrives in the guest.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { requireTool, tempDir } from '@worldswitch/test-tools';

import { program } from '../src/program.ts';

const folder = tempDir();
const at = (name: string): string => join(folder, name);

let errors = '';
beforeEach(() => {
  errors = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs the command, and returns its exit status. */
async function worldswitch(...args: readonly string[]): Promise<unknown> {
  const before = process.exitCode;
  try {
    await program().parseAsync(['node', 'worldswitch', ...args, '--no-stdin']);
    return process.exitCode;
  } finally {
    process.exitCode = before;
  }
}

/** A person at the other end of a socket: waits for tiny's shell, and switches the machine off. */
async function person(socket: Socket): Promise<string> {
  let heard = '';
  await new Promise<void>((resolve, reject) => {
    let typed = false;
    socket.on('data', (bytes) => {
      heard += bytes.toString();
      if (!typed && heard.includes('tiny$ ')) {
        typed = true;
        socket.write('echo hello\npoweroff\n');
      }
    });
    socket.on('close', () => {
      resolve();
    });
    socket.on('error', reject);
  });
  return heard;
}

const shell = (...serial: readonly string[]): readonly string[] => [
  'run',
  'tiny',
  '--append',
  '',
  ...serial.flatMap((where) => ['--serial', where]),
];

test('a file', async () => {
  expect(await worldswitch('run', 'tiny', '--append', 'poweroff', '--serial', `file:${at('out')}`)).toBe(0);
  expect(readFileSync(at('out'), 'utf8')).toMatch(/^tiny: booting at EL1/);
});

test('a Unix socket of ours: the run waits for its peer', async () => {
  const path = at('server.sock');
  const over = worldswitch(...shell(`unix:${path},server=on`));
  await vi.waitUntil(() => errors.includes('waiting for somebody to connect'), 20_000);
  expect(await person(connect(path))).toMatch(/hello\r?\n/);
  expect(await over).toBe(0);
  expect(existsSync(path)).toBe(false);
});

test('TCP, as a client; the second serial port is there too', async () => {
  const heard = new Promise<string>((resolve, reject) => {
    const server = createServer((socket) => {
      server.close();
      person(socket).then(resolve, reject);
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      worldswitch(...shell(`tcp:127.0.0.1:${port}`, 'null')).catch(reject);
    });
  });
  expect(await heard).toMatch(/hello\r?\n/);
});

test('a peer that goes away: nobody will ever type again', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.destroy();
      server.close();
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(at('gone.sock'), resolve);
  });
  expect(await worldswitch(...shell(`unix:${at('gone.sock')}`))).toBe(3);
});

const { test: withFifos } = requireTool('mkfifo');
withFifos('a pair of FIFOs', async () => {
  execFileSync('mkfifo', [at('fifo.in'), at('fifo.out')]);
  const { createReadStream, createWriteStream } = await import('node:fs');
  const over = worldswitch(...shell(`pipe:${at('fifo')}`));
  const into = createWriteStream(at('fifo.in'));
  let heard = '';
  const from = createReadStream(at('fifo.out'));
  from.on('data', (bytes) => {
    heard += bytes.toString();
  });
  await vi.waitUntil(() => heard.includes('tiny$ '), 20_000);
  into.end('echo hello\npoweroff\n');
  expect(await over).toBe(0);
  await vi.waitUntil(() => /hello\r?\n/.test(heard), 20_000);
  from.destroy();
});

test.each([
  [
    'a client whom nobody answers',
    `unix:${at('none.sock')}`,
    /--serial unix:.*none\.sock: nobody answers there \(ENOENT\); add server=on/,
  ],
  ['a file in no folder', `file:${at('none/out')}`, /--serial .*none\/out: there is no such file/],
  ['a FIFO that is none', `pipe:${at('none')}`, /--serial .*none: there is no such file/],
])('%s', async (_name, where, message) => {
  await expect(worldswitch('run', 'tiny', '--serial', where)).rejects.toThrow(message);
});
