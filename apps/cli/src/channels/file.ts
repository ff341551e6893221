// Consoles that are files and FIFOs.

import { constants, createWriteStream, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';

import { CliError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import { drainedStream } from './channel.ts';
import type { Channel, ChannelEvents } from './channel.ts';

function cannot(option: string, path: string, thrown: unknown): CliError {
  return new CliError(`${option} ${path}: ${reasonOf(thrown)}`);
}

/** A new file for what the guest prints. */
export async function openFile(option: string, path: string): Promise<Channel> {
  const handle = await open(path, 'w').catch((thrown: unknown) => {
    throw cannot(option, path, thrown);
  });
  const stream = createWriteStream(path, { fd: handle });
  const failed = new Promise<void>((resolve) => {
    stream.on('error', (error) => {
      process.stderr.write(`worldswitch: ${option}: ${path}: ${error.message}\n`);
      resolve();
    });
  });
  return {
    live: false,
    paced: false,
    write: (bytes) => {
      if (!stream.destroyed) stream.write(bytes);
    },
    drained: () => drainedStream(stream),
    close: () =>
      Promise.race([
        failed,
        new Promise<void>((resolve) => {
          stream.end(() => {
            resolve();
          });
        }),
      ]),
  };
}

/** One direction of a pipe. Opened for both, as otherwise opening waits for the other side. */
async function openFifo(option: string, path: string, readable: boolean): Promise<Socket> {
  try {
    if (!(await stat(path)).isFIFO())
      throw new CliError(`${option} ${path}: is no FIFO; make one with mkfifo`);
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return new Socket({ fd, readable, writable: !readable });
  } catch (thrown) {
    throw thrown instanceof CliError ? thrown : cannot(option, path, thrown);
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** FIFOs that others made: PATH.in for the guest's input and PATH.out for its output, as QEMU has them, or PATH for output alone. */
export async function openPipe(option: string, path: string, events: ChannelEvents): Promise<Channel> {
  const two = await exists(`${path}.in`);
  const out = await openFifo(option, two ? `${path}.out` : path, false);
  const from = two ? await openFifo(option, `${path}.in`, true) : undefined;
  out.on('error', () => undefined);
  from?.on('error', () => undefined);
  from?.on('data', (bytes) => {
    events.typed(bytes);
  });
  return {
    live: two,
    paced: two,
    write: (bytes) => {
      if (!out.destroyed) out.write(bytes);
    },
    drained: () => drainedStream(out),
    close: () => {
      from?.destroy();
      out.destroySoon();
      return Promise.resolve();
    },
  };
}
