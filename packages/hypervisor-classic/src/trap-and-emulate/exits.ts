// What is done about each exception of the guest: all of them come here, as it runs at EL0, and most go on to its own kernel
// (DDI 0487 D17.2.37).

import { Fault } from '@worldswitch/platform';
import type { Word64 } from '@worldswitch/platform';
import { systemOperation } from '@worldswitch/vmm';

import { mayUseFloat, Sctlr } from './controls.ts';
import { wordOf } from './emulation.ts';
import type { Emulation } from './emulation.ts';
import { exclusive, isExclusive } from './exclusives.ts';
import { AccessKind, Answer } from './guest-memory.ts';
import { ESR_EL1, FAR_EL1, SCTLR_EL1 } from './handles.ts';
import { Instructions } from './instructions.ts';
import { alignmentOf } from './plain-access.ts';

/** Exception classes. */
const EC = {
  Unknown: 0x00,
  Wfx: 0x01,
  Float: 0x07,
  IllegalState: 0x0e,
  Svc: 0x15,
  System: 0x18,
  InstructionAbort: 0x20,
  PcAlignment: 0x22,
  DataAbort: 0x24,
  SpAlignment: 0x26,
  FloatTrap: 0x2c,
  Breakpoint: 0x30,
  SoftwareStep: 0x32,
  Watchpoint: 0x34,
  Brk: 0x3c,
} as const;

const IC_IALLU = systemOperation('IC IALLU');
const ISS = 0x1ff_ffff;
const WNR = 0x40;
const CM = 0x100;
/** FSC of permission faults, of levels 0 to 3, and of alignment faults. */
const [PERMISSION, ALIGNMENT] = [0x0c, 0x21];
/** DC ZVA. */
const [ZVA_MASK, ZVA] = [0xffff_ffe0, 0xd50b_7420];
/** FSC of a fault of translation: address size, translation, access flag, permission. */
const TRANSLATED = 0x10;

/** What an exit was, for the ledger. */
export interface Served {
  cause: string;
  syndrome: number;
  handler: string;
}

/** B, BL, NOP, BRK, ISB and SVC, which may replace each other and HVC without maintenance (DDI 0487 B2.2.5). */
const mayBecome = (word: number): boolean =>
  (word & 0x7c00_0000) === 0x1400_0000 ||
  word === 0xd503_201f ||
  (word & 0xffe0_001f) >>> 0 === 0xd420_0000 ||
  (word & 0xffff_f0ff) >>> 0 === 0xd503_30df ||
  (word & 0xffe0_001f) >>> 0 === 0xd400_0001;

