// Handles of the registers that several parts use.

import type { SystemRegister } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

export const SCTLR_EL1: SystemRegister = systemRegister('SCTLR_EL1');
export const ESR_EL1: SystemRegister = systemRegister('ESR_EL1');
export const FAR_EL1: SystemRegister = systemRegister('FAR_EL1');
