// The boot protocol of QEMU's `virt` and of arm64 Linux: where kernel, initrd and device tree go, and how the kernel is entered.

import type { Board } from '../board/board.ts';
import { ConfigurationError } from '../errors.ts';
import { boardTree } from '../tree/board.ts';
import { reservationsOf, unflatten, withChosen } from '../tree/read.ts';
import { flatten } from '../tree/write.ts';
import type { LoadedKernel } from './image.ts';

/** What is booted. */
export interface BootImages {
  readonly kernel: LoadedKernel;
  /** The kernel's name, for messages. */
  readonly name?: string;
  readonly initrd?: Uint8Array | undefined;
  /** The kernel's command line. */
  readonly append?: string | undefined;
  /** A device tree instead of the board's own. Command line and initrd are entered into its `/chosen`. */
  readonly tree?: Uint8Array | undefined;
}

/** What goes where. */
export interface Placed {
  readonly pieces: readonly {
    readonly name: string;
    readonly at: number;
    readonly bytes: Uint8Array;
    readonly size: number;
  }[];
  readonly entry: number;
  /** The device tree's address. */
  readonly x0: number;
}

const MIB = 1024 * 1024;
const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** The board's own device tree blob for these images. */
export function deviceTree(
  board: Board,
  append: string,
  initrd?: { readonly start: number; readonly end: number },
): Uint8Array {
  const serial = board.devices.find((d) => d.checked.kind.type.compatible.includes('pl011'));
  const stdout = serial && `/pl011@${(serial.checked.bases[0] ?? 0).toString(16)}`;
  return flatten(boardTree(board.config, board.parts, { bootargs: append, initrd, stdout }));
}

/** A user's device tree with what the boot loader has to say. */
function givenTree(
  blob: Uint8Array,
  append: string | undefined,
  initrd: { readonly start: number; readonly end: number } | undefined,
): Uint8Array {
  const root = unflatten(blob, 'dtb');
  if (append === undefined && initrd === undefined) return blob;
  return flatten(
    withChosen(root, {
      ...(append !== undefined && { bootargs: append }),
      ...(initrd && {
        'linux,initrd-start': [{ u64: initrd.start }],
        'linux,initrd-end': [{ u64: initrd.end }],
      }),
    }),
    reservationsOf(blob, 'dtb'),
  );
}

/** Decides what goes where. Throws a `ConfigurationError` where something does not fit. */
export function placeBoot(board: Board, images: BootImages): Placed {
  const { ramBase, memory } = board.config;
  const end = ramBase + memory;
  const kernelEnd = Math.max(...images.kernel.segments.map((s) => s.at + s.size));
  const initrdAt = Math.max(ramBase + Math.min(memory / 2, 128 * MIB), roundUp(kernelEnd, 2 * MIB));
  const initrd = images.initrd && { start: initrdAt, end: initrdAt + images.initrd.length };
  const treeAt = roundUp(initrd?.end ?? initrdAt, 2 * MIB);
  const tree = images.tree
    ? givenTree(images.tree, images.append, initrd)
    : deviceTree(board, images.append ?? '', initrd);
  if (treeAt + tree.length > end) {
    throw new ConfigurationError(
      'memory',
      `${memory / MIB} MiB hold the kernel but not what follows it; give more`,
    );
  }
  const kernel = images.name ?? 'kernel';
  return {
    pieces: [
      ...images.kernel.segments.map((s) => ({ name: kernel, at: s.at, bytes: s.bytes, size: s.size })),
      ...(images.initrd
        ? [{ name: 'initrd', at: initrdAt, bytes: images.initrd, size: images.initrd.length }]
        : []),
      { name: 'dtb', at: treeAt, bytes: tree, size: tree.length },
    ],
    entry: images.kernel.entry,
    x0: treeAt,
  };
}
