// Every row of `controls.ts`, at every exception level: with the control the trap, with its class, syndrome and target; without it,
// and at levels that it does not concern, the instruction completes, or is UNDEFINED where its level does not have it.

import { describe, expect, test } from 'vitest';

import { controls, implementationDefined, undefining } from './controls.ts';
import { trapped, undefinedAt, untrapped } from './expectations.ts';
import { apply, execute, systemIss, trapMachine } from './rig.ts';
import type { Settings, Taken } from './rig.ts';

const LEVELS = [0, 1, 2, 3] as const;

/** What an instruction comes to at a level under settings, on a machine of its own. */
function outcome(settings: Settings, el: number, instruction: string): Taken | undefined {
  const m = trapMachine();
  apply(m, settings);
  return execute(m, el, instruction);
}

const all = [...controls, ...undefining];
describe.each(all.map((control) => [control.field, control] as const))('%s', (_field, control) => {
  test.each(control.instructions)('%s', (instruction) => {
    for (const el of LEVELS) {
      const [on, off] = [trapped(control, el, instruction), untrapped(control, el, instruction)];
      expect(outcome(control.on, el, instruction), `on, at EL${String(el)}`).toEqual(on);
      expect(outcome(control.off, el, instruction), `off, at EL${String(el)}`).toEqual(off);
    }
  });
});

describe('HCR_EL2.TIDCP', () => {
  test.each(implementationDefined)('%s', (instruction) => {
    for (const el of LEVELS) {
      const expected = el === 1 ? { el: 2, ec: 0x18, iss: systemIss(instruction) } : undefinedAt(el);
      expect(outcome({ HCR_EL2: 0x8010_0000n }, el, instruction), `on, at EL${String(el)}`).toEqual(expected);
      expect(outcome({}, el, instruction), `off, at EL${String(el)}`).toEqual(undefinedAt(el));
    }
  });
});

describe('HCR_EL2.HCD, without EL3', () => {
  test('hvc is UNDEFINED at EL1 and EL2 with it', () => {
    const hvc = (hcr: bigint, el: number): Taken | undefined => {
      const m = trapMachine({ el2: true });
      apply(m, { HCR_EL2: hcr });
      return execute(m, el, 'hvc #0x1');
    };
    for (const el of [1, 2]) {
      expect(hvc(1n << 29n, el)).toEqual(undefinedAt(el));
      expect(hvc(0n, el)).toEqual({ el: 2, ec: 0x16, iss: 1 });
    }
  });

  test('is RES0 with EL3', () => {
    const m = trapMachine();
    m.enter(2);
    m.setX(3, 0x2000_0000);
    m.run('msr hcr_el2, x3', 'mrs x4, hcr_el2');
    expect(m.x(4)).toBe(0x8000_0000n);
  });
});

describe('EL2 controls', () => {
  test('do nothing in the Secure state', () => {
    for (const control of controls) {
      if (!/^(?:HCR|CPTR|MDCR|ICH_HCR|ICC_SRE)_EL2|^CNTHCTL/.test(control.field) || control.level !== 1)
        continue;
      if (control.field === 'HCR_EL2.TSC') continue;
      for (const instruction of control.instructions) {
        const settings = { ...control.on, SCR_EL3: 0x530n };
        expect(outcome(settings, 1, instruction), `${control.field}: ${instruction}`).toBeUndefined();
      }
    }
  });
});
