// Device registers as a hypervisor's driver reaches them: loads and stores of its own, through the port.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Width, Word64 } from '@worldswitch/platform';

/** A device that is not where the hypervisor was told. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
}

const at: Word64 = { lo: 0, hi: 0 };
const value: Word64 = { lo: 0, hi: 0 };

function address(physical: number): Word64 {
  at.lo = physical >>> 0;
  at.hi = Math.floor(physical / 2 ** 32);
  return at;
}

function check(fault: Fault, what: string, physical: number): void {
  if (fault !== Fault.None)
    throw new DriverError(`no device answers ${what} at 0x${physical.toString(16)} (fault ${fault})`);
}

/** Loads one register. Throws a `DriverError` where nothing answers. */
export function readRegister(port: CpuPort, physical: number, width: Width = 4): number {
  check(port.load(address(physical), width, value), 'a load', physical);
  return value.lo;
}

/** Stores to one register. Throws a `DriverError` where nothing answers. */
export function writeRegister(port: CpuPort, physical: number, data: number, width: Width = 4): void {
  check(port.store(address(physical), width, data >>> 0, 0), 'a store', physical);
}
