// The user's terminal: raw while a guest has it, with Ctrl-A as the escape key (as QEMU's -nographic).

import { drainedStream } from './channel.ts';
import type { Channel, ChannelEvents } from './channel.ts';

/** What a key of the escape sequence asks for. */
export type Escape = 'quit' | 'help' | 'status' | 'power';

/** What the terminal tells besides. */
export interface TerminalEvents extends ChannelEvents {
  escape(what: Escape): void;
  /** Nobody reads standard output any more. */
  outputClosed(): void;
}

const CTRL_A = 1;
const LETTERS: Readonly<Record<string, Escape>> = { x: 'quit', s: 'status', p: 'power' };

/** Takes Ctrl-A and the key after it out of what is typed. */
function escapes(escape: (what: Escape) => void): (bytes: Uint8Array) => Uint8Array {
  let prefixed = false;
  return (bytes) =>
    bytes.filter((byte) => {
      if (prefixed) {
        prefixed = false;
        if (byte === CTRL_A) return true;
        escape(LETTERS[String.fromCharCode(byte).toLowerCase()] ?? 'help');
        return false;
      }
      prefixed = byte === CTRL_A;
      return !prefixed;
    });
}

/** Gives the terminal back, whatever ends the process; all that is done here is synchronous. */
function restore(): void {
  try {
    process.stdin.setRawMode(false);
  } catch {
    // The terminal is gone: there is nothing to restore.
  }
}

/**
 * Standard input and output.
 *
 * @param read - false to leave standard input alone
 */
export function openTerminal(events: TerminalEvents, read: boolean): Channel {
  const { stdin, stdout } = process;
  const interactive = read && stdin.isTTY;
  let ended = !read;
  const keys = escapes((what) => {
    events.escape(what);
  });
  const onData = (data: Buffer): void => {
    const bytes = interactive ? keys(data) : data;
    if (bytes.length > 0) events.typed(Uint8Array.from(bytes));
  };
  const onEnd = (): void => {
    ended = true;
    events.changed();
  };
  const onOutputError = (): void => {
    events.outputClosed();
  };
  stdout.on('error', onOutputError);
  if (read) {
    if (interactive) {
      process.on('exit', restore);
      stdin.setRawMode(true);
    }
    stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
    stdin.resume();
  }
  return {
    get live() {
      return !ended;
    },
    paced: interactive,
    write: (bytes) => {
      stdout.write(bytes);
    },
    drained: () => drainedStream(stdout),
    close: () => {
      if (interactive) {
        restore();
        process.off('exit', restore);
      }
      if (read) {
        stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
        stdin.pause();
      }
      return Promise.resolve();
    },
  };
}
