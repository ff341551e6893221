// A guest under trap-and-emulate, seen as it sees itself: the CPU has its general and vector registers, and the hypervisor the rest.
// Under binary translation its kernel is in the cache between the hypervisor's entries: `CachedKernel` says where in its own text.
// What the hypervisor says of its guest is compared with the bare machine, so it cannot hide anything by saying it.

import { CpuLayout, registerByName } from '@worldswitch/isa-core';
import type { Cpu, TakenException } from '@worldswitch/isa-core';
import { GuestPlace, guestSystemRegisters } from '@worldswitch/machine';
import type { GuestProbe, GuestState, GuestView, ObservedGuest, RewrittenWord } from '@worldswitch/machine';
import type { SystemRegister, Word64 } from '@worldswitch/platform';

import type { Host } from '../host.ts';
import { Sctlr } from '../trap-and-emulate/controls.ts';
import { HARDWARE } from '../trap-and-emulate/frame.ts';
import type { Frame } from '../trap-and-emulate/frame.ts';
import { SCTLR_EL1 } from '../trap-and-emulate/handles.ts';
import type { TrapAndEmulate } from '../trap-and-emulate/hypervisor.ts';
import type { VirtualCpu } from '../trap-and-emulate/virtual-cpu.ts';
import type { VirtualMachine } from '../trap-and-emulate/virtual-machine.ts';
import { CachedKernel } from './cached-kernel.ts';
import { RewrittenView } from './rewritten-kernel.ts';

const cell = (name: string): number => registerByName(name).cell;
const [ELR, SPSR, SP_EL0] = [cell('ELR_EL1'), cell('SPSR_EL1'), cell('SP_EL0')];
const system: readonly number[] = guestSystemRegisters.map(cell);
/** Registers that EL0 itself has, and those of the emulated timer. */
const OWN: ReadonlySet<string> = new Set(['TPIDR_EL0', 'TPIDRRO_EL0']);
const place = (name: string): number => GuestPlace.system + guestSystemRegisters.indexOf(name);
const [CTL, CVAL] = [place('CNTV_CTL_EL0'), place('CNTV_CVAL_EL0')];

class TrappedView implements GuestView {
  /** Translated code has other instructions than the guest, and so has a kernel that was rewritten. */
  readonly steps: boolean;
  private readonly cpu: Cpu;
  private readonly host: Host<TrapAndEmulate>;
  private readonly cached: CachedKernel | RewrittenView;
  private entered = false;
  /** In an entry, where the guest is. */
  private frame: Frame | undefined;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(host: Host<TrapAndEmulate>, probe: GuestProbe) {
    const { cpu } = host.machine;
    this.host = host;
    this.cpu = cpu;
    const { translation, impure } = host.setup;
    this.steps = translation === undefined && impure === undefined;
    this.cached = impure ? new RewrittenView(host) : new CachedKernel(host);
    const nothing = (): void => undefined;
    cpu.architectural = {
      exceptionTaken: (e: TakenException, from) => {
        if (from === 0 && e.el === 1 && this.entered) probe.left();
      },
      returned: (from) => {
        if (from === 1 && cpu.state.el === 0) this.returned(probe);
      },
      called: nothing,
      // Seen at the CPU: where an event or an interrupt is pending already, neither traps.
      waits: (event) => {
        this.waits(probe, event);
      },
      registerRead: nothing,
      deviceAccess: nothing,
    };
  }

  private get vm(): VirtualMachine {
    const [vm] = this.host.hypervisor.vms;
    if (vm === undefined) throw new Error('the hypervisor has no VM');
    return vm;
  }
  private get vcpu(): VirtualCpu {
    const [vcpu] = this.vm.vcpus;
    if (vcpu === undefined) throw new Error('the VM has no vCPU');
    return vcpu;
  }

  private returned(probe: GuestProbe): void {
    if (!this.entered) {
      this.entered = true;
      this.vcpu.events = (kind, frame, pcLo, pcHi, detail) => {
        this.frame = frame;
        probe.event(kind, pcLo, pcHi, detail);
        this.frame = undefined;
      };
      this.happened(probe, 'entry');
    }
    probe.resumed();
  }

  private waits(probe: GuestProbe, event: boolean): void {
    const { vcpu } = this;
    if (!this.inGuest) return;
    if (vcpu.level === 0 && (vcpu.get(SCTLR_EL1) & (event ? Sctlr.nTWE : Sctlr.nTWI)) === 0) return;
    this.happened(probe, event ? 'wfe' : 'wfi');
  }

  /** An event at the CPU. */
  private happened(probe: GuestProbe, kind: 'entry' | 'wfe' | 'wfi'): void {
    const { state } = this.cpu;
    const pc = { lo: state.pcLo, hi: state.pcHi };
    this.cached.origin(this.vcpu, pc);
    probe.event(kind, pc.lo, pc.hi, 0);
  }

