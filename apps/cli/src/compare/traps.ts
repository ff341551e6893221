// `--traps tvm,twi`: which controls send something of a guest to the hypervisor, as a further system of the comparison.

import type { TrapControls } from '@worldswitch/hypervisor-classic';

import { CliError } from '../errors.ts';

/** The controls by the names that the registers give them, and what comes to EL2 by each. */
export const trapNames = {
  twi: 'WFI (HCR_EL2.TWI)',
  twe: 'WFE (HCR_EL2.TWE)',
  tvm: "writes of EL1's translation registers (HCR_EL2.TVM)",
  tsc: 'SMC (HCR_EL2.TSC)',
  tde: 'breakpoints and other debug exceptions (MDCR_EL2.TDE)',
} as const;

type Name = keyof typeof trapNames;
const isName = (name: string): name is Name => name in trapNames;

/** Controls that are set, no more and no less, and what they are called. */
export interface TrapChoice {
  readonly text: string;
  readonly controls: TrapControls;
}

/** What is set where nobody says anything. */
export const USUAL_TRAPS = 'twi,tsc';

/** Reads `tvm,twi,tsc`. Throws a `CliError`. */
export function parseTraps(text: string): TrapChoice {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  for (const name of names) {
    if (!isName(name))
      throw new CliError(
        `--traps ${text}: there is no control "${name}"; there are ${Object.keys(trapNames).join(', ')}`,
      );
  }
  if (!names.includes('tsc'))
    throw new CliError(
      `--traps ${text}: tsc must be among them: a guest that reaches the board's firmware could switch the board off`,
    );
  const has = (name: Name): boolean => names.includes(name);
  const sorted = Object.keys(trapNames).filter((name) => names.includes(name));
  return {
    text: sorted.join(','),
    controls: {
      waits: has('twi'),
      waitsForEvents: has('twe'),
      translation: has('tvm'),
      secureCalls: true,
      debug: has('tde'),
    },
  };
}
