// The ledger as a trace for Perfetto and chrome://tracing (the "Trace Event Format": complete events, microseconds).

import type { Ledger } from './ledger.ts';

/** One complete event. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: 'X';
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, number | string>>;
}

/**
 * A process for each VM, a thread for each of its vCPUs, an event for each exit.
 *
 * @param ledger - rows whose times are nanoseconds
 * @param nanosecondsPerInstruction - how long an instruction of the hypervisor takes
 */
export function perfettoTrace(
  ledger: Ledger,
  nanosecondsPerInstruction = 1,
): { traceEvents: readonly TraceEvent[] } {
  return {
    traceEvents: Array.from(ledger, (row) => ({
      name: row.cause,
      cat: 'exit',
      ph: 'X',
      ts: row.at / 1000,
      dur: (row.instructions * nanosecondsPerInstruction) / 1000,
      pid: row.vm,
      tid: row.vcpu,
      args: {
        syndrome: `0x${row.syndrome.toString(16)}`,
        handler: row.handler,
        registers: row.registers,
        bytes: row.bytes,
        memory: row.memory,
        transitions: row.transitions,
      },
    })),
  };
}
