// The privileged instructions, fetched and decoded (DDI 0487 C4.1): a handler for each instruction word, made once. What is UNDEFINED for
// the guest's kernel as well ends at its own vector.

import { decode } from '@worldswitch/isa-core';
import { systemRegister } from '@worldswitch/vmm';

import { Sctlr } from './controls.ts';
import type { Emulation } from './emulation.ts';
import { returnFromException } from './exceptions.ts';
import { instructionTrapped } from './guest-events.ts';
import { maintenanceHandler, maintenanceNameOf } from './maintenance.ts';
import { MonitorEvent } from './monitors.ts';
import { moveHandler, registerNameOf } from './system-registers.ts';
import type { Handler } from './system-registers.ts';

const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const CNTKCTL_EL1 = systemRegister('CNTKCTL_EL1');

/** One instruction word. */
export interface Privileged {
  /** For the ledger: `msr TTBR0_EL1`, `eret`. */
  readonly cause: string;
  readonly run: Handler;
}

const undefinedInstruction: Privileged = {
  cause: 'undefined',
  run: (e) => {
    e.undefined();
  },
};

/** What EL1 may do and EL0 not. */
const kernelOnly =
  (run: Handler): Handler =>
  (e) => {
    if (e.vcpu.level === 0) e.undefined();
    else run(e);
  };

const eret: Privileged = {
  cause: 'eret',
  run: kernelOnly((e) => {
    const { monitors } = e.vcpu;
    e.retire();
    if (monitors.counting) monitors.happened(MonitorEvent.EXC_RETURN, e.vcpu.level);
    e.vm.memory.shadow.memory.clearExclusive(e.vcpu.index);
    returnFromException(e.port, e.vcpu, e.frame);
    e.stale = true;
  }),
};

/** HVC, on a board without EL2: the firmware's PSCI. It returns behind the instruction. */
const hvc: Privileged = {
  cause: 'hvc',
  run: kernelOnly((e) => {
    e.next();
    e.host.call(e.port, e.vm, e.vcpu);
  }),
};

const DAIF_SHIFT = 6;

/** MSR (immediate): DAIFSet and DAIFClr need SCTLR_EL1.UMA at EL0; the CPU models have no other field than SPSel. */
function pstateHandler(word: number): Privileged {
  const op1 = (word >>> 16) & 7;
  const op2 = (word >>> 5) & 7;
  const immediate = (word >>> 8) & 15;
  if (op1 === 0 && op2 === 5)
    return {
      cause: 'msr SPSel',
      run: kernelOnly((e) => {
        e.vcpu.setMode(e.port, 1, immediate & 1);
        e.next();
      }),
    };
  if (op1 !== 3 || (op2 !== 6 && op2 !== 7)) return undefinedInstruction;
  const bits = immediate << DAIF_SHIFT;
  const set = op2 === 6;
  return {
    cause: set ? 'msr DAIFSet' : 'msr DAIFClr',
    run: (e) => {
      const { vcpu } = e;
      if (vcpu.level === 0 && (vcpu.get(SCTLR_EL1) & Sctlr.UMA) === 0) {
        e.trapped();
        return;
      }
      vcpu.daif = set ? vcpu.daif | bits : vcpu.daif & ~bits;
      if (vcpu.debugsKernel) e.stale = true;
      e.next();
    },
  };
}

/** MSR, MRS, SYS and MSR (immediate). */
function systemInstruction(word: number): Privileged {
  const op0 = (word >>> 19) & 3;
  const read = (word & (1 << 21)) !== 0;
  if (op0 >= 2) {
    const name = registerNameOf(word);
    if (name === undefined) return undefinedInstruction;
    return { cause: `${read ? 'mrs' : 'msr'} ${name}`, run: moveHandler(word) };
  }
  if (op0 === 1 && !read) {
    const run = maintenanceHandler(word);
    return run === undefined ? undefinedInstruction : { cause: maintenanceNameOf(word), run };
  }
  const isPstate = op0 === 0 && !read && ((word >>> 12) & 15) === 4 && (word & 31) === 31;
  return isPstate ? pstateHandler(word) : undefinedInstruction;
}

function decodePrivileged(word: number): Privileged {
  // The instruction table says what is allocated at all.
  const decoded = decode(word);
  if (decoded === undefined) return undefinedInstruction;
  if (decoded.row.name === 'ERET') return eret;
  if (decoded.row.name === 'HVC') return hvc;
  return (word & 0xffc0_0000) >>> 0 === 0xd500_0000 ? systemInstruction(word) : undefinedInstruction;
}

/** A guest makes as many words as it likes. */
const MOST = 8192;

/** Handlers by instruction word. */
export class Instructions {
  private readonly known = new Map<number, Privileged>();

  /** The handler of a word. */
  of(word: number): Privileged {
    const found = this.known.get(word);
    if (found !== undefined) return found;
    if (this.known.size >= MOST) this.known.clear();
    const made = decodePrivileged(word);
    this.known.set(word, made);
    return made;
  }

  /** Does what a word says, and says what it was. */
  run(e: Emulation, word: number): string {
    e.word = word;
    if (e.vcpu.events !== undefined) instructionTrapped(e.vcpu, e.frame, word, e.vcpu.get(CNTKCTL_EL1));
    const { cause, run } = this.of(word);
    run(e);
    return cause;
  }
}
