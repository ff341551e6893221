// A host with one VM, as its guest is compared with the same on another system by its architectural events.

import { hardwareGuest } from '@worldswitch/machine';
import type { ObservedGuest } from '@worldswitch/machine';

import { HardwareAssisted } from '../hardware-assisted/hypervisor.ts';
import type { Host } from '../host.ts';
import type { TrapAndEmulate } from '../trap-and-emulate/hypervisor.ts';
import { trappedGuest } from './trapped.ts';

const isHardwareAssisted = (host: Host | Host<TrapAndEmulate>): host is Host =>
  host.hypervisor instanceof HardwareAssisted;

/** The only VM of a host that has not run yet. Throws a RangeError where there are more. */
export function observedGuest(system: string, host: Host | Host<TrapAndEmulate>): ObservedGuest {
  if (!isHardwareAssisted(host)) return trappedGuest(host, system);
  const { machine, setup } = host;
  const [one, second] = setup.vms;
  if (one === undefined || second !== undefined)
    throw new RangeError('a guest is compared on a host that has no other');
  const { base, board } = one.vm;
  return hardwareGuest(system, machine, {
    ramBase: board.ramBase,
    memory: board.memory,
    offset: base - setup.host.ramBase,
  });
}
