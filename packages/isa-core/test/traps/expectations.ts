// What the rows of `controls.ts` say that an instruction comes to.

import { syndromeOf } from './controls.ts';
import type { Control } from './controls.ts';
import { systemIss } from './rig.ts';
import type { Taken } from './rig.ts';

/** Where UNDEFINED instructions of a level go. */
export const undefinedAt = (el: number): Taken => ({ el: Math.max(el, 1), ec: 0, iss: 0 });

/** CNTPS registers are Secure EL1's: EL2 has none of them. */
const completes = (control: Control, el: number): boolean =>
  el >= control.level && !(control.field === 'SCR_EL3.ST' && el === 2);

/** Without the control: nothing, or the call that the instruction is, or UNDEFINED where its level does not have it. */
export function untrapped(control: Control, el: number, instruction: string): Taken | undefined {
  if (!completes(control, el)) return undefinedAt(el);
  const immediate = Number(instruction.slice(5));
  if (instruction.startsWith('smc')) return { el: 3, ec: 0x17, iss: immediate };
  if (instruction.startsWith('hvc')) return { el: Math.max(el, 2), ec: 0x16, iss: immediate };
  return undefined;
}

/** With the control. */
export function trapped(control: Control, el: number, instruction: string): Taken | undefined {
  const target = control.from[el];
  if (target === undefined) return untrapped(control, el, instruction);
  return { el: target, ...syndromeOf(control, systemIss(instruction)) };
}
