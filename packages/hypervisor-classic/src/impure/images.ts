// What of a host's description rewriting needs, and a VM's images with their kernel rewritten.

import { ConfigurationError } from '@worldswitch/machine';
import type { BootImages } from '@worldswitch/machine';
import type { CheckedVm, ShadowChoice, ShadowVariant, VmDescription } from '@worldswitch/vmm';

import { rewriteKernel } from './rewrite.ts';
import type { Rewriting } from './rewrite.ts';
import { IMPURE } from './sensitive.ts';
import type { Impure } from './sensitive.ts';

/** What is looked at of a host. */
interface ImpureHost {
  readonly technique: string;
  readonly impure?: Impure | undefined;
  readonly shadow?: ShadowVariant | ShadowChoice | undefined;
  readonly vms: readonly VmDescription[];
}

/** Throws a `ConfigurationError` for what is not done. */
export function checkImpure({ technique, impure = 'trap', shadow = 'lazy', vms }: ImpureHost): void {
  if (!IMPURE.includes(impure))
    throw new ConfigurationError(
      'impure',
      `there is none called "${impure as string}"; there is ${IMPURE.join(', ')}`,
    );
  if (technique !== 'trap-and-emulate')
    throw new ConfigurationError('impure', `goes with trap-and-emulate, and not with ${technique}`);
  if (vms.length !== 1 || (vms[0]?.board.cpus ?? 1) !== 1)
    throw new ConfigurationError('vms', 'must be one with one vCPU where its kernel is rewritten');
  const variant = typeof shadow === 'string' ? shadow : shadow.variant;
  if (impure !== 'trap' && (variant === 'bounded' || variant === 'real'))
    throw new ConfigurationError(
      'shadow',
      `must be lazy or traced with impure "${impure}": fix-ups have pages of their own in it`,
    );
}

/** A VM's images with the kernel rewritten. */
export function rewrittenImages(
  images: BootImages,
  method: Impure,
  { name, board }: CheckedVm,
): { readonly images: BootImages; readonly rewriting: Rewriting } {
  if (images.kernel === undefined)
    throw new ConfigurationError(`images.${name}.kernel`, 'is missing: there is nothing to rewrite');
  const { kernel, rewriting } = rewriteKernel(images.kernel, method, board.ramBase);
  const { base } = rewriting.arena;
  const inTheWay = board.devices.find(({ bases }) => bases.some((at) => at >= base && at < board.ramBase));
  if (method !== 'trap' && (base < 0 || inTheWay !== undefined))
    throw new ConfigurationError(
      `vms.${name}.board`,
      `has ${inTheWay?.name ?? 'no room'} before its memory, where the fix-ups are to be`,
    );
  return { images: { ...images, kernel }, rewriting };
}
