// Emulating an access to a device that exists in software only: from the syndrome where that says all (ISV), and by fetching the
// instruction where it does not (DDI 0487 D17.2.37, ISS of a data abort).

import { Fault, list, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Ipa, Shape, Transaction, Word64 } from '@worldswitch/platform';

import type { AccessSyndrome, DataAbortExit, InstructionAbortExit } from '../exits/exit.ts';
import { EXTERNAL_ABORT, injectAbort, skipInstruction } from '../exits/inject.ts';
import { PAGE } from '../memory/pages.ts';
import { PhysicalMemory } from '../memory/physical.ts';
import { systemRegister } from '../names.ts';
import type { Stage2Map } from '../stage2/map.ts';
import type { VmBus } from './bus.ts';
import { GuestAccess } from './guest-access.ts';
import { InstructionEmulator } from './instruction.ts';
import { walkAbort } from './table-walk.ts';

/** `done`: go on; `retry`: the guest executes the instruction again; `aborted`: it takes an abort. */
export type MmioOutcome = 'done' | 'retry' | 'aborted';

type AbortExit = DataAbortExit | InstructionAbortExit;

const ELR_EL2 = systemRegister('ELR_EL2');
const SPSR_EL2 = systemRegister('SPSR_EL2');
const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const EE = 1 << 25;
const E0E = 1 << 24;
/** So often in a row the instruction may be another one than the one that aborted. */
const MOST_ATTEMPTS = 16;
/** What dispatching an access costs, and decoding an instruction besides. */
const WORK = { dispatch: 30, decode: 300 } as const;

/** Attempts in a row of each vCPU, which are all that is kept between exits. */
export type MmioState = readonly number[];

/** Checks them. */
export const mmioShape: Shape<MmioState> = list(uint(MOST_ATTEMPTS), 1, 512);

/** The access emulation of one VM. */
export class MmioEmulator {
  readonly bus: VmBus;
  private readonly access: GuestAccess;
  private readonly instructions: InstructionEmulator = new InstructionEmulator();
  private readonly attempts: number[];
  private readonly by: readonly Transaction[];
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /**
   * @param bus - the VM's devices
   * @param map - its memory: for accesses that lie in both
   * @param vcpus - how many vCPUs it has
   * @param state - what `save` returned, checked
   */
  constructor(
    bus: VmBus,
    map: Stage2Map,
    vcpus: number,
    memory: PhysicalMemory = new PhysicalMemory(),
    state?: MmioState,
  ) {
    if (state !== undefined && state.length !== vcpus)
      throw new StateError('mmio', `must have ${vcpus} elements`);
    this.bus = bus;
    this.access = new GuestAccess(bus, map, memory);
    this.attempts = [...(state ?? new Array<number>(vcpus).fill(0))];
    this.by = Array.from({ length: vcpus }, (_, requester) => ({
      requester,
      streamId: -1,
      secure: false,
      privileged: true,
      fault: Fault.None,
    }));
  }

  /** What is kept between exits. */
  save(): MmioState {
    return [...this.attempts];
  }

  /** Emulates the access of vCPU `vcpu` that ended in this exit; a translation or permission fault of stage 2. */
  emulate(port: CpuPort, exit: DataAbortExit, vcpu: number): MmioOutcome {
    if (exit.ipa === -1) return this.again(port, exit, vcpu);
    if (exit.s1ptw) return this.walk(port, exit, vcpu);
    if (exit.maintenance) {
      skipInstruction(port);
      return this.finished(vcpu);
    }
    const by = this.by[vcpu];
    if (by === undefined || this.bus.deviceAt(exit.ipa) === undefined) {
      return this.abort(port, exit, vcpu, EXTERNAL_ABORT);
    }
    port.readSystem(SPSR_EL2, this.word);
    const spsr = this.word.lo;
    const user = (spsr & 15) === 0;
    by.privileged = !user;
    port.readSystem(SCTLR_EL1, this.word);
    const bigEndian = (this.word.lo & (user ? E0E : EE)) !== 0;
    if (exit.access === undefined || crosses(exit.ipa, exit.access.size)) {
      return this.decoded(port, exit, vcpu, spsr, bigEndian, by);
    }
    port.work(WORK.dispatch);
    const fault = exit.write
      ? this.store(port, exit.ipa, exit.access, bigEndian, by)
      : this.load(port, exit.ipa, exit.access, bigEndian, by);
    if (fault !== Fault.None) return this.abort(port, exit, vcpu, EXTERNAL_ABORT, this.bus.moved);
    skipInstruction(port);
    return this.finished(vcpu);
  }

  /** A fetch of vCPU `vcpu` that ended in this exit: where no memory is, the guest takes an external abort. */
  fetch(port: CpuPort, exit: InstructionAbortExit, vcpu: number): MmioOutcome {
    if (exit.ipa === -1) return this.again(port, exit, vcpu);
    if (exit.s1ptw) return this.walk(port, exit, vcpu);
    return this.abort(port, exit, vcpu, EXTERNAL_ABORT);
  }

