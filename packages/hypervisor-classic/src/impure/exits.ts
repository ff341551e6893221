// Exits of a VM's rewritten kernel, and its way back: what the hypervisor asks of the rewriting at each of its own.

import type { Word64 } from '@worldswitch/platform';
import type { HostSpace, PageAllocator } from '@worldswitch/vmm';

import { emulateCalledOut } from '../binary-translation/emulate.ts';
import { STATE_BYTES } from '../binary-translation/state-page.ts';
import { Arrival } from '../binary-translation/translator.ts';
import type { HypervisorSetup } from '../host/setup.ts';
import type { Emulation } from '../trap-and-emulate/emulation.ts';
import type { Exits } from '../trap-and-emulate/exits.ts';
import { ESR_EL1, FAR_EL1 } from '../trap-and-emulate/handles.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';
import type { VirtualMachine } from '../trap-and-emulate/virtual-machine.ts';
import { RewrittenKernelRun } from './kernel.ts';
import type { RewritingPlaces } from './kernel.ts';
import type { RewrittenState } from './state.ts';

const [EC_SVC, EC_FETCH] = [0x15, 0x20];
const esr: Word64 = { lo: 0, hi: 0 };
const far: Word64 = { lo: 0, hi: 0 };

/** Where fix-ups and the page of virtual registers are: room for them, or as they were saved. */
export function rewritingPlaces(
  { impure }: HypervisorSetup,
  pages: PageAllocator,
  state?: { readonly rewritten: RewrittenState | null },
): RewritingPlaces | undefined {
  if (impure === undefined || impure.method === 'trap') return undefined;
  if (state?.rewritten) {
    const [a = 0, b = 0, c = 0, d = 0] = state.rewritten.places;
    return { cache: { pa: a, size: b }, state: { pa: c, size: d } };
  }
  const { size } = impure.arena;
  const page = 2 ** Math.ceil(Math.log2(STATE_BYTES));
  return { cache: { pa: pages.allocate(size), size }, state: { pa: pages.allocate(page), size: page } };
}

/** The kernel of a VM that was rewritten. */
export const rewrittenKernel = (
  { impure }: HypervisorSetup,
  space: HostSpace,
  places: RewritingPlaces | undefined,
  state?: { readonly rewritten: RewrittenState | null },
): RewrittenKernelRun | undefined =>
  impure && new RewrittenKernelRun(impure, space, places, state?.rewritten ?? undefined);

/** An exit of a kernel that was rewritten: a trap that was put there, a fix-up's, or any other. */
export function serveRewritten(kernel: RewrittenKernelRun, e: Emulation, exits: Exits): void {
  const { port } = e;
  const { served } = exits;
  port.readSystem(ESR_EL1, esr);
  const [kind, syndrome] = [esr.lo >>> 26, esr.lo];
  // A call has retired, and stands for what was rewritten.
  e.retired = kind === EC_SVC;
  const arrival = kernel.arrive(e, kind === EC_SVC ? esr.lo & 0xffff : -1);
  if (arrival === Arrival.Continue) {
    served.syndrome = syndrome;
    served.cause = 'unmasked';
    served.handler = 'fix-up';
    return;
  }
  if (arrival === Arrival.Emulate) {
    served.syndrome = syndrome;
    served.cause = emulateCalledOut(e, kernel.instruction, exits.instructions);
    served.handler = 'rewritten';
    kernel.followed(e, served.cause, kernel.instruction);
    return;
  }
  if (kind === EC_FETCH) {
    port.readSystem(FAR_EL1, far);
    const placed = kernel.place(e, far);
    if (placed !== undefined) {
      served.syndrome = syndrome;
      served.cause = placed === 'placed' ? 'hidden fault' : 'refused';
      served.handler = placed === 'placed' ? 'fix-up' : 'end';
      return;
    }
  }
  exits.serve(e);
  kernel.followed(e, served.cause, e.word);
}

/** The guest's kernel goes on. */
export function enterRewritten(
  kernel: RewrittenKernelRun,
  e: Emulation,
  vm: VirtualMachine,
  vcpu: VirtualCpu,
  pending: boolean,
): void {
  if (vcpu.level === 0) return;
  e.begin(e.port);
  e.of(vm, vcpu);
  kernel.depart(e, pending);
  e.frame.end(e.port);
}
