// What software in TypeScript resolves once: system registers and operations by their architectural names.

import type { SystemOperation, SystemRegister } from '@worldswitch/platform';

import type { SystemRegisterName } from '../sysregs/names.ts';
import { registerByName } from '../sysregs/table.ts';
import { systemInstructionId } from '../system-instructions.ts';
import { plainOperationNames, sysOperationNames } from './operation-names.ts';
import type { SystemOperationName } from './operation-names.ts';

/** What an operation counts as, and how it is executed. */
export type OperationKind =
  'tlbi' | 'at' | 'cache' | 'barrier' | 'sev' | 'sevl' | 'clrex' | 'hvc' | 'smc' | 'svc';

/** One operation. */
export interface OperationEntry {
  readonly name: SystemOperationName;
  readonly kind: OperationKind;
  /** The encoding of a SYS instruction, as `systemId` has it; -1 of others. */
  readonly id: number;
}

const SYS_KINDS: Readonly<Record<string, OperationKind>> = { TLBI: 'tlbi', AT: 'at' };
const kindOfPlain = (name: string): OperationKind =>
  /^(DSB|DMB|ISB)/.test(name) ? 'barrier' : (name.toLowerCase() as OperationKind);

/** All operations; a handle is an index. */
export const operations: readonly OperationEntry[] = [
  ...sysOperationNames.map((name) => ({
    name,
    kind: SYS_KINDS[name.split(' ')[0] ?? ''] ?? 'cache',
    id: systemInstructionId(name) ?? -1,
  })),
  ...plainOperationNames.map((name) => ({ name, kind: kindOfPlain(name), id: -1 })),
];
const byName = new Map<string, number>(operations.map(({ name }, i) => [name, i]));

/** The handle of a system register. Throws a RangeError for a name that is none. */
export function systemRegister(name: SystemRegisterName): SystemRegister {
  return registerByName(name).cell as SystemRegister;
}

/** The handle of a system operation. Throws a RangeError for a name that is none. */
export function systemOperation(name: SystemOperationName): SystemOperation {
  const found = byName.get(name);
  if (found === undefined) throw new RangeError(`no system operation is called ${name}`);
  return found as SystemOperation;
}
