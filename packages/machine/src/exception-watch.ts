// Notices a guest that got lost: exceptions whose vectors themselves cannot be executed, over and over at one place. Where interrupts go
// to a level above, the CPU is not lost: a hypervisor there goes on with others.

import { describeSyndrome, disassemble, interruptsGoAbove } from '@worldswitch/isa-core';
import type { Cpu, TakenException } from '@worldswitch/isa-core';
import type { Pa } from '@worldswitch/platform';

/** Exceptions in a row at one place, before the guest counts as lost. */
const PATIENCE = 8;
/** Exceptions that a report shows. */
const SHOWN = 4;

const hex = (n: bigint): string => `0x${n.toString(16)}`;

/** One exception, with the level that it came from. */
interface Taken {
  readonly e: TakenException;
  readonly from: number;
}

/** Watches one CPU's exceptions. */
export class ExceptionWatch {
  private readonly cpu: Cpu;
  private readonly first: Taken[] = [];
  /** The vector of the last exception. */
  private enteredLo = -1;
  private enteredHi = -1;
  private repeated = 0;
  private readonly lost: () => void;

  constructor(cpu: Cpu, lost: () => void, unmodelled: (line: string) => void) {
    this.cpu = cpu;
    this.lost = lost;
    cpu.observer = {
      exceptionTaken: (e, from) => {
        this.taken(e, from);
      },
      unimplemented: (id, write) => {
        const fields = [id >>> 14, (id >>> 11) & 7, (id >>> 7) & 15, (id >>> 3) & 15, id & 7];
        const name = `S${fields[0] ?? 0}_${fields[1] ?? 0}_C${fields[2] ?? 0}_C${fields[3] ?? 0}_${fields[4] ?? 0}`;
        unmodelled(`${write ? 'MSR' : 'MRS'} ${name} is not modelled; it was UNDEFINED for the guest`);
      },
    };
  }

  private taken(e: TakenException, from: number): void {
    // Nothing was executed since the last exception: its vector itself cannot be fetched or is no instruction.
    if (e.pcLo === this.enteredLo && e.pcHi === this.enteredHi && e.esr !== undefined) {
      this.repeated++;
      if (this.repeated >= PATIENCE && !interruptsGoAbove(this.cpu, e.el)) this.lost();
    } else this.repeated = 0;
    if (this.repeated < 2) {
      if (this.first.length === SHOWN) this.first.shift();
      this.first.push({ e, from });
    }
    this.enteredLo = this.cpu.state.pcLo;
    this.enteredHi = this.cpu.state.pcHi;
  }

  /** Several lines: where the CPU is, the last different exceptions, the instructions before the first of them. */
  report(): string {
    const { state } = this.cpu;
    const lines = [`EL${state.el}, PC ${hex(state.pc)}`];
    for (const { e, from } of this.first) {
      const what =
        e.esr === undefined ? 'interrupt' : `ESR 0x${e.esr.toString(16)}: ${describeSyndrome(e.esr)}`;
      const far = e.far === undefined ? '' : `, address ${hex(e.far)}`;
      lines.push(`  from EL${from} to EL${e.el} at PC ${hex(e.pc)}: ${what}${far}`);
    }
    const culprit = (this.first.at(-2) ?? this.first[0])?.e;
    if (culprit === undefined) return lines.join('\n');
    const last = this.instructionsBefore(culprit.pc);
    const caller = state.x(30);
    if (last.length > 0) lines.push('  the last instructions:', ...last);
    else {
      // A jump to where nothing is: who called last is the best that is known.
      lines.push(`  nothing can be read there; X30, the last return address, is ${hex(caller)}`);
      lines.push(...this.instructionsBefore(caller - 4n));
    }
    return lines.join('\n');
  }

  /** Disassembles up to an address, where that can be found: physical memory, or through the TLB's current translation. */
  private instructionsBefore(pc: bigint): string[] {
    const lines: string[] = [];
    for (let back = 4n; back >= 0n; back--) {
      const at = pc - back * 4n;
      const word = this.peek(at);
      if (word === undefined) continue;
      lines.push(
        `  ${hex(at)}  ${word.toString(16).padStart(8, '0')}  ${disassemble(word, Number(at)) ?? 'no instruction'}`,
      );
    }
    return lines;
  }

  private peek(va: bigint): number | undefined {
    if (va < 0n || (va & 3n) !== 0n) return undefined;
    const pa = this.cpu.translator.translate(va, 2, false, false);
    const host = pa < 0 ? -1 : this.cpu.bus.host(pa as Pa);
    return host < 0 ? undefined : new DataView(this.cpu.memory.buffer).getUint32(host, true);
  }
}
