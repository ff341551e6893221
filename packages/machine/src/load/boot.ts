// The boot protocol of QEMU's `virt` and of arm64 Linux: where kernel, initrd and device tree go, and how the kernel is entered.

import type { TreeNode } from '@worldswitch/platform';

import type { Board } from '../board/board.ts';
import { ConfigurationError } from '../errors.ts';
import { boardTree } from '../tree/board.ts';
import { reservationsOf, unflatten, withChosen } from '../tree/read.ts';
import { flatten } from '../tree/write.ts';
import type { LoadedKernel } from './image.ts';
import { seedProperties } from './seeds.ts';

/** One more image in memory, such as the kernel of a hypervisor's first guest. */
export interface BootModule {
  /** Unique; `BootImages.chosen` asks for it by this name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Where a module lies: `start` is its first address, `size` its bytes. */
export interface ModulePlace {
  readonly start: number;
  readonly size: number;
}

/** What is booted. */
export interface BootImages {
  /** The kernel; on a board whose CPUs are powered on into software in TypeScript it is no more than loaded, and may be absent. */
  readonly kernel?: LoadedKernel | undefined;
  /** The kernel's name, for messages. */
  readonly name?: string;
  readonly initrd?: Uint8Array | undefined;
  /** The kernel's command line. */
  readonly append?: string | undefined;
  /** A device tree instead of the board's own. Command line and initrd are entered into its `/chosen`. */
  readonly tree?: Uint8Array | undefined;
  /** Further images, each put on a 2 MiB boundary behind the initrd. */
  readonly modules?: readonly BootModule[] | undefined;
  /** What goes into `/chosen` besides, when it is known where the modules lie. */
  readonly chosen?: ((place: (module: string) => ModulePlace) => ChosenAdditions) | undefined;
}

/** Properties and nodes of `/chosen`. */
export type ChosenAdditions = Partial<Pick<TreeNode, 'properties' | 'children'>>;

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

/** What the loader says in `/chosen`. */
interface Said {
  readonly append: string | undefined;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  readonly additions: ChosenAdditions;
}

/** The board's own device tree blob for these images. */
export function deviceTree(
  board: Board,
  append: string,
  initrd?: { readonly start: number; readonly end: number },
  additions: ChosenAdditions = {},
): Uint8Array {
  const serial = board.devices.find((d) => d.checked.kind.type.compatible.includes('pl011'));
  const stdout = serial && `/pl011@${(serial.checked.bases[0] ?? 0).toString(16)}`;
  const chosen = {
    ...additions,
    properties: { ...seedProperties(board.config.seed), ...additions.properties },
  };
  return flatten(
    boardTree(board.config, board.parts, { bootargs: append, initrd, stdout, additions: chosen }),
  );
}

/** A user's device tree with what the boot loader has to say. */
function givenTree(blob: Uint8Array, { append, initrd, additions }: Said): Uint8Array {
  const root = unflatten(blob, 'dtb');
  const { properties = {}, children = [] } = additions;
  const silent = Object.keys(properties).length + children.length === 0;
  if (append === undefined && initrd === undefined && silent) return blob;
  return flatten(
    withChosen(
      root,
      {
        ...(append !== undefined && { bootargs: append }),
        ...(initrd && {
          'linux,initrd-start': [{ u64: initrd.start }],
          'linux,initrd-end': [{ u64: initrd.end }],
        }),
        ...properties,
      },
      children,
    ),
    reservationsOf(blob, 'dtb'),
  );
}

/** Puts modules one after the other, each on a 2 MiB boundary, and says where the last ends. */
function placeModules(modules: readonly BootModule[], from: number): [Map<string, ModulePlace>, number] {
  const places = new Map<string, ModulePlace>();
  let at = from;
  for (const { name, bytes } of modules) {
    const start = roundUp(at, 2 * MIB);
    if (places.has(name)) throw new ConfigurationError(name, 'is the name of two modules');
    places.set(name, { start, size: bytes.length });
    at = start + bytes.length;
  }
  return [places, at];
}

/** Decides what goes where. Throws a `ConfigurationError` where something does not fit. */
export function placeBoot(board: Board, images: BootImages): Placed {
  const { ramBase, memory } = board.config;
  const end = ramBase + memory;
  const { modules = [], append } = images;
  if (images.kernel === undefined && !board.config.software.some(({ boot }) => boot))
    throw new ConfigurationError('kernel', 'is missing: there is no software on the board to boot into');
  const segments = images.kernel?.segments ?? [];
  const kernelEnd = Math.max(ramBase, ...segments.map((s) => s.at + s.size));
  const initrdAt = Math.max(ramBase + Math.min(memory / 2, 128 * MIB), roundUp(kernelEnd, 2 * MIB));
  const initrd = images.initrd && { start: initrdAt, end: initrdAt + images.initrd.length };
  const [places, modulesEnd] = placeModules(modules, initrd?.end ?? initrdAt);
  const additions =
    images.chosen?.((name) => {
      const place = places.get(name);
      if (place === undefined) throw new ConfigurationError(name, 'is not among the modules');
      return place;
    }) ?? {};
  const treeAt = roundUp(modulesEnd, 2 * MIB);
  const tree = images.tree
    ? givenTree(images.tree, { append, initrd, additions })
    : deviceTree(board, append ?? '', initrd, additions);
  if (treeAt + tree.length > end) {
    throw new ConfigurationError(
      'memory',
      `${memory / MIB} MiB hold the kernel but not what follows it; give more`,
    );
  }
  const kernel = images.name ?? 'kernel';
  const piece = (
    name: string,
    at: number,
    bytes: Uint8Array,
    size = bytes.length,
  ): Placed['pieces'][number] => ({
    name,
    at,
    bytes,
    size,
  });
  return {
    pieces: [
      ...segments.map((s) => piece(kernel, s.at, s.bytes, s.size)),
      ...(images.initrd ? [piece('initrd', initrdAt, images.initrd)] : []),
      ...modules.map(({ name, bytes }) => piece(name, places.get(name)?.start ?? 0, bytes)),
      piece('dtb', treeAt, tree),
    ],
    entry: images.kernel?.entry ?? 0,
    x0: treeAt,
  };
}