/** Serves synchronous exits. */
export class Exits {
  /** The last one. */
  readonly served: Served = { cause: '', syndrome: 0, handler: '' };
  readonly instructions: Instructions = new Instructions();
  private readonly esr: Word64 = { lo: 0, hi: 0 };
  private readonly far: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };

  private is(cause: string, handler: string): void {
    this.served.cause = cause;
    this.served.handler = handler;
  }

  /**
   * Does what a synchronous exit asks for.
   *
   * @param own - the guest executed its own text, and no copy of what that was
   */
  serve(e: Emulation, own = true): void {
    e.port.readSystem(ESR_EL1, this.esr);
    const esr = this.esr.lo;
    this.served.syndrome = esr;
    const ec = esr >>> 26;
    switch (ec) {
      case EC.Unknown:
        this.undefined(e, own);
        return;
      case EC.System:
        this.is(this.instructions.run(e, wordOf(esr & ISS)), 'emulate');
        return;
      case EC.Svc:
        this.reflect(e, 'svc', ec, esr);
        return;
      case EC.DataAbort:
      case EC.InstructionAbort:
        this.abort(e, ec, esr);
        return;
      case EC.Wfx:
        this.wait(e, esr);
        return;
      case EC.Float:
        this.float(e, esr);
        return;
      default:
        this.others(e, ec, esr);
    }
  }

  /** The guest's own exception. */
  private reflect(e: Emulation, cause: string, ec: number, esr: number, same: number = ec): void {
    this.is(cause, 'guest');
    e.raise(ec, esr, undefined, same);
  }

  private others(e: Emulation, ec: number, esr: number): void {
    switch (ec) {
      case EC.IllegalState:
        this.reflect(e, 'illegal state', ec, esr);
        return;
      case EC.SpAlignment:
        this.reflect(e, 'sp alignment', ec, esr);
        return;
      case EC.FloatTrap:
        this.reflect(e, 'fp exception', ec, esr);
        return;
      case EC.Brk:
        this.reflect(e, 'brk', ec, esr);
        return;
      case EC.PcAlignment:
        this.is('pc alignment', 'guest');
        e.port.readSystem(FAR_EL1, this.far);
        e.raise(ec, esr, this.far);
        return;
      case EC.Breakpoint:
      case EC.SoftwareStep:
      case EC.Watchpoint:
        this.is('debug', 'guest');
        e.port.readSystem(FAR_EL1, this.far);
        e.raise(ec, esr, ec === EC.Watchpoint ? this.far : undefined, ec + 1);
        return;
      default:
        this.is(`EC 0x${ec.toString(16)}`, 'guest');
        e.undefined();
    }
  }

  /** The instruction at the guest's PC, or -1 where it cannot be read any more. */
  private fetch(e: Emulation): number {
    const { pc } = e.frame;
    const { word } = this;
    if (e.original >= 0) return e.original;
    if (e.port.loadUnprivileged(pc, 4, word) === Fault.None) return word.lo;
    const { memory } = e.vm;
    const answer = memory.translate(e.port, e.vcpu, pc, AccessKind.Fetch, e.vcpu.level === 1);
    if (answer !== Answer.Retry) return -1;
    const { mmio } = e.vm;
    return mmio.fetch(e.port, memory.ipa, word) ? word.lo : -1;
  }

  /** UNDEFINED at EL0: the guest's kernel may do it, or it is its own. */
  private undefined(e: Emulation, own: boolean): void {
    if (e.vcpu.level === 0) {
      this.is('undefined', 'guest');
      e.undefined();
      return;
    }
    const word = this.fetch(e);
    // The guest has unmapped it since: it tries again, and takes its own fault.
    if (word < 0) this.is('fetch', 'retry');
    else if (own && mayBecome(word)) {
      // It was another when it trapped, and this one does not: the architecture has the CPU execute one of both.
      e.port.operate(IC_IALLU);
      this.is('fetch', 'retry');
    } else this.is(this.instructions.run(e, word), 'emulate');
  }

  private wait(e: Emulation, esr: number): void {
    const event = (esr & 1) !== 0;
    this.is(event ? 'wfe' : 'wfi', 'scheduler');
    const own = event ? Sctlr.nTWE : Sctlr.nTWI;
    const pending = !event && e.vm.interrupts.status(e.vcpu.index) !== 0;
    // It is trapped where it would wait.
    if (e.vcpu.level === 0 && !pending && (e.vcpu.get(SCTLR_EL1) & own) === 0) {
      this.reflect(e, event ? 'wfe' : 'wfi', EC.Wfx, esr);
      return;
    }
    e.next();
    if (event) e.host.yield();
    else e.host.wait(e.vcpu);
  }

  private float(e: Emulation, esr: number): void {
    if (!mayUseFloat(e.vcpu)) {
      this.reflect(e, 'fp', EC.Float, esr);
      return;
    }
    this.is('fp', 'float');
    e.stale = true;
  }

  /** Aborts: the shadow's, which are mended; devices'; and the guest's own. */
  private abort(e: Emulation, ec: number, esr: number): void {
    const { port, vcpu, vm } = e;
    const { far } = this;
    port.readSystem(FAR_EL1, far);
    const fetch = ec === EC.InstructionAbort;
    const write = !fetch && (esr & WNR) !== 0;
    const status = esr & 63;
    const cause = fetch ? 'instruction abort' : 'data abort';
    if (status >= TRANSLATED) {
      this.is(cause, 'guest');
      e.raise(ec, esr, far, ec + 1);
      return;
    }
    // Cache maintenance says that it writes, and needs no more than a load does.
    const stores = write && (esr & CM) === 0;
    const kind = fetch ? AccessKind.Fetch : stores ? AccessKind.Write : AccessKind.Read;
    const answer = vm.memory.fault(port, vcpu, far, kind);
    if (answer === Answer.Retry) this.is(vm.memory.touched ? 'seen use' : 'hidden fault', 'shadow');
    else if (answer === Answer.Abort) {
      this.is(cause, 'guest');
      e.raise(ec, (esr & ~63) | this.statusOf(e, fetch, far, vm.memory.status), far, ec + 1);
    } else if (fetch) {
      this.is(cause, 'guest');
      // Instructions come from memory alone.
      e.raise(ec, (esr & ~63) | 0x10, far, ec + 1);
    } else if ((esr & CM) !== 0) {
      // There is nothing to maintain of a device.
      this.is('cache', 'emulate');
      e.next();
    } else this.access(e, far, write, answer === Answer.Traced);
  }

  /** The status of the guest's own abort: what Device memory wants to be aligned comes before permissions (D8, priorities of faults). */
  private statusOf(e: Emulation, fetch: boolean, far: Readonly<Word64>, status: number): number {
    const { memory } = e.vm;
    if (fetch || (status & ~3) !== PERMISSION) return status;
    if (memory.translate(e.port, e.vcpu, far, AccessKind.Read, true) === Answer.Abort) return status;
    if (!memory.isDevice) return status;
    const word = this.fetch(e);
    const aligned = (word & ZVA_MASK) >>> 0 !== ZVA && far.lo % alignmentOf(word) === 0;
    return aligned ? status : ALIGNMENT;
  }

  /** An access to a device, or to a table that is traced. */
  private access(e: Emulation, far: Readonly<Word64>, write: boolean, traced: boolean): void {
    const { memory, mmio } = e.vm;
    const { ipa } = memory;
    const word = this.fetch(e);
    if (word < 0) this.is('fetch', 'retry');
    else if (traced && isExclusive(word)) {
      exclusive(e, word);
      this.is(write ? 'traced write' : 'traced read', 'exclusive');
    } else {
      this.is(
        traced ? (write ? 'traced write' : 'traced read') : 'mmio',
        mmio.emulate(e, word, far, ipa, write, traced),
      );
    }
  }
}
