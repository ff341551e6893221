// Handles of system registers for a CPU port, by their architectural names.

import { registerByName } from '@worldswitch/isa-core';
import type { SystemRegister } from '@worldswitch/platform';

/** The handle of a system register. Throws a RangeError for a name that no register has. */
export const systemRegister = (name: string): SystemRegister => registerByName(name).cell as SystemRegister;
