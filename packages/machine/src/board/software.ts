// Privileged software in TypeScript on the board: its pages on the bus, its part of the device tree, the CPUs that call it.

import { attachSoftware, noSoftwareCounts } from '@worldswitch/isa-core';
import type { AttachedSoftware, Cpu, SoftwareSurroundings } from '@worldswitch/isa-core';
import type { Mmio, Pa, Plain, PrivilegedSoftware } from '@worldswitch/platform';

import type { SystemBus } from '../bus/bus.ts';
import type { CheckedConfig } from '../config/config.ts';
import type { CheckedSoftware } from '../config/software.ts';
import type { PlacedPart } from '../tree/board.ts';

/** One piece of software on the board. */
export interface BoardSoftware extends AttachedSoftware {
  readonly checked: CheckedSoftware;
  readonly part: PlacedPart;
  /** Makes it anew, as at power-on. */
  reset(): void;
}

/** A page as data: it reads as zero, and nothing can be stored there. */
const asData: Mmio = { read: () => 0, write: () => undefined };

/** Its node, by which others know that the page is taken. */
const placed = ({ name, page }: CheckedSoftware): PlacedPart => ({
  type: {
    treeNode: () => ({
      name: `software@${page.toString(16)}`,
      properties: { compatible: 'worldswitch,software', label: name, reg: [{ u64: page }, { u64: 0x1000 }] },
    }),
  },
  config: {},
  bases: [page],
  interrupts: () => [],
});

/** Makes the software of a board, from saved states where there are some, and attaches it to the CPUs. */
export function buildSoftware(
  config: CheckedConfig,
  bus: SystemBus,
  cpus: readonly Cpu[],
  states: Readonly<Record<string, Plain>> | undefined,
  surroundings: SoftwareSurroundings,
): readonly BoardSoftware[] {
  if (config.software.length === 0) return [];
  const pages: Readonly<Record<string, Pa>> = Object.fromEntries(
    config.software.map(({ name, page }) => [name, page]),
  );
  const all = config.software.map((checked): BoardSoftware => {
    const { name, page, type } = checked;
    bus.map({ name, base: page, size: 0x1000, widths: [1, 2, 4, 8] }, asData);
    const context = { name, page, pages, cpus: config.cpus };
    const make = (state?: Plain): PrivilegedSoftware<Plain> =>
      type.create(context, state) as PrivilegedSoftware<Plain>;
    const made: BoardSoftware = {
      name,
      page,
      checked,
      counts: noSoftwareCounts(),
      software: make(states?.[name]),
      part: placed(checked),
      reset() {
        made.software = make();
      },
    };
    return made;
  });
  attachSoftware(cpus, all, surroundings);
  return all;
}
