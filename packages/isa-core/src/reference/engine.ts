// The reference engine: every instruction through the evaluator, one after the other. Slow, plain, and the oracle of the others.

import type { Engine, Stop } from '@worldswitch/platform';

import type { Cpu } from '../cpu/cpu.ts';
import { Layout } from '../cpu/layout.ts';
import { createStepper } from './stepper.ts';

/** The reference engine of a CPU. */
export function referenceEngine(cpu: Cpu): Engine {
  const stepper = createStepper(cpu);
  const remaining = (): number => cpu.state.word(Layout.remaining) | 0;
  let budget = 0;
  let stopping = false;
  const stopAsked = (): boolean => stopping;
  const slice = (): Stop => {
    while (remaining() > 0) {
      if (cpu.waiting) return 'wait';
      if (cpu.untilEvent <= 0) cpu.settle();
      if (!cpu.poll()) stepper.step();
      if (stopAsked()) return 'stopped';
    }
    return 'budget';
  };
  return {
    name: 'reference',
    get executed() {
      return budget - remaining();
    },
    run(instructions: number): Stop {
      budget = instructions;
      stopping = false;
      cpu.beginSlice(budget);
      const why = slice();
      cpu.settle();
      return why;
    },
    stop() {
      stopping = true;
    },
    invalidate: () => undefined,
  };
}
