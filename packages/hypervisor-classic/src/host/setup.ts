// What the hypervisor is built with, as a linker and a boot loader would tell it: the board, and where the VMs' memory and images are.

import type { CheckedConfig } from '@worldswitch/machine';
import type { CheckedVm, ShadowChoice } from '@worldswitch/vmm';

import type { TrapControls } from '../hardware-assisted/traps.ts';
import type { Rewriting } from '../impure/rewrite.ts';

/** One VM and how it is entered. */
export interface VmSetup {
  readonly vm: CheckedVm;
  /** Where its first vCPU starts, and X0: intermediate physical addresses. */
  readonly entry: number;
  readonly x0: number;
}

/** Lengths of the scheduler's, in seconds. */
export interface SchedulingTimes {
  /** The longest that a vCPU runs while another one of its priority could; 0.01 when absent. */
  readonly slice?: number | undefined;
  /** The period in which a cap holds; 0.1 when absent. */
  readonly period?: number | undefined;
}

/** Everything that does not change while it runs. */
export interface HypervisorSetup {
  /** The board that it runs on. */
  readonly host: CheckedConfig;
  /** Its own memory: first address and size. */
  readonly memory: { readonly base: number; readonly size: number };
  readonly vms: readonly VmSetup[];
  readonly traps: TrapControls;
  readonly scheduling: SchedulingTimes;
  /** Trap-and-emulate: how guests' tables are shadowed; lazily when absent. */
  readonly shadow?: ShadowChoice | undefined;
  /** The kernel runs from a translation cache; without `inline` every sensitive instruction is called out. */
  readonly translation?: { readonly inline: boolean } | undefined;
  /** Trap-and-emulate: what was rewritten of the one VM's kernel. */
  readonly impure?: Rewriting | undefined;
}

/** The board's serial port: first address and shared peripheral interrupt, where it has one. */
export function serialOf(host: CheckedConfig): { readonly base: number; readonly spi: number } | undefined {
  const device = host.devices.find(({ kind }) => kind.type.compatible.includes('pl011'));
  const [base] = device?.bases ?? [];
  const spi = device?.interrupts['irq'];
  return base === undefined || spi === undefined ? undefined : { base, spi };
}
