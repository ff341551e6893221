// Invalidating what TLBs hold of stage 2 (DDI 0487 D8.14): by IPA, and then stage 1 of the VM, whose entries may hold both stages
// together.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { systemOperation, systemRegister } from '../names.ts';

const VTTBR_EL2 = systemRegister('VTTBR_EL2');
const IPAS2E1IS = systemOperation('TLBI IPAS2E1IS');
const VMALLE1IS = systemOperation('TLBI VMALLE1IS');
const VMALLS12E1IS = systemOperation('TLBI VMALLS12E1IS');
const DSB_ISHST = systemOperation('DSB ISHST');
const DSB_ISH = systemOperation('DSB ISH');
const ISB = systemOperation('ISB');

/** More addresses than this, and everything of the VM is invalidated at once. */
const MANY = 32;

/** Stale translations of one change, collected and then invalidated together. */
export class Invalidation {
  private readonly addresses: number[] = [];
  private whole = false;
  private readonly current: Word64 = { lo: 0, hi: 0 };

  /** True where there is something to invalidate. */
  get needed(): boolean {
    return this.whole || this.addresses.length > 0;
  }

  /** A block or page at `ipa` is no longer what it was. */
  leaf(ipa: number): void {
    if (this.addresses.length < MANY) this.addresses.push(ipa);
    else this.whole = true;
  }

  /** A table is gone. */
  table(): void {
    this.whole = true;
  }

  /** Invalidates on all CPUs, for the VMID of `vttbr`; after it, walks see the tables as they are now. */
  flush(port: CpuPort, [lo, hi]: readonly [number, number]): void {
    port.operate(DSB_ISHST);
    const { current } = this;
    port.readSystem(VTTBR_EL2, current);
    const foreign = current.lo !== lo || current.hi !== hi;
    if (foreign) {
      port.writeSystem(VTTBR_EL2, lo, hi);
      port.operate(ISB);
    }
    if (this.whole) port.operate(VMALLS12E1IS);
    else {
      for (const ipa of this.addresses) {
        const page = Math.floor(ipa / 4096);
        port.operate(IPAS2E1IS, page >>> 0, Math.floor(page / 2 ** 32));
      }
      port.operate(DSB_ISH);
      port.operate(VMALLE1IS);
    }
    port.operate(DSB_ISH);
    port.operate(ISB);
    if (foreign) {
      port.writeSystem(VTTBR_EL2, current.lo, current.hi);
      port.operate(ISB);
    }
    this.addresses.length = 0;
    this.whole = false;
  }

  /** Makes new descriptors visible to walks, where nothing was stale. */
  publish(port: CpuPort): void {
    port.operate(DSB_ISHST);
    port.operate(ISB);
  }
}
