// Accesses of the guest that no memory answers, done on its bus of emulated devices. A data abort from stage 1 says nothing of the
// instruction (ISV is 0), so it is always fetched and executed by the instruction table's own semantics (DDI 0487 D17.2.37).

import { Fault, requester } from '@worldswitch/platform';
import type { CpuPort, Ipa, Pa, Transaction, Width, Word64 } from '@worldswitch/platform';
import { InstructionEmulator, PAGE } from '@worldswitch/vmm';
import type { GuestReach, PhysicalMemory, VmBus } from '@worldswitch/vmm';

import { Sctlr } from './controls.ts';
import type { Emulation } from './emulation.ts';
import { happened } from './guest-events.ts';
import { AccessKind, Answer } from './guest-memory.ts';
import { SCTLR_EL1 } from './handles.ts';
import { alignmentOf, extend, isUnprivileged, plainAccess } from './plain-access.ts';
import type { ShadowMemory } from './shadow-memory.ts';

const DATA_ABORT = 0x24;
const EXTERNAL = 0x10;
const WNR = 0x40;
const ALIGNMENT = 0x21;
/** What decoding an access costs: any, and a plain one. */
const WORK = 330;
const PLAIN_WORK = 40;

const big = ({ lo, hi }: Readonly<Word64>): bigint => (BigInt(hi) << 32n) | BigInt(lo);

/** The access emulation of one VM. */
export class Mmio implements GuestReach {
  private readonly bus: VmBus;
  private readonly translation: ShadowMemory;
  private readonly memory: PhysicalMemory;
  private readonly hostOf: (ipa: number) => number;
  private readonly instructions: InstructionEmulator = new InstructionEmulator();
  private readonly by: readonly Transaction[];
  private emulation: Emulation | undefined;

  constructor(
    bus: VmBus,
    translation: ShadowMemory,
    memory: PhysicalMemory,
    vcpus: number,
    hostOf: (ipa: number) => number,
  ) {
    this.by = Array.from({ length: vcpus }, (_, index) => requester({ requester: index }));
    this.bus = bus;
    this.translation = translation;
    this.memory = memory;
    this.hostOf = hostOf;
  }

  /**
   * Emulates the access at `va`, which is at `ipa` for the VM. The handler's name, for the ledger.
   *
   * @param memory - it is no device's, but memory that is not mapped
   */
  emulate(
    e: Emulation,
    word: number,
    va: Readonly<Word64>,
    ipa: number,
    write: boolean,
    memory: boolean,
  ): string {
    const { port, vcpu, frame, vm } = e;
    if (vm.bus.deviceAt(ipa as Ipa) === undefined && this.hostOf(ipa) < 0) {
      if (!memory) happened(vcpu, 'mmio', frame, va.lo);
      e.raise(DATA_ABORT, EXTERNAL | (write ? WNR : 0), va, DATA_ABORT + 1);
      return 'abort';
    }
    const user = vcpu.level === 0;
    const by = this.by[vcpu.index] ?? requester();
    by.privileged = !user;
    const bigEndian = (vcpu.get(SCTLR_EL1) & (user ? Sctlr.E0E : Sctlr.EE)) !== 0;
    if (!bigEndian) {
      const end = this.plain(e, word, va, ipa as Ipa, write, by, memory);
      if (end !== undefined) return end;
    }
    port.work(WORK);
    const refused = this.refused(e, word, va, write);
    if (refused >= 0) {
      e.raise(DATA_ABORT, refused | (write ? WNR : 0), va, DATA_ABORT + 1);
      return 'abort';
    }
    if (!memory) happened(vcpu, 'mmio', frame, va.lo);
    this.emulation = e;
    const about = {
      pc: big(frame.pc),
      va: big(va),
      ipa: ipa as Ipa,
      write,
      user,
      // The current stack pointer is always in the hardware's SP_EL0.
      spEl0: true,
      bigEndian,
    };
    const end = this.instructions.execute(port, word, this, about, by);
    this.emulation = undefined;
    if (end === 'done') e.next();
    // The guest has rewritten the instruction since: it tries again.
    if (end === 'done' || end === 'other') return vm.bus.deviceAt(ipa as Ipa) ?? 'memory';
    const at = this.instructions.faultVa;
    const far = { lo: Number(at & 0xffff_ffffn), hi: Number(at >> 32n) };
    e.raise(DATA_ABORT, end | (this.instructions.faultWrite ? WNR : 0), far, DATA_ABORT + 1);
    return 'abort';
  }

