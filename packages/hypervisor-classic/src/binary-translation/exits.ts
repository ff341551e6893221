// Exits of a VM's translated kernel, and its way back into the cache: what the hypervisor asks of the translation at each of its own.

import type { Exception, Word64 } from '@worldswitch/platform';
import type { HostSpace, PageAllocator } from '@worldswitch/vmm';

import type { HypervisorSetup } from '../host/setup.ts';
import type { Emulation } from '../trap-and-emulate/emulation.ts';
import type { Exits } from '../trap-and-emulate/exits.ts';
import { AccessKind, Answer } from '../trap-and-emulate/guest-memory.ts';
import { ESR_EL1, FAR_EL1 } from '../trap-and-emulate/handles.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';
import type { VirtualMachine } from '../trap-and-emulate/virtual-machine.ts';
import { isPlainAccess } from './accesses.ts';
import { emulateCalledOut } from './emulate.ts';
import { TranslatedKernel } from './kernel.ts';
import type { TranslatedKernelState, TranslationPlaces } from './kernel.ts';
import { placesFor, savedPlaces } from './places.ts';
import { Arrival } from './translator.ts';

const EC_SVC = 0x15;
const INSTRUCTION_ABORT = 0x20;
/** A synchronous external abort: instructions come from memory alone. */
const EXTERNAL = 0x10;
const esr: Word64 = { lo: 0, hi: 0 };
const far: Word64 = { lo: 0, hi: 0 };

/** Where the cache and the virtual registers of each vCPU are, by VM, where kernels are to be translated: room for them, or as they were saved. */
export function translationPlaces(
  { translation, vms }: HypervisorSetup,
  pages: PageAllocator,
  state?: { readonly kernels: readonly TranslatedKernelState[] },
): readonly (readonly TranslationPlaces[])[] {
  if (translation === undefined) return [];
  let id = 0;
  return vms.map(({ vm }) =>
    Array.from({ length: vm.board.cpus }, () =>
      state === undefined ? placesFor(pages) : savedPlaces(state.kernels[id++]?.places ?? []),
    ),
  );
}

/** The kernels of all VMs, to be translated, by vCPU. */
export function kernelsAt(
  { translation, shadow }: HypervisorSetup,
  space: HostSpace,
  places: readonly (readonly TranslationPlaces[])[],
  state?: { readonly kernels: readonly TranslatedKernelState[] },
): readonly TranslatedKernel[] {
  const lazy = (shadow?.variant ?? 'lazy') === 'lazy';
  const inline = translation?.inline ?? true;
  let id = 0;
  return places.flatMap((own) => {
    const kernels = own.map(
      (at, vcpu) => new TranslatedKernel(space, { places: at, vcpu, inline, lazy }, state?.kernels[id++]),
    );
    for (const kernel of kernels) kernel.join(kernels);
    return kernels;
  });
}

/** The guest's kernel was running, from the translation cache. */
export const isTranslated = ({ from }: Exception, vcpu: VirtualCpu): boolean =>
  from === 'lower-a64' && vcpu.level === 1;

/** An interrupt of the host's came while the cache ran. */
export function interruptTranslated(kernel: TranslatedKernel, emulation: Emulation): void {
  kernel.arrive(emulation, -1);
}

/** An exit of user code, whose kernel is translated. */
export function serveUserExit(kernel: TranslatedKernel, emulation: Emulation, exits: Exits): void {
  exits.serve(emulation);
  if (exits.served.cause === 'hidden fault') kernel.shadowed(emulation.port);
}

/** An exit of a kernel that is translated: its own, or what its guest's instruction would have exited for. */
export function serveKernelExit(kernel: TranslatedKernel, emulation: Emulation, exits: Exits): void {
  if (serveTranslated(kernel, emulation, exits)) return;
  exits.serve(emulation, false);
  if (exits.served.cause === 'hidden fault') {
    emulation.port.readSystem(FAR_EL1, far);
    kernel.filled(emulation, far);
  }
  // A kernel that is emulated trap by trap changes its text and tables, too.
  kernel.followed(emulation, exits.served.cause, emulation.word);
}

/** An exit of translated code. False where the exception is the guest's. */
function serveTranslated(kernel: TranslatedKernel, emulation: Emulation, exits: Exits): boolean {
  emulation.port.readSystem(ESR_EL1, esr);
  const call = esr.lo >>> 26 === EC_SVC ? esr.lo & 0xffff : -1;
  // The call has retired, and stands for what is called out.
  emulation.retired = call >= 0;
  const arrival = kernel.arrive(emulation, call);
  if (arrival === Arrival.Other) return false;
  const { served } = exits;
  served.syndrome = esr.lo;
  served.cause = served.handler = 'translator';
  if (arrival === Arrival.Emulate && isPlainAccess(kernel.instruction)) {
    const { cause = 'called out', handler = 'guest' } = kernel.access(emulation) ?? {};
    served.cause = cause;
    served.handler = handler;
  } else if (arrival === Arrival.Emulate) {
    served.cause = emulateCalledOut(emulation, kernel.instruction, exits.instructions);
    served.handler = 'emulate';
    kernel.followed(emulation, served.cause, kernel.instruction);
  }
  return true;
}

/**
 * The guest goes on: its kernel from the cache. While it is debugged it is emulated trap by trap.
 *
 * @param pending - it has an interrupt that it masks
 */
export function enterTranslated(
  kernel: TranslatedKernel,
  emulation: Emulation,
  vm: VirtualMachine,
  vcpu: VirtualCpu,
  pending: boolean,
): void {
  if (vcpu.level === 0) {
    kernel.left();
    return;
  }
  const { port } = emulation;
  emulation.begin(port);
  emulation.of(vm, vcpu);
  if (vcpu.stepping || vcpu.debugsKernel) {
    kernel.passBy(emulation);
    return;
  }
  // Twice: the guest's vector may be there as well.
  for (let i = 0; i < 2 && !kernel.depart(emulation, pending) && kernel.isOwn(emulation); i++)
    refuse(kernel, emulation, i === 1);
  emulation.frame.end(port);
}

/** The guest's kernel has jumped to an address of the hypervisor's, where translated code is: there is nothing, as it sees it. */
function refuse(kernel: TranslatedKernel, emulation: Emulation, again: boolean): void {
  const { port, vm, vcpu, frame } = emulation;
  const pc = { ...frame.pc };
  const answer = vm.memory.translate(port, vcpu, pc, AccessKind.Fetch, true);
  const status = answer === Answer.Abort ? vm.memory.status : EXTERNAL;
  // It takes one exception after the other for ever: each is the hardware's, by an address of which user code has nothing.
  if (again) kernel.nowhere(emulation);
  else emulation.raise(INSTRUCTION_ABORT, status, pc, INSTRUCTION_ABORT + 1);
}
