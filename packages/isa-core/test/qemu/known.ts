// Where QEMU and the architecture, or two permitted choices, differ: each with the section that explains it.

import type { Difference } from './compare.ts';
import { Signal } from './test-host.ts';

interface Known {
  /** DDI 0487 section, and what the difference is. */
  readonly why: string;
  readonly is: (d: Difference) => boolean;
}

/** True if nothing differs but bits of `mask` in one register. */
const onlyBits = ({ what }: Difference, register: string, mask: bigint): boolean => {
  const [first] = what;
  const [, name, reference, qemu] =
    /^(.*): reference (0x[0-9a-f]+), QEMU (0x[0-9a-f]+)$/.exec(first ?? '') ?? [];
  if (what.length !== 1 || name !== register || reference === undefined || qemu === undefined) return false;
  return ((BigInt(reference) ^ BigInt(qemu)) & ~mask) === 0n;
};

const known: readonly Known[] = [
  {
    why: 'C5.2.8: FPCR.Len and FPCR.Stride are RES0 where no level supports AArch32, and writable where one does',
    is: (d) => d.test.rows[0] === 'MSR FPCR, FPSR' && onlyBits(d, 'fpcr', 0x37_0000n),
  },
  {
    why: 'J1, AArch64.ExclusiveMonitorsPass: alignment is checked before the monitor; QEMU finds the monitor closed first',
    is: (d) => d.test.signal === Signal.SIGBUS && /^STL?X[RP]/.test(d.test.rows.at(-1) ?? ''),
  },
];

/** True for a difference that the list explains. */
export const isKnown = (difference: Difference): boolean => known.some(({ is }) => is(difference));
