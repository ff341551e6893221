// What the exit ledger is told: a row for each exit. Without a watcher nothing of it is done.

import type { SoftwareCounts } from '@worldswitch/platform';
import type { Exit, Ledger, Moved } from '@worldswitch/vmm';

/** What an exit was. The hypervisor's own object, which is another exit's the next time. */
export interface ServedExit {
  readonly cause: string;
  /** The syndrome register, or the interrupt's number. */
  readonly syndrome: number;
  readonly handler: string;
}

/** Is told of exits. */
export interface ExitWatcher {
  /** An exit came. */
  begin(): void;
  /**
   * It was served.
   *
   * @param vm - number of the VM; -1 for what came while no guest ran
   * @param vcpu - that of its vCPU
   * @param moved - saved state that was moved
   */
  end(vm: number, vcpu: number, served: ServedExit, moved: Moved): void;
}

/** A place for a watcher, which may come and go while a hypervisor runs. */
export interface WatcherPlace {
  watcher?: ExitWatcher | undefined;
}

const registersMoved = (c: SoftwareCounts): number =>
  c.generalReads + c.generalWrites + c.vectorReads + c.vectorWrites + c.systemReads + c.systemWrites;

const memoryOf = (c: SoftwareCounts): number => c.loads + c.stores + c.atomics;

/** Enters a row for each exit; costs are differences of what the port has counted. */
export function ledgerWatcher(ledger: Ledger, counts: () => SoftwareCounts, now: () => number): ExitWatcher {
  const row = {
    ...{ at: 0, vm: 0, vcpu: 0, cause: '', syndrome: 0, handler: '' },
    ...{ instructions: 0, registers: 0, bytes: 0, memory: 0, transitions: 2 },
  };
  let [instructions, registers, memory] = [0, 0, 0];
  return {
    begin() {
      const c = counts();
      row.at = now();
      instructions = c.instructions;
      registers = registersMoved(c);
      memory = memoryOf(c);
    },
    end(vm, vcpu, { cause, syndrome, handler }, { bytes }) {
      const c = counts();
      row.vm = Math.max(vm, 0);
      row.vcpu = Math.max(vcpu, 0);
      row.cause = cause;
      row.syndrome = syndrome;
      row.handler = handler;
      // And the instruction that leaves.
      row.instructions = c.instructions - instructions + 1;
      row.registers = registersMoved(c) - registers;
      row.bytes = bytes;
      row.memory = memoryOf(c) - memory;
      ledger.enter(row);
    },
  };
}

/** The cause of an exit in a word or two. */
export function causeOf(exit: Exit, handler: string): string {
  const { kind } = exit;
  if (kind === 'wfx') return exit.event ? 'wfe' : 'wfi';
  if (kind === 'hvc') return `hvc ${handler}`;
  if (kind === 'system-register')
    return `${exit.write ? 'msr' : 'mrs'} ${exit.name ?? `0x${exit.id.toString(16)}`}`;
  if (kind === 'data-abort')
    return exit.fault === 'translation' && handler !== 'abort' ? 'mmio' : `stage 2 ${exit.fault}`;
  if (kind === 'instruction-abort') return `stage 2 ${exit.fault} (fetch)`;
  return kind === 'unknown' ? `EC 0x${exit.ec.toString(16)}` : kind;
}