  /** A user's code is not translated, and what begins in it ends with an event: any entry to the kernel is one. */
  get counts(): boolean {
    return this.steps || (this.entered && this.vcpu.level === 0);
  }

  get inGuest(): boolean {
    return this.entered && this.cpu.state.el === 0;
  }

  read(out: GuestState): void {
    const { cpu, vcpu, vm } = this;
    const { state } = cpu;
    const { u32 } = state;
    const at = CpuLayout.x >> 2;
    out.words.set(u32.subarray(at, at + 62), 2 * GuestPlace.x);
    this.stackPointer(out, 0, GuestPlace.sp0);
    this.stackPointer(out, 1, GuestPlace.sp1);
    this.position(out);
    system.forEach((number, i) => {
      const name = guestSystemRegisters[i] ?? '';
      if (OWN.has(name)) out.set(GuestPlace.system + i, state.cellLo(number), state.cellHi(number));
      else {
        const register = number as SystemRegister;
        out.set(GuestPlace.system + i, vcpu.get(register), vcpu.getHi(register));
      }
    });
    const { virtual } = vm.timers(vcpu);
    virtual.readControl(this.word);
    out.set(CTL, this.word.lo, this.word.hi);
    virtual.readCompare(this.word);
    out.set(CVAL, this.word.lo, this.word.hi);
    out.set(GuestPlace.fpcr, state.word(CpuLayout.fpcr), 0);
    out.set(GuestPlace.fpsr, state.word(CpuLayout.fpsr), 0);
    const vectors = CpuLayout.v >> 2;
    out.words.set(u32.subarray(vectors, vectors + 128), 2 * GuestPlace.v);
    // In an entry all has been put back.
    if (this.frame === undefined) this.cached.correct(vcpu, out);
  }

  /** PC and PSTATE: the hardware's flags, and the virtual rest. */
  private position(out: GuestState): void {
    const { cpu, frame, vcpu } = this;
    const { state } = cpu;
    let hardware: number;
    if (frame !== undefined) {
      out.set(GuestPlace.pc, frame.pc.lo, frame.pc.hi);
      hardware = frame.spsr;
    } else if (state.el === 0) {
      out.set(GuestPlace.pc, state.pcLo, state.pcHi);
      hardware = state.spsr;
    } else {
      out.set(GuestPlace.pc, state.cellLo(ELR), state.cellHi(ELR));
      hardware = state.cellLo(SPSR);
    }
    const mode = vcpu.level === 0 ? 0 : 4 | vcpu.spSel;
    out.set(GuestPlace.pstate, ((hardware & HARDWARE) | vcpu.daif | mode) >>> 0, 0);
  }

  private stackPointer(out: GuestState, bank: number, to: number): void {
    const { state } = this.cpu;
    const stored = this.vcpu.storedSp(bank);
    if (stored !== undefined) out.set(to, stored[0], stored[1]);
    else if (state.el === 0 || state.spSel === 0) {
      const at = (CpuLayout.x >> 2) + 62;
      out.set(to, state.u32[at] ?? 0, state.u32[at + 1] ?? 0);
    } else out.set(to, state.cellLo(SP_EL0), state.cellHi(SP_EL0));
  }
}

/** Words of the only VM's that were rewritten: at load time, and since. */
function changedWords(host: Host<TrapAndEmulate>): () => ReadonlyMap<number, RewrittenWord> {
  const { setup } = host;
  const ramBase = setup.vms[0]?.vm.board.ramBase ?? 0;
  const before = new Map(setup.impure?.changes.map((one) => [one.at - ramBase, one]));
  return () => host.hypervisor.rewritten?.changed(ramBase) ?? before;
}

/** Pages of the only VM's that hold real tables: where what the guest wrote there is. */
function keptPages({ setup, hypervisor }: Host<TrapAndEmulate>): ReadonlyMap<number, number> {
  const { ramBase } = setup.host;
  const base = setup.vms[0]?.vm.base ?? 0;
  const sides = hypervisor.vms[0]?.memory.shadow.sides ?? new Map<number, number>();
  return new Map([...sides].map(([page, side]) => [page - base, side - ramBase]));
}

/** The only VM of a trap-and-emulate host that has not run yet. */
export function trappedGuest(host: Host<TrapAndEmulate>, system: string): ObservedGuest {
  const { machine, setup } = host;
  const [one, second] = setup.vms;
  if (one === undefined || second !== undefined)
    throw new RangeError('a guest is compared on a host that has no other');
  const { base, board } = one.vm;
  return {
    system,
    machine,
    memory: { offset: base - setup.host.ramBase, size: board.memory },
    ...(setup.shadow?.variant === 'real' && { moved: () => keptPages(host) }),
    ...(setup.impure && { rewritten: changedWords(host) }),
    observe: (probe) => new TrappedView(host, probe),
  };
}
