// What each TLB maintenance instruction takes, and what it leaves (DDI 0487 C5.5).

import { RAM, UNMAPPED } from '../reference/machine.ts';

/** The page that entries are of, and where it leads. */
export const PAGE: number = UNMAPPED;
/** The first page that it leads to. */
export const A: number = RAM + 0x10_0000;

/** What entries are made with. */
export interface Where {
  readonly el: number;
  readonly secure?: boolean;
  readonly vmid?: bigint;
  readonly asid?: bigint;
  readonly global?: boolean;
}

export const VA = BigInt(PAGE / 4096);
const IPA = BigInt(A / 4096);
export const el1: Where = { el: 1 };
const tagged: Where = { el: 1, vmid: 3n, asid: 5n, global: false };
const secure: Where = { el: 1, secure: true };
const asid = (n: bigint, va = VA): bigint => (n << 48n) | va;

/** Operation, operand, who executes it; the entry; whether it goes. */
export const scopes: readonly (readonly [string, bigint, Where, Where, boolean])[] = [
  ['vmalle1', 0n, el1, el1, true],
  ['vmalle1', 0n, { el: 1, vmid: 3n }, tagged, true],
  ['vmalle1', 0n, { el: 1, vmid: 4n }, tagged, false],
  ['vmalle1', 0n, el1, { el: 2 }, false],
  ['vmalle1', 0n, { el: 3, secure: true }, secure, true],
  ['vmalle1', 0n, el1, secure, false],
  ['vmalle1', 0n, secure, el1, false],
  ['vae1, x0', asid(5n), { el: 1, vmid: 3n }, tagged, true],
  ['vae1, x0', asid(6n), { el: 1, vmid: 3n }, tagged, false],
  ['vae1, x0', asid(5n), { el: 1, vmid: 4n }, tagged, false],
  ['vae1, x0', asid(5n, VA + 1n), { el: 1, vmid: 3n }, tagged, false],
  ['vae1, x0', asid(6n), el1, el1, true],
  ['vale1, x0', asid(5n), { el: 1, vmid: 3n }, tagged, true],
  ['vale1, x0', asid(6n), { el: 1, vmid: 3n }, tagged, false],
  ['aside1, x0', asid(5n, 0n), { el: 1, vmid: 3n }, tagged, true],
  ['aside1, x0', asid(6n, 0n), { el: 1, vmid: 3n }, tagged, false],
  ['aside1, x0', asid(0n, 0n), el1, el1, false],
  ['vaae1, x0', VA, { el: 1, vmid: 3n }, tagged, true],
  ['vaae1, x0', VA + 1n, { el: 1, vmid: 3n }, tagged, false],
  ['vaale1, x0', VA, { el: 1, vmid: 3n }, tagged, true],
  ['alle1', 0n, { el: 2, vmid: 7n }, tagged, true],
  ['alle1', 0n, { el: 3, secure: true }, tagged, false],
  ['alle1', 0n, { el: 3, secure: true }, secure, true],
  ['alle1', 0n, { el: 2 }, { el: 2 }, false],
  ['vmalls12e1', 0n, { el: 2, vmid: 3n }, tagged, true],
  ['vmalls12e1', 0n, { el: 2, vmid: 4n }, tagged, false],
  ['ipas2e1, x0', IPA, { el: 2, vmid: 3n }, tagged, true],
  ['ipas2e1, x0', IPA, { el: 2, vmid: 4n }, tagged, false],
  ['ipas2le1, x0', IPA, { el: 2, vmid: 3n }, tagged, true],
  ['ipas2le1, x0', IPA + (1n << 18n), { el: 2, vmid: 3n }, tagged, false],
  ['alle2', 0n, { el: 2 }, { el: 2 }, true],
  ['alle2', 0n, { el: 2 }, el1, false],
  ['alle2', 0n, { el: 3 }, { el: 3 }, false],
  ['vae2, x0', VA, { el: 2 }, { el: 2 }, true],
  ['vae2, x0', VA + 1n, { el: 2 }, { el: 2 }, false],
  ['vale2, x0', VA, { el: 3 }, { el: 2 }, true],
  ['alle3', 0n, { el: 3 }, { el: 3 }, true],
  ['alle3', 0n, { el: 3 }, { el: 2 }, false],
  ['alle3', 0n, { el: 3 }, secure, false],
  ['vae3, x0', VA, { el: 3 }, { el: 3 }, true],
  ['vae3, x0', VA + 1n, { el: 3 }, { el: 3 }, false],
  ['vae3, x0', VA, { el: 3 }, secure, false],
  ['vale3, x0', VA, { el: 3, secure: true }, { el: 3 }, true],
];

/** All that the rows execute, with and without IS. */
export const maintenanceOperations: readonly string[] = scopes.flatMap(([operation]) => [
  `tlbi ${operation}`,
  `tlbi ${operation.replace(/(?=,|$)/, 'is')}`,
]);

/** Address translation instructions that `secure.test.ts` executes at EL3: the level whose table it is, EL0's permissions, a write. */
export const translationOperations: readonly string[] = [
  ...['at s1e1r, x0', 'at s1e1w, x0', 'at s1e0r, x0', 'at s1e0w, x0'],
  ...['at s12e1r, x0', 'at s12e1w, x0', 'at s12e0r, x0', 'at s12e0w, x0'],
  ...['at s1e2r, x0', 'at s1e2w, x0', 'at s1e3r, x0', 'at s1e3w, x0'],
];
