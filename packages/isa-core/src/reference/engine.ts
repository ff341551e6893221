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
  return {
    name: 'reference',
    get executed() {
      return budget - remaining();
    },
    run(instructions: number): Stop {
      budget = instructions;
      stopping = false;
      cpu.state.setWord(Layout.remaining, budget);
      while (remaining() > 0) {
        if (cpu.waiting) return 'wait';
        if (!cpu.poll()) stepper.step();
        if (stopAsked()) return 'stopped';
      }
      return 'budget';
    },
    stop() {
      stopping = true;
    },
    invalidate: () => undefined,
  };
}
