// Translation regimes, kinds of access, and what an access needs (DDI 0487 D8.1, D8.4).

/** A translation regime. */
export const Regime = { EL10: 0, EL2: 1, EL20: 2, EL3: 3 } as const;
/** A translation regime: EL1&0, EL2, EL2&0 (VHE), EL3. */
export type Regime = (typeof Regime)[keyof typeof Regime];

/**
 * What is done at the address.
 *
 * `ReadWrite` is an atomic read-modify-write. `Maintenance` is a cache operation by address, which needs read permission at
 * EL0 and none above (DC ZVA is a `Write`). `Address` asks for the address alone and needs no permission.
 */
export const Access = { Read: 0, Write: 1, Execute: 2, ReadWrite: 3, Maintenance: 4, Address: 5 } as const;
/** What is done at the address. */
export type Access = (typeof Access)[keyof typeof Access];

/**
 * Permission bits of a translation: read, write and execute, privileged and at EL0.
 *
 * `PanDenies` says that a privileged data access is refused while PSTATE.PAN is set, as EL0 may access the location.
 */
export const Permission = {
  PrivilegedRead: 1,
  PrivilegedWrite: 2,
  PrivilegedExecute: 4,
  UnprivilegedRead: 8,
  UnprivilegedWrite: 16,
  UnprivilegedExecute: 32,
  PanDenies: 64,
} as const;

/** All permissions, and nothing for PAN to deny. */
export const ALL_PERMISSIONS = 63;

/** Privileged bits that each `Access` needs; shifted left by 3 they are those of EL0. */
const NEEDS: readonly number[] = [1, 2, 4, 3, 0, 0];

/**
 * True when permission bits allow an access.
 *
 * @param permissions - `Permission` bits
 * @param access - what is done
 * @param unprivileged - true for an access with EL0's permissions: at EL0, or LDTR and STTR
 * @param pan - PSTATE.PAN; false for accesses to which it does not apply
 */
export function permits(permissions: number, access: Access, unprivileged: boolean, pan: boolean): boolean {
  if (unprivileged) {
    const need = access === Access.Maintenance ? Permission.UnprivilegedRead : (NEEDS[access] ?? 0) << 3;
    return (permissions & need) === need;
  }
  const need = NEEDS[access] ?? 0;
  if ((permissions & need) !== need) return false;
  return !pan || (need & 3) === 0 || (permissions & Permission.PanDenies) === 0;
}
