// What trap-and-emulate is made of once it has booted: the hypervisor's address space at EL1, the VMs with their shadow tables, and what
// every host has.

import { pa } from '@worldswitch/platform';
import type { Pa } from '@worldswitch/platform';
import { HostSpace, HostTimer, PAGE, PageAllocator, ShadowMmu, shadowPages } from '@worldswitch/vmm';
import type { ShadowOptions } from '@worldswitch/vmm';

import { kernelsAt, translationPlaces } from '../binary-translation/exits.ts';
import type { TranslatedKernel, TranslationPlaces } from '../binary-translation/kernel.ts';
import { makeHostParts } from '../host/host-parts.ts';
import type { HostMaking, HostParts, VmEnds } from '../host/host-parts.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import { rewritingPlaces, rewrittenKernel } from '../impure/exits.ts';
import type { RewritingPlaces, RewrittenKernelRun } from '../impure/kernel.ts';
import { ShadowMemory } from './shadow-memory.ts';
import type { BootedState } from './state.ts';
import type { VirtualCpu } from './virtual-cpu.ts';
import { VirtualMachine } from './virtual-machine.ts';
import { TrapWorld } from './world.ts';

/** Pages of a VM's shadow tables at most: 8 MiB. */
const MOST_TABLES = 2048;

/** Everything that is there once it has booted. */
export interface Booted extends HostParts<VirtualCpu, VirtualMachine, TrapWorld> {
  readonly space: HostSpace;
  /** The kernels of all vCPUs, where they are translated. */
  readonly kernels: readonly TranslatedKernel[];
  /** The kernel of the one VM, where it was rewritten. */
  readonly rewritten: RewrittenKernelRun | undefined;
}

/** What it is made with. */
export interface Making extends HostMaking {
  /** The hypervisor's own page. */
  readonly page: Pa;
  readonly state: BootedState | undefined;
}

/** Makes it: at power-on, or as it was saved. */
export function makeParts(making: Making): Booted {
  const { setup, current, state } = making;
  const { base, size } = setup.memory;
  const pages = new PageAllocator(base, size / PAGE, state?.pages);
  const timer = new HostTimer(current, setup.host.cpus, state?.timer, 'EL1');
  const places = translationPlaces(setup, pages, state);
  const own = rewritingPlaces(setup, pages, state);
  const space = makeSpace(making, pages, own ? [[own]] : places);
  const kernels = kernelsAt(setup, space, places, state);
  const rewritten = rewrittenKernel(setup, space, own, state);
  const parts = makeHostParts<VirtualCpu, VirtualMachine, TrapWorld>(making, {
    pages,
    timer,
    vms: (ends) => makeVms(making, { pages, timer, space }, ends, own),
    world: () => new TrapWorld((vcpu) => kernels[vcpu.id]?.restarted()),
  });
  return { ...parts, space, kernels, rewritten };
}

function makeSpace(
  { setup: { host }, current, memory, page, state }: Making,
  pages: PageAllocator,
  translated: readonly (readonly TranslationPlaces[])[],
): HostSpace {
  if (state) return new HostSpace(pages, host.cpus, state.space);
  return HostSpace.create(current.port, memory, pages, {
    page,
    ranges: [
      { base: 0, size: host.ramBase, kind: 'device' },
      { base: host.ramBase, size: host.memory, kind: 'memory' },
    ],
    paBits: 40,
    cpus: host.cpus,
    translated,
  });
}

/** Pages that a VM's shadow may have: its share of what there is, so that no VM takes another's. */
function tableQuota(pages: PageAllocator, vms: number, state: BootedState | undefined): number {
  const theirs = state?.vms.reduce((sum, { shadow }) => sum + shadowPages(shadow), 0) ?? 0;
  return Math.min(MOST_TABLES, Math.floor((pages.pages - pages.used / PAGE + theirs) / vms));
}

/** How guests' tables are shadowed: lazily where nobody says. */
function shadowOf({ shadow }: HypervisorSetup): Pick<ShadowOptions, 'variant' | 'capacity' | 'open'> {
  const { variant, capacity, open } = shadow ?? { variant: 'lazy' };
  return { variant, ...(capacity !== undefined && { capacity }), ...(open !== undefined && { open }) };
}

function makeVms(
  { setup, current, memory, gic, port, state }: Making,
  { pages, timer, space }: Pick<Booted, 'pages' | 'timer' | 'space'>,
  ends: VmEnds,
  fixUps: RewritingPlaces | undefined,
): readonly VirtualMachine[] {
  let first = 0;
  const quota = tableQuota(pages, setup.vms.length, state);
  return setup.vms.map((one, number) => {
    const { base, board } = one.vm;
    const saved = state?.vms[number];
    const shape = {
      ...shadowOf(setup),
      ram: [{ ipa: board.ramBase, pa: pa(base), size: board.memory }],
      vcpus: board.cpus,
      guest: number,
      quota,
      planted: fixUps && setup.impure && { ipa: setup.impure.arena.base, ...fixUps.cache },
    };
    const parts = {
      ...ends,
      ...{ current, memory, timer, gic },
      frequency: setup.host.timer.frequency,
      translation: new ShadowMemory(new ShadowMmu(space, memory, pages, shape, saved?.shadow)),
      disks: ends.devices.disksOf(one.vm),
      networks: ends.devices.networksOf(one.vm),
    };
    const vm = new VirtualMachine(port, number, first, one, parts, saved);
    first += vm.vcpus.length;
    return vm;
  });
}
