// The user's terminal: raw while a guest has it, with Ctrl-A as the escape key (as QEMU's -nographic).

/** What a key of the escape sequence asks for. */
export type Escape = 'quit' | 'help' | 'status';

/** Where the guest's console meets the user. */
export interface Terminal {
  /** True when a person sits at it. */
  readonly interactive: boolean;
  /** True once standard input has ended. */
  readonly ended: boolean;
  /** Resolves when something was typed or asked for, or after so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
  /** Gives the terminal back. */
  close(): void;
}

const CTRL_A = 1;

/** Takes standard input. */
export function openTerminal(typed: (bytes: Uint8Array) => void, escape: (what: Escape) => void): Terminal {
  const { stdin } = process;
  const interactive = stdin.isTTY;
  let ended = false;
  let prefixed = false;
  let wake: (() => void) | undefined;
  const key = (byte: number): number | undefined => {
    if (!interactive) return byte;
    if (!prefixed) {
      prefixed = byte === CTRL_A;
      return prefixed ? undefined : byte;
    }
    prefixed = false;
    if (byte === CTRL_A) return byte;
    const letter = String.fromCharCode(byte).toLowerCase();
    escape(letter === 'x' ? 'quit' : letter === 's' ? 'status' : 'help');
    return undefined;
  };
  const onData = (data: Buffer): void => {
    const bytes = [...data].map(key).filter((b) => b !== undefined);
    if (bytes.length > 0) typed(Uint8Array.from(bytes));
    wake?.();
  };
  const onEnd = (): void => {
    ended = true;
    wake?.();
  };
  if (interactive) stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.on('error', onEnd);
  stdin.resume();
  return {
    interactive,
    get ended() {
      return ended;
    },
    wait: (milliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(done, milliseconds);
        function done(): void {
          clearTimeout(timer);
          wake = undefined;
          resolve();
        }
        wake = done;
      }),
    close() {
      if (interactive) stdin.setRawMode(false);
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.pause();
    },
  };
}
