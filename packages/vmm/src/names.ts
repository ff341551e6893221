// Handles of system registers and operations by their architectural names, as a CPU port takes them. Names that tables compose are no
// literals, so these take any text, and throw a RangeError for a name that is none.

import { systemOperation as operationOf, systemRegister as registerOf } from '@worldswitch/isa-core';
import type { SystemOperationName, SystemRegisterName } from '@worldswitch/isa-core';
import type { SystemOperation, SystemRegister } from '@worldswitch/platform';

/** The handle of a system register: `ESR_EL2`. */
export const systemRegister = (name: string): SystemRegister => registerOf(name as SystemRegisterName);

/** The handle of a system operation: `TLBI IPAS2E1IS`, `AT S12E1R`, `DSB ISH`, `ISB`. */
export const systemOperation = (name: string): SystemOperation => operationOf(name as SystemOperationName);
