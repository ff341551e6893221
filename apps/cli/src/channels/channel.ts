// Where the bytes of a guest's console go to and come from, outside the machine.

/** One end of a console. */
export interface Channel {
  /** True while somebody may still type: a guest that waits is then not waiting for ever. */
  readonly live: boolean;
  /** True when time should pass as it does for a person. */
  readonly paced: boolean;
  /** Resolves when the run may begin: a server may wait for its first peer. */
  ready?(): Promise<void>;
  /** Takes what the guest printed. */
  write(bytes: Uint8Array): void;
  /** Resolves when what is under way outside is not too much: a guest may print faster than its reader reads. */
  drained(): Promise<void>;
  /** Ends it; what was written arrives. */
  close(): Promise<void>;
}

/** What a channel tells its session. */
export interface ChannelEvents {
  /** Bytes for the guest. */
  typed(bytes: Uint8Array): void;
  /** Something changed: nobody is live any more. */
  changed(): void;
}

/** Bytes under way beyond which the guest waits. */
const UNDER_WAY = 1 << 20;

/** Resolves when a stream has taken most of what was written, or cannot any more. */
export async function drainedStream(
  stream: NodeJS.WritableStream & { writableLength: number },
): Promise<void> {
  if (stream.writableLength < UNDER_WAY) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    stream.on('drain', done).on('close', done).on('error', done);
  });
}

/** Nowhere. */
export const nowhere: Channel = {
  live: false,
  paced: false,
  write: () => undefined,
  drained: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