  /** The guest's own tables are where no memory is. */
  private walk(port: CpuPort, exit: AbortExit, vcpu: number): MmioOutcome {
    const status = walkAbort(port, this.access, exit.va);
    return status < 0 ? this.again(port, exit, vcpu) : this.abort(port, exit, vcpu, status);
  }

  private load(
    port: CpuPort,
    ipa: Ipa,
    { size, signed, register, wide }: AccessSyndrome,
    bigEndian: boolean,
    by: Transaction,
  ): Fault {
    const { word } = this;
    const fault = this.bus.read(ipa, size, word, by);
    if (fault !== Fault.None) return fault;
    if (bigEndian) reverse(word, size);
    if (signed && size < 8) {
      const shift = 32 - 8 * Math.min(size, 4);
      word.lo = ((word.lo << shift) >> shift) >>> 0;
      word.hi = wide && word.lo >>> 31 !== 0 ? 0xffff_ffff : 0;
    }
    port.writeX(register, word.lo, word.hi);
    return Fault.None;
  }

  private store(
    port: CpuPort,
    ipa: Ipa,
    { size, register }: AccessSyndrome,
    bigEndian: boolean,
    by: Transaction,
  ): Fault {
    const { word } = this;
    port.readX(register, word);
    if (size < 8) {
      word.hi = 0;
      if (size < 4) word.lo &= (1 << (8 * size)) - 1;
    }
    if (bigEndian) reverse(word, size);
    return this.bus.write(ipa, size, word.lo, word.hi, by);
  }

  private decoded(
    port: CpuPort,
    exit: DataAbortExit,
    vcpu: number,
    spsr: number,
    bigEndian: boolean,
    by: Transaction,
  ): MmioOutcome {
    port.work(WORK.dispatch + WORK.decode);
    port.readSystem(ELR_EL2, this.word);
    const pc = (BigInt(this.word.hi) << 32n) | BigInt(this.word.lo);
    const instruction = this.access.fetch(port, pc);
    if (instruction < 0) return this.again(port, exit, vcpu);
    const { instructions } = this;
    const va = (BigInt(exit.va.hi) << 32n) | BigInt(exit.va.lo);
    const user = (spsr & 15) === 0;
    const ipa = exit.ipa as Ipa;
    const about = { pc, va, ipa, write: exit.write, user, spEl0: (spsr & 1) === 0, bigEndian };
    const end = instructions.execute(port, instruction, this.access, about, by);
    if (end === 'other') return this.again(port, exit, vcpu);
    if (end === 'done') {
      skipInstruction(port);
      return this.finished(vcpu);
    }
    const at = instructions.faultVa;
    const where = { lo: Number(at & 0xffff_ffffn), hi: Number(at >> 32n) };
    injectAbort(port, { va: where, write: instructions.faultWrite, status: end });
    this.finished(vcpu);
    return 'aborted';
  }

  /**
   * Something changed since the access was tried: the guest tries again. A guest that changes it every time, or that the emulator
   * does not understand, gets an abort in the end.
   */
  private again(port: CpuPort, exit: AbortExit, vcpu: number): MmioOutcome {
    const attempts = (this.attempts[vcpu] ?? 0) + 1;
    if (attempts > MOST_ATTEMPTS) return this.abort(port, exit, vcpu, EXTERNAL_ABORT);
    this.attempts[vcpu] = attempts;
    return 'retry';
  }

  /** `moved`: bytes of the access before the one that failed. */
  private abort(port: CpuPort, exit: AbortExit, vcpu: number, status: number, moved = 0): MmioOutcome {
    const instruction = exit.kind === 'instruction-abort';
    const va = { lo: (exit.va.lo + moved) >>> 0, hi: exit.va.hi };
    const how = instruction ? {} : { write: exit.write, maintenance: exit.maintenance };
    injectAbort(port, { va, instruction, ...how, status });
    this.finished(vcpu);
    return 'aborted';
  }

  private finished(vcpu: number): 'done' {
    this.attempts[vcpu] = 0;
    return 'done';
  }
}

/** True where an access goes on in another page, which may be anywhere: the syndrome says nothing of it. */
const crosses = (ipa: Ipa, size: number): boolean => (ipa % PAGE) + size > PAGE;

/** Reverses the lowest `bytes` bytes. */
function reverse(word: Word64, bytes: 1 | 2 | 4 | 8): void {
  const swap = (n: number): number =>
    ((n << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)) >>> 0;
  const { lo, hi } = word;
  if (bytes === 8) {
    word.lo = swap(hi);
    word.hi = swap(lo);
  } else if (bytes > 1) word.lo = swap(lo) >>> (32 - 8 * bytes);
}
