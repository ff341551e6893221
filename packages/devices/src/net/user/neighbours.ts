// The guest's stations and their hardware addresses, as their packets and answers say (RFC 826).

import { bytes, list, record, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** A station. */
export type Neighbour = Readonly<{ address: number; mac: Uint8Array }>;

/** Stations that are known at once; the one that was new first goes first. */
const MOST = 32;

/** How they are checked. */
export const neighboursShape: Shape<readonly Neighbour[]> = list(
  record<Neighbour>({ address: uint(0xffff_ffff), mac: bytes(6) }),
  0,
  MOST,
);

/** Who is known. */
export class Neighbours {
  private readonly macs = new Map<number, Uint8Array>();

  constructor(state: readonly Neighbour[] = []) {
    for (const { address, mac } of state) this.macs.set(address, mac);
  }

  save(): readonly Neighbour[] {
    return [...this.macs].map(([address, mac]) => ({ address, mac: mac.slice() }));
  }
  /** A station says where it is. Nobody has the address of a group. */
  learn(address: number, mac: Uint8Array): void {
    if (((mac[0] ?? 0) & 1) !== 0) return;
    this.macs.set(address, mac.slice());
    const [first] = this.macs.keys();
    if (this.macs.size > MOST && first !== undefined) this.macs.delete(first);
  }
  /** Its hardware address, if it is known. */
  find(address: number): Uint8Array | undefined {
    return this.macs.get(address);
  }
}
