// The board's device tree: the sum of its parts' nodes, and what belongs to no part (Linux Documentation/devicetree/bindings).

import type { DeviceType, Placement, TreeNode } from '@worldswitch/platform';

import type { CheckedConfig } from '../config/config.ts';
import { models } from '../id/models.ts';

/** A part and where it was put. */
export interface PlacedPart {
  readonly type: Pick<DeviceType<never, never>, 'treeNode'>;
  readonly config: unknown;
  readonly bases: readonly number[];
  /** The cells of an `interrupts` property by pin. */
  readonly interrupts: (pin: string) => readonly number[];
  /** For devices that drive inputs of others, and for those others. */
  readonly label?: string;
  readonly connection?: NonNullable<Placement['connection']>;
}

/** What the loader puts in `chosen`. */
export interface Chosen {
  readonly bootargs: string;
  readonly initrd?: { readonly start: number; readonly end: number } | undefined;
  /** Path of the console's node. */
  readonly stdout?: string | undefined;
  /** Further properties and nodes. */
  readonly additions?: Partial<Pick<TreeNode, 'properties' | 'children'>> | undefined;
}

const hex = (n: number): string => n.toString(16);

/** The tree of a configuration with its parts placed. */
export function boardTree(config: CheckedConfig, parts: readonly PlacedPart[], chosen: Chosen): TreeNode {
  const clocks = new Map<number, TreeNode>();
  const fixedClock = (hertz: number): string => {
    const label = `clk${hertz}`;
    if (!clocks.has(hertz)) {
      clocks.set(hertz, {
        name: clocks.size === 0 ? 'apb-pclk' : `clock-${hertz}`,
        label,
        properties: {
          compatible: 'fixed-clock',
          '#clock-cells': [0],
          'clock-frequency': [hertz],
          'clock-output-names': `clk${hertz / 1e6}mhz`,
        },
      });
    }
    return label;
  };
  const nodes = parts.flatMap(({ type, config: own, bases, interrupts, label, connection }) => {
    const placement: Placement = {
      bases,
      interrupt: interrupts,
      fixedClock,
      ...(label !== undefined && { label }),
      ...(connection && { connection }),
    };
    const node = type.treeNode?.(own as never, placement);
    return node === undefined ? [] : [withoutEmpty(node)];
  });
  return {
    name: '',
    properties: {
      compatible: 'linux,dummy-virt',
      model: 'linux,dummy-virt',
      '#address-cells': [2],
      '#size-cells': [2],
      'interrupt-parent': [{ ref: 'gic' }],
    },
    children: [
      chosenNode(chosen),
      ...aliases(nodes),
      ...(config.psci ? [psci(config.el2)] : []),
      {
        name: `memory@${hex(config.ramBase)}`,
        properties: { device_type: 'memory', reg: [{ u64: config.ramBase }, { u64: config.memory }] },
      },
      cpus(config),
      ...clocks.values(),
      ...placed(nodes),
    ],
  };
}

/** Nodes at the root, with those that belong below another one there. */
function placed(nodes: readonly TreeNode[]): readonly TreeNode[] {
  const labels = new Set(nodes.flatMap(({ label }) => label ?? []));
  const isBelow = ({ below }: TreeNode): boolean => below !== undefined && labels.has(below);
  return nodes
    .filter((node) => !isBelow(node))
    .map((node) => {
      const inner = nodes.filter((other) => isBelow(other) && other.below === node.label);
      return inner.length === 0 ? node : { ...node, children: [...(node.children ?? []), ...inner] };
    });
}

/** Numbers of serial ports in the order of the board, where there are several: ttyAMA0, ttyAMA1 ... */
function aliases(nodes: readonly TreeNode[]): readonly TreeNode[] {
  const ports = nodes.filter(({ name }) => name.startsWith('pl011@'));
  if (ports.length < 2) return [];
  const properties = Object.fromEntries(ports.map(({ name }, i) => [`serial${i}`, `/${name}`]));
  return [{ name: 'aliases', properties }];
}

/** A device whose wire is connected to nothing has no `interrupts`. */
function withoutEmpty(node: TreeNode): TreeNode {
  const { interrupts, ...properties } = node.properties;
  return Array.isArray(interrupts) && interrupts.length === 0 ? { ...node, properties } : node;
}

function chosenNode(chosen: Chosen): TreeNode {
  const { initrd, additions } = chosen;
  return {
    name: 'chosen',
    properties: {
      bootargs: chosen.bootargs,
      ...(chosen.stdout !== undefined && { 'stdout-path': chosen.stdout }),
      ...(initrd && {
        'linux,initrd-start': [{ u64: initrd.start }],
        'linux,initrd-end': [{ u64: initrd.end }],
      }),
      ...additions?.properties,
    },
    ...(additions?.children && { children: additions.children }),
  };
}

const psci = (el2: boolean): TreeNode => ({
  name: 'psci',
  properties: {
    compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'],
    method: el2 ? 'smc' : 'hvc',
    cpu_suspend: [0xc400_0001],
    cpu_off: [0x8400_0002],
    cpu_on: [0xc400_0003],
    migrate: [0xc400_0005],
  },
});

const cpus = (config: CheckedConfig): TreeNode => ({
  name: 'cpus',
  properties: { '#address-cells': [1], '#size-cells': [0] },
  children: Array.from({ length: config.cpus }, (_, i) => ({
    name: `cpu@${i}`,
    properties: {
      device_type: 'cpu',
      compatible: models[config.cpu].compatible,
      reg: [i],
      ...(config.psci && { 'enable-method': 'psci' }),
    },
  })),
});
