// What a device is given, what it is, and how its type is described.

import type { Width } from './address.ts';
import type { Dma, Mmio } from './bus.ts';
import type { RegisterInfo } from './registers.ts';
import type { Plain, StateCodec } from './state.ts';
import type { Clock } from './time.ts';
import type { Trace } from './trace.ts';

/** A wire. Edge or level is the controller's configuration, never the device's. The machine saves the level with it. */
export interface InterruptLine {
  /** What was last set. */
  readonly level: boolean;
  /** Drives the wire. Setting the level that it has does nothing. */
  set(level: boolean): void;
}

/** Enter: own state only. Hold: lines may move. Exit: translators last, so that no DMA in flight faults. */
export const Reset = { Enter: 0, Hold: 1, Exit: 2 } as const;
/** A phase of reset. */
export type Reset = (typeof Reset)[keyof typeof Reset];

/** A device's whole world: wires, a clock and a DMA port. */
export interface Wiring<Pin extends string = string> {
  /** The wire of one of the type's pins. */
  line(pin: Pin): InterruptLine;
  /** Virtual time. */
  readonly clock: Clock;
  /** Memory, as the device's bus master port sees it. */
  readonly dma: Dma;
  /** Where events go that a user may switch on. */
  readonly trace: Trace;
}

/** One device. It starts in its reset state. */
export interface Device<State extends Plain> {
  /** One per region of its type, in order: a GICv2 has four. */
  readonly mmio: readonly Mmio[];
  /** The wire into one of the type's inputs. */
  input?(name: string): InterruptLine;
  /** One phase of reset; the machine calls each phase on all devices before the next. */
  reset(phase: Reset): void;
  /** The whole state, as plain data: a restored copy's future equals this one's. */
  save(): State;
}

/** A node of the device tree: property values are cells, strings, bytes, references to other nodes, or empty (`true`). */
export interface TreeNode {
  /** Name with unit address: `pl011@9000000`. */
  readonly name: string;
  /** A label by which other nodes refer to this one. */
  readonly label?: string;
  /** The label of the board's node below which this one stands; it stands at the root when absent. */
  readonly below?: string;
  /** In the order in which they are written. */
  readonly properties: Readonly<Record<string, TreeValue>>;
  /** Child nodes. */
  readonly children?: readonly TreeNode[];
}

/** A property: `true` is empty; a number is one cell; `{ ref }` is the phandle of a labelled node. */
export type TreeValue = true | string | readonly string[] | readonly TreeCell[] | Uint8Array;

/** One 32-bit cell, a 64-bit one, or a phandle. */
export type TreeCell = number | { readonly u64: number } | { readonly ref: string };

/** What a device's tree node may depend on: where the board put it and what its wires are connected to. */
export interface Placement<Pin extends string = string> {
  /** The regions' base addresses, in the order of the type's regions. */
  readonly bases: readonly number[];
  /** The cells of an `interrupts` property for a pin. */
  interrupt(pin: Pin): readonly number[];
  /** A label of its own for the device's node, by which nodes of devices that are connected to it refer to it. */
  readonly label?: string;
  /** The input of another device that a pin drives, and the label of that device's node; `undefined` where it drives none. */
  connection?(pin: Pin): { readonly label: string; readonly input: string } | undefined;
  /** The label of a shared clock node of a frequency in hertz, which the board makes on first use. */
  fixedClock(hertz: number): string;
}

/** `create` with a state restores; without one it powers up. There is no half-restored device. */
export interface DeviceType<Config, State extends Plain, Pin extends string = string> {
  /** The device-tree name, for example `arm,pl011`. */
  readonly compatible: string;
  /** The register blocks. */
  readonly regions: readonly {
    readonly name: string;
    readonly size: number;
    readonly widths: readonly (Width | 8)[];
    /** The registers, where they stand in a table: fuzzers aim at them and reference pages list them. */
    readonly registers?: readonly RegisterInfo[];
  }[];
  /** The names of its interrupt wires, and of others that it drives. */
  readonly pins: readonly Pin[];
  /** The names of inputs that other devices' pins may drive: GPIO pins. */
  readonly inputs?: readonly string[];
  /** How its state is checked on load. */
  readonly state: StateCodec<State>;
  /** Makes one. */
  create(config: Config, wiring: Wiring<Pin>, state?: State): Device<State>;
  /** Its own device-tree node, so that the tree cannot drift from the machine. */
  treeNode?(config: Config, at: Placement<Pin>): TreeNode;
}
