// What the exit ledger is told: a row for each exit. Without a watcher nothing of it is done.

import type { SoftwareCounts } from '@worldswitch/platform';
import type { Exit, Ledger, Moved } from '@worldswitch/vmm';

/** What the hypervisor says about an exit that it has served. */
export interface ServedExit {
  /** Number of the VM and of its vCPU; -1 for what came while no guest ran. */
  readonly vm: number;
  readonly vcpu: number;
  readonly cause: string;
  readonly syndrome: number;
  readonly handler: string;
  /** Saved state that was moved. */
  readonly moved: Moved;
}

/** Is told of exits. */
export interface ExitWatcher {
  /** An exit came. */
  begin(): void;
  /** It was served. */
  end(served: ServedExit): void;
}

/** A place for a watcher, which may come and go while a hypervisor runs. */
export interface WatcherPlace {
  watcher?: ExitWatcher | undefined;
}

const registersMoved = (c: SoftwareCounts): number =>
  c.generalReads + c.generalWrites + c.vectorReads + c.vectorWrites + c.systemReads + c.systemWrites;

/** Enters a row for each exit; costs are differences of what the port has counted. */
export function ledgerWatcher(ledger: Ledger, counts: () => SoftwareCounts, now: () => number): ExitWatcher {
  let [at, instructions, registers, memory] = [0, 0, 0, 0];
  const memoryOf = (c: SoftwareCounts): number => c.loads + c.stores + c.atomics;
  return {
    begin() {
      const c = counts();
      at = now();
      instructions = c.instructions;
      registers = registersMoved(c);
      memory = memoryOf(c);
    },
    end({ moved, ...row }) {
      const c = counts();
      ledger.enter({
        ...row,
        vm: Math.max(row.vm, 0),
        vcpu: Math.max(row.vcpu, 0),
        at,
        // And the instruction that leaves.
        instructions: c.instructions - instructions + 1,
        registers: registersMoved(c) - registers,
        bytes: moved.bytes,
        memory: memoryOf(c) - memory,
        transitions: 2,
      });
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
