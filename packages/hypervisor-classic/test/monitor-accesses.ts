// Programs of random accesses to the performance monitors.

import { atEl0, COUNTERS, loop, move, set, show } from './monitor-guest.ts';

/** Events, and the filters of their types. */
export const Event = {
  INST: 8,
  TAKEN: 9,
  RETURN: 10,
  CONTEXT: 0x0b,
  CYCLES: 0x11,
  TTBR: 0x1c,
  CHAIN: 0x1e,
} as const;
export const [NOT_EL1, NOT_EL0] = [0x8000_0000, 0x4000_0000] as const;
const CYCLE_COUNTER = 0x8000_0000;
const { INST, TAKEN, RETURN, CONTEXT, CYCLES, TTBR, CHAIN } = Event;

/**
 * Every access, in any order, with any value near what matters. An interrupt that the guest masks, or a chain, is an exit that it does not
 * see, and a cycle: where there are some, cycles are not counted. Of a kernel that is translated, instructions are not, either.
 */
export function anyAccesses(
  seed: number,
  length: number,
  translated = false,
): { text: string; values: number } {
  const interrupts = translated || seed % 2 === 0;
  let state = seed * 2654435761;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const near = (): number =>
    pick([0, 1, 5, 0xffff_ffff, 0xffff_fff0, 0xffff_ff80, 0x7fff_ffff, below(2 ** 32)]);
  const filter = (): number => pick([0, 0, NOT_EL0, NOT_EL1, NOT_EL0 + NOT_EL1]);
  const few = (): string => Array.from({ length: below(12) }, () => 'nop').join('\n');
  const counted = [interrupts ? 'pmccfiltr_el0' : 'pmccntr_el0', 'pmxevcntr_el0', ...COUNTERS];
  const shown = [...counted, ...counted, 'pmovsset_el0', 'pmovsclr_el0', 'pmcntenset_el0', 'pmcr_el0'];
  const kept = ['pmxevtyper_el0', 'pmselr_el0', 'pmccfiltr_el0', 'pmintenset_el1', 'pmceid0_el0', 'isr_el1'];
  let values = 0;
  const showOne = (from: readonly string[]): string => {
    values++;
    return show(pick(from));
  };
  const event = (): number =>
    pick([
      ...[INST, INST].map((one) => one + (translated ? NOT_EL1 : filter())),
      ...[0, TAKEN, RETURN, CONTEXT, TTBR, ...(interrupts ? [CHAIN, CHAIN] : [CYCLES, CYCLES])].map(
        (one) => one + filter(),
      ),
    ]);
  const user = (): string => {
    // A store of ESR and ELR, if it traps, and of what was read in any case.
    const read = pick(counted);
    values += 1;
    return `movz x1, #0xbad\n ${few()}\n ${pick([`mrs x1, ${read}`, 'msr pmswinc_el0, x0', 'msr pmselr_el0, xzr'])}\n ${few()}\n mov x9, x1`;
  };
  const ops: (() => string)[] = [
    () => few(),
    () => showOne(shown),
    () => showOne(shown),
    () => showOne(kept),
    () => set(`pmevtyper${below(6)}_el0`, event()),
    () => set(`pmevcntr${below(6)}_el0`, near()),
    () => set(pick(['pmxevcntr_el0', 'pmovsset_el0', 'pmovsclr_el0', 'pmintenclr_el1']), near()),
    () => (interrupts ? set('pmintenset_el1', near()) : few()),
    () => set('pmcntenset_el0', ((near() | below(64)) & (interrupts ? 63 : -1)) >>> 0),
    () => set('pmcntenclr_el0', pick([0, 1, 2, CYCLE_COUNTER])),
    () => set('pmcr_el0', pick([1, 1, 1, 0x41, 9, 9, 0x49, 5, 3, 0, below(128) | 1])),
    () => set('pmselr_el0', pick([0, 1, 2, 5, 6, 31, 30])),
    () => set('pmccfiltr_el0', filter()),
    () => `${move('x0', near())}\n msr pmccntr_el0, x0`,
    () => set('pmswinc_el0', below(64)),
    () => set('pmuserenr_el0', below(16)),
    () => set('contextidr_el1', below(99)),
    () => 'mrs x2, ttbr0_el1\n msr ttbr0_el1, x2\n msr tpidr_el1, x2',
    () => `${atEl0(user())}\n str x9, [x19], #8`,
    () => '.word 0',
    () => loop(below(60) + 1),
  ];
  const text = Array.from({ length }, () => pick(ops)()).join('\n');
  return { text: `${set('pmcr_el0', 1)}\n${text}\n${set('pmintenclr_el1', 0xffff_ffff)}`, values };
}
