// The reference engine: every instruction through the evaluator, one after the other. Slow, plain, and the oracle of the others.

import type { Engine, Stop } from '@worldswitch/platform';

import type { Cpu } from '../cpu/cpu.ts';
import { createStepper } from './stepper.ts';

/** The reference engine of a CPU. */
export function referenceEngine(cpu: Cpu): Engine {
  const stepper = createStepper(cpu);
  const { slice } = cpu;
  let stopping = false;
  const stopAsked = (): boolean => stopping;
  const run = (): Stop => {
    while (slice.remaining > 0) {
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
      return slice.executed;
    },
    get spent() {
      return slice.spent;
    },
    run(budget: number): Stop {
      stopping = false;
      cpu.beginSlice(budget);
      const why = run();
      cpu.settle();
      return why;
    },
    stop() {
      stopping = true;
    },
    invalidate: () => undefined,
  };
}
