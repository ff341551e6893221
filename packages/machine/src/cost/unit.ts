// One cycle for each instruction, and nothing else: cycles are counts.

import { costedEvents, instructionClasses } from '@worldswitch/platform';
import type { CostItem, CostProfile } from '@worldswitch/platform';

const all = (items: readonly CostItem[], cycles: number): [CostItem, { cycles: number; source: string }][] =>
  items.map((item) => [item, { cycles, source: 'by definition' }]);

/** Plain counts. */
export const unit: CostProfile = {
  name: 'unit',
  text: 'one cycle for each instruction, and nothing else',
  costs: Object.fromEntries([...all(instructionClasses, 1), ...all(costedEvents, 0)]) as CostProfile['costs'],
};
