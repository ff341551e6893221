// What an access of software that failed is told (DDI 0487 D17.2.37, "ISS encoding for an exception from a Data Abort").

import { Fault } from '@worldswitch/platform';
import type { FaultDetail, Word64 } from '@worldswitch/platform';

import type { ExceptionRecord } from '../exceptions.ts';
import { DataIss, EC } from '../syndrome.ts';

/** The detail of the last fault; filled by each. */
export class LastFault implements FaultDetail {
  esr = 0;
  readonly address: Word64 = { lo: 0, hi: 0 };

  get code(): number {
    return this.esr & 63;
  }
  get level(): number {
    return this.esr & 3;
  }
  get s1ptw(): boolean {
    return (this.esr & DataIss.S1PTW) !== 0;
  }
  get write(): boolean {
    return (this.esr & DataIss.WnR) !== 0;
  }

  /** Takes over an exception that was not taken. What kind of fault it is; undefined where it is none of an access. */
  set({ esr = 0, far = 0n }: ExceptionRecord): Fault | undefined {
    const ec = esr >>> 26;
    if (ec !== EC.DataAbort && ec !== EC.DataAbort + 1) return undefined;
    this.esr = esr;
    this.address.lo = Number(far & 0xffff_ffffn);
    this.address.hi = Number(far >> 32n);
    const { code } = this;
    if (code < 0x08) return Fault.Translation;
    if (code < 0x10) return Fault.Permission;
    return code === 0x21 ? Fault.Size : Fault.Slave;
  }
}
