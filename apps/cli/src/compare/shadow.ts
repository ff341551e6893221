// How a system without EL2 follows its guest's tables: `trap-and-emulate:bounded=64`, and what that cost, as rows of the table.

import type { TrapAndEmulate } from '@worldswitch/hypervisor-classic';
import { ConfigurationError } from '@worldswitch/machine';
import { checkShadowChoice } from '@worldswitch/vmm';
import type { ShadowChoice, ShadowCounters, ShadowVariant } from '@worldswitch/vmm';

import { CliError } from '../errors.ts';
import { grouped } from './table.ts';
import type { Row } from './table.ts';

/** As `--help` says it. */
export const SHADOW_HELP =
  'lazy (usual), traced, real, bounded, bounded=ENTRIES, bounded=ENTRIES/OPEN, of which OPEN are used unseen (1 is the exact order of use)';

/**
 * Reads what stands behind the colon of a system's name.
 *
 * @throws CliError of one line
 */
export function parseShadow(text: string): ShadowChoice {
  const [name = '', size, ...more] = text.split('=');
  const [capacity, open, ...rest] = (size ?? '').split('/');
  const wrong = (why: string): CliError => new CliError(`--systems: shadow tables "${text}": ${why}`);
  if (more.length > 0 || rest.length > 0) throw wrong(`must be ${SHADOW_HELP}`);
  const numbers = {
    ...(size !== undefined && { capacity: Number(capacity === '' ? NaN : capacity) }),
    ...(open !== undefined && { open: Number(open === '' ? NaN : open) }),
  };
  try {
    return checkShadowChoice({ variant: name as ShadowVariant, ...numbers });
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) throw wrong(thrown.message.replace(/^shadow\./, ''));
    throw thrown;
  }
}

/** What the shadow tables of a run counted, and their sizes at its end. */
export interface ShadowCounts extends ShadowCounters {
  readonly leaves: number;
  readonly tablePages: number;
  readonly realTables: number;
}

/** Those of a host without EL2. */
export function shadowCountsOf({ vms }: TrapAndEmulate): ShadowCounts | undefined {
  const [first, ...others] = vms.map(({ memory: { shadow } }): ShadowCounts => {
    const { counters, leaves, tablePages, realTables } = shadow;
    return { ...counters, leaves, tablePages, realTables };
  });
  if (others.length > 0) throw new RangeError('a compared guest is alone on its host');
  return first;
}

const ROWS: readonly (readonly [string, keyof ShadowCounts])[] = [
  ['hidden faults', 'hidden'],
  ["  seen uses of a bounded shadow's", 'touches'],
  ["faults of the guest's own", 'faults'],
  ['writes to tables', 'tracedWrites'],
  ['reads of tables', 'tracedReads'],
  ['TLB maintenance', 'syncs'],
  ['entries filled', 'fills'],
  ['entries evicted', 'evictions'],
  ['all forgotten for want of pages', 'flushes'],
  ['entries at the end', 'leaves'],
  ['pages of tables at the end', 'tablePages'],
  ["tables of the guest's own in use", 'realTables'],
];

/** The rows that any system has something in. */
export function shadowRows(
  results: readonly { readonly shadow?: ShadowCounts | undefined }[],
): readonly Row[] {
  return ROWS.filter(([, field]) => results.some(({ shadow }) => (shadow?.[field] ?? 0) > 0)).map(
    ([name, field]) => [
      name,
      ...results.map(({ shadow }) => (shadow === undefined ? '-' : grouped(shadow[field]))),
    ],
  );
}
