// The system-register table: every register that the CPU has, by encoding and by name (DDI 0487 D17.1).

import { Layout } from '../layout.ts';
import { control } from './control.ts';
import { debugRegisters } from './debug.ts';
import { ALL, levelOfOp1, systemId } from './entry.ts';
import type { Definition, SystemRegisterEntry } from './entry.ts';
import { interruptController } from './gic.ts';
import { identification } from './identification.ts';
import { implementation } from './implementation.ts';
import { monitors } from './pmu.ts';
import { timers } from './timers.ts';

function complete(d: Definition, cell: number): SystemRegisterEntry {
  const [op0, op1, crn, crm, op2] = d.at;
  const level = levelOfOp1(op1);
  return {
    name: d.name,
    id: systemId(op0, op1, crn, crm, op2),
    kind: d.plain ? 'cell' : 'handler',
    cell,
    minRead: d.minRead ?? level,
    minWrite: d.minWrite ?? level,
    writable: d.writable ?? ALL,
    reset: d.reset ?? 0n,
    traps: d.traps ?? [],
    ...(d.checked && { checked: d.checked }),
    ...(d.read && { read: d.read }),
    ...(d.write && { write: d.write }),
    ...(d.present && { present: d.present }),
    ...(d.bank && { bank: d.bank }),
    ...(d.acknowledges && { acknowledges: d.acknowledges }),
  };
}

/** All registers. A register's cell is its place here. */
export const systemRegisters: readonly SystemRegisterEntry[] = [
  ...control,
  ...timers,
  ...interruptController,
  ...identification,
  ...debugRegisters,
  ...monitors,
  ...implementation,
].map(complete);

if (systemRegisters.length > Layout.cellCount) throw new RangeError('more system registers than cells');

const byId = new Map<number, SystemRegisterEntry>();
const byName = new Map<string, SystemRegisterEntry>();
for (const entry of systemRegisters) {
  if (byId.has(entry.id))
    throw new Error(`${entry.name} and ${byId.get(entry.id)?.name ?? ''} share an encoding`);
  byId.set(entry.id, entry);
  byName.set(entry.name, entry);
}

/** The register of an encoding, or undefined where there is none. */
export function lookup(
  op0: number,
  op1: number,
  crn: number,
  crm: number,
  op2: number,
): SystemRegisterEntry | undefined {
  return byId.get(systemId(op0, op1, crn, crm, op2));
}

/** The register of an `id`, or undefined where there is none. */
export const registerById = (id: number): SystemRegisterEntry | undefined => byId.get(id);

/** The register of an architectural name, or undefined where there is none: a bank may have some with no encoding of their own. */
export const findRegister = (name: string): SystemRegisterEntry | undefined => byName.get(name);

/** The register of an architectural name. Throws a RangeError for one that is not in the table. */
export function registerByName(name: string): SystemRegisterEntry {
  const found = byName.get(name);
  if (found === undefined) throw new RangeError(`no system register is called ${name}`);
  return found;
}
