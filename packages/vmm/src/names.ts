// Handles of system registers and operations by their architectural names, as a CPU port takes them.

import type { SystemOperation, SystemRegister } from '@worldswitch/platform';

function number(name: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193);
  return hash >>> 1;
}

/** The handle of a system register: `ESR_EL2`. */
export const systemRegister = (name: string): SystemRegister => number(name) as SystemRegister;

/** The handle of a system operation: `TLBI IPAS2E1IS`, `AT S12E1R`, `DSB ISH`, `ISB`. */
export const systemOperation = (name: string): SystemOperation => number(name) as SystemOperation;