  /** The fault status of an access that the guest's hardware would refuse, for alignment or to its user (LDTR, STTR); else -1. */
  private refused(e: Emulation, word: number, va: Readonly<Word64>, write: boolean): number {
    const { port, vcpu } = e;
    const { translation } = this;
    const unprivileged = isUnprivileged(word);
    const kind = write ? AccessKind.Write : AccessKind.Read;
    const privileged = vcpu.level === 1 && !unprivileged;
    if (translation.translate(port, vcpu, va, kind, privileged) === Answer.Abort)
      return unprivileged ? translation.status : -1;
    const strict = translation.isDevice || (vcpu.get(SCTLR_EL1) & Sctlr.A) !== 0;
    return strict && va.lo % alignmentOf(word) !== 0 ? ALIGNMENT : -1;
  }

  /** A plain load or store; undefined where it is none, and nothing has been done. */
  private plain(
    e: Emulation,
    word: number,
    va: Readonly<Word64>,
    ipa: Ipa,
    write: boolean,
    by: Transaction,
    memory: boolean,
  ): string | undefined {
    const { port, value } = e;
    const access = plainAccess(port, word, va);
    if (access?.write !== write || (ipa % PAGE) + access.bytes > PAGE) return undefined;
    port.work(PLAIN_WORK);
    if (!memory) happened(e.vcpu, 'mmio', e.frame, va.lo);
    const { register, bytes } = access;
    let fault: Fault;
    if (write) {
      port.readX(register, value);
      const lo = bytes < 4 ? value.lo & ((1 << (8 * bytes)) - 1) : value.lo;
      fault = this.store(port, ipa, bytes, lo, bytes === 8 ? value.hi : 0, by);
    } else {
      fault = this.load(port, ipa, bytes, value, by);
      if (fault === Fault.None) {
        extend(access, value);
        port.writeX(register, value.lo, value.hi);
      }
    }
    if (fault === Fault.None) e.next();
    else e.raise(DATA_ABORT, EXTERNAL | (write ? WNR : 0), va, DATA_ABORT + 1);
    return fault === Fault.None ? (this.bus.deviceAt(ipa) ?? 'memory') : 'abort';
  }

  /** The instruction word at an address of the VM's memory. */
  fetch(port: CpuPort, ipa: number, out: Word64): boolean {
    const at = this.hostOf(ipa);
    return at >= 0 && this.memory.load(port, at as Pa, 4, out) === Fault.None;
  }

  stage1(port: CpuPort, va: bigint, write: boolean, user: boolean): number {
    const { emulation } = this;
    if (emulation === undefined) return -1;
    const at = { lo: Number(va & 0xffff_ffffn), hi: Number((va >> 32n) & 0xffff_ffffn) };
    const kind = write ? AccessKind.Write : AccessKind.Read;
    const answer = this.translation.translate(port, emulation.vcpu, at, kind, !user);
    return answer === Answer.Abort ? -1 - this.translation.status : this.translation.ipa;
  }

  load(port: CpuPort, ipa: Ipa, width: Width | 8, out: Word64, by: Transaction): Fault {
    if (this.bus.deviceAt(ipa) !== undefined) return this.bus.read(ipa, width, out, by);
    return this.translation.shadow.load(port, ipa, width, out);
  }

  store(port: CpuPort, ipa: Ipa, width: Width | 8, lo: number, hi: number, by: Transaction): Fault {
    if (this.bus.deviceAt(ipa) !== undefined) return this.bus.write(ipa, width, lo, hi, by);
    return this.translation.shadow.store(port, ipa, width, lo, hi);
  }
}
