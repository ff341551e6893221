// DDI 0487 D8.4.1: stage 1 permissions, against a table written out from the manual's text.

import { describe, expect, test } from 'vitest';

import { Access, MmuFault, Permission, permits, Regime } from '../src/index.ts';
import { at, createRig, go, KERNEL_DATA, P, stage1, stage2 } from './rig.ts';
import type { Rig } from './rig.ts';

// UXN PXN AP[2:1]: what EL1 and EL0 may do, then the same with SCTLR_EL1.WXN.
const EL10 = `
0 0 00  rw-x --x   rw-- --x
0 0 01  rw-- rwx   rw-- rw-
0 0 10  r--x --x   r--x --x
0 0 11  r--x r-x   r--x r-x
0 1 00  rw-- --x   rw-- --x
0 1 01  rw-- rwx   rw-- rw-
0 1 10  r--- --x   r--- --x
0 1 11  r--- r-x   r--- r-x
1 0 00  rw-x ---   rw-- ---
1 0 01  rw-- rw-   rw-- rw-
1 0 10  r--x ---   r--x ---
1 0 11  r--x r--   r--x r--
1 1 00  rw-- ---   rw-- ---
1 1 01  rw-- rw-   rw-- rw-
1 1 10  r--- ---   r--- ---
1 1 11  r--- r--   r--- r--`;

// XN AP[2]: EL2 or EL3, then with WXN.
const EL2 = `
0 0  rwx  rw-
0 1  r-x  r-x
1 0  rw-  rw-
1 1  r--  r--`;

const VA = 0x40_0000;
const ACCESSES: readonly { readonly access: Access; readonly needs: readonly string[] }[] = [
  { access: Access.Read, needs: ['r'] },
  { access: Access.Write, needs: ['w'] },
  { access: Access.Execute, needs: ['x'] },
  { access: Access.ReadWrite, needs: ['r', 'w'] },
];

const rows = (text: string): string[][] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/));

/** Writes AP and XN bits into the descriptor of VA. */
function setBits(rig: Rig, tables: ReturnType<typeof stage1>, ap: number, uxn: number, pxn: number): void {
  tables.edit(VA, { lo: ap << 6, hi: (uxn << 22) | (pxn << 21) }, { lo: 3 << 6, hi: 3 << 21 });
  at(rig, VA);
}

function expectAccess(rig: Rig, allowed: boolean): void {
  expect(rig.walker.translate(rig.request, rig.out)).toBe(allowed);
  expect(rig.out.fault).toBe(allowed ? MmuFault.None : MmuFault.Permission);
  if (!allowed) expect([rig.out.level, rig.out.stage]).toEqual([3, 1]);
}

describe.each([Regime.EL10, Regime.EL20])('EL1&0 and EL2&0 (regime %i)', (regime) => {
  test.each(rows(EL10))(
    'UXN=%s PXN=%s AP=%s',
    (uxn, pxn, ap, el1 = '', el0 = '', el1Wxn = '', el0Wxn = '') => {
      const rig = createRig();
      const tables = stage1(rig, { regime });
      tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
      setBits(rig, tables, parseInt(ap, 2), Number(uxn), Number(pxn));
      const registers = regime === Regime.EL10 ? rig.controls.el1 : rig.controls.el2;
      for (const wxn of [0, 1]) {
        registers.sctlr = 1 | (wxn << 19);
        for (const user of [false, true]) {
          for (const pan of [false, true]) {
            const own = user ? (wxn ? el0Wxn : el0) : wxn ? el1Wxn : el1;
            const el0Data = /[rw]/.test(el0);
            for (const { access, needs } of ACCESSES) {
              rig.request.unprivileged = user;
              rig.request.pan = pan;
              rig.request.access = access;
              // PSTATE.PAN: no privileged data access to what EL0 may access; fetches go on.
              const denied = pan && !user && el0Data && access !== Access.Execute;
              expectAccess(rig, needs.every((n) => own.includes(n)) && !denied);
            }
          }
        }
      }
    },
  );
});

describe.each([
  ['EL2', Regime.EL2],
  ['EL3', Regime.EL3],
] as const)('%s', (_name, regime) => {
  test.each(rows(EL2))('XN=%s AP[2]=%s', (xn, ap, own = '', ownWxn = '') => {
    const rig = createRig();
    const tables = stage1(rig, { regime });
    tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
    const registers = regime === Regime.EL2 ? rig.controls.el2 : rig.controls.el3;
    for (const ap1 of [0, 1]) {
      setBits(rig, tables, (Number(ap) << 1) | ap1, Number(xn), 1);
      for (const wxn of [0, 1]) {
        registers.sctlr = 1 | (wxn << 19);
        rig.request.pan = true; // there is no EL0 here for PAN to guard
        for (const { access, needs } of ACCESSES) {
          rig.request.access = access;
          expectAccess(
            rig,
            needs.every((n) => (wxn ? ownWxn : own).includes(n)),
          );
        }
      }
    }
  });
});

describe('hierarchical permissions', () => {
  // Table bit (of the high half), then what is left of a user page rwx at EL0 with EL1 rw.
  const AP_NO_EL0 = 1 << 29;
  const AP_READ_ONLY = 1 << 30;
  const XN = 1 << 28;
  const PXN = 1 << 27;
  const cases = [
    { name: 'none', hi: 0, ap: 1, el1: 'rw', el0: 'rwx' },
    { name: 'APTable[0]', hi: AP_NO_EL0, ap: 1, el1: 'rwx', el0: 'x' },
    { name: 'APTable[1]', hi: AP_READ_ONLY, ap: 1, el1: 'rx', el0: 'rx' },
    { name: 'APTable both', hi: AP_NO_EL0 | AP_READ_ONLY, ap: 1, el1: 'rx', el0: 'x' },
    { name: 'UXNTable', hi: XN, ap: 1, el1: 'rw', el0: 'rw' },
    { name: 'PXNTable on a kernel page', hi: PXN, ap: 0, el1: 'rw', el0: 'x' },
    { name: 'PXNTable and UXNTable', hi: PXN | XN, ap: 2, el1: 'r', el0: '' },
  ];
  for (const level of [0, 1, 2]) {
    test.each(cases)(`level ${level}: $name`, ({ hi, ap, el1, el0 }) => {
      for (const hpd of [false, true]) {
        const rig = createRig({ hpds: true });
        const tables = stage1(rig);
        tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA });
        setBits(rig, tables, ap, 0, 0);
        const places: number[] = [];
        rig.walker.observer = { fetched: (_s, _l, pa) => places.push(pa) };
        go(rig, VA);
        rig.walker.observer = undefined;
        const place = places[level] ?? 0;
        const [lo = 0, high = 0] = rig.memory.words.get(place) ?? [];
        rig.memory.write64(place, lo, high | hi);
        if (hpd) rig.controls.el1.tcrHi |= 1 << 9;
        const none = cases.find((c) => c.ap === ap && c.hi === 0);
        const got = hpd ? none : { el1, el0 };
        if (got === undefined) continue;
        for (const { access, needs } of ACCESSES) {
          rig.request.access = access;
          for (const user of [false, true]) {
            rig.request.unprivileged = user;
            expectAccess(
              rig,
              needs.every((n) => (user ? got.el0 : got.el1).includes(n)),
            );
          }
        }
      }
    });
  }

  test('EL2: APTable[1] and XNTable', () => {
    const rig = createRig();
    const tables = stage1(rig, { regime: Regime.EL2 });
    tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: KERNEL_DATA | P.PrivilegedExecute });
    const [lo = 0, hi = 0] = rig.memory.words.get(tables.root) ?? [];
    expect([go(rig, VA, Access.Write), go(rig, VA, Access.Execute)]).toEqual([true, true]);
    rig.memory.write64(tables.root, lo, hi | XN);
    expect([go(rig, VA, Access.Write), go(rig, VA, Access.Execute)]).toEqual([true, false]);
    rig.memory.write64(tables.root, lo, hi | AP_READ_ONLY);
    expect([go(rig, VA, Access.Write), go(rig, VA, Access.Execute)]).toEqual([false, true]);
  });
});

describe('stage 2', () => {
  const S2AP = ['', 'r', 'w', 'rw'];

  test.each([0, 1, 2, 3])('S2AP=%i with XN', (s2ap) => {
    for (const xn of [0, 1]) {
      const rig = createRig();
      const tables = stage2(rig);
      tables.map({ va: VA, pa: 0x9000, size: 4096, permissions: 63 });
      tables.edit(VA, { lo: s2ap << 6, hi: xn << 22 }, { lo: 3 << 6, hi: 3 << 21 });
      for (const { access, needs } of ACCESSES) {
        const own = `${S2AP[s2ap] ?? ''}${xn ? '' : 'x'}`;
        const allowed = needs.every((n) => own.includes(n));
        for (const user of [false, true]) {
          rig.request.unprivileged = user;
          expect(go(rig, VA, access)).toBe(allowed);
          if (allowed) continue;
          expect(rig.out).toMatchObject({
            fault: MmuFault.Permission,
            stage: 2,
            level: 3,
            s1ptw: false,
            ipa: VA,
          });
          // WnR of an atomic: the read comes first.
          if (access === Access.ReadWrite) expect(rig.out.write).toBe(own.includes('r'));
        }
      }
    }
  });

  test.each([
    [0, true, true],
    [1, false, true],
    [2, false, false],
    [3, true, false],
  ])('FEAT_XNX: XN=%i', (xn, el1, el0) => {
    const rig = createRig({ xnx: true });
    const tables = stage2(rig);
    tables.map({ va: VA, pa: 0x9000, size: 4096, permissions: 63 });
    tables.edit(VA, { lo: 0, hi: xn << 21 }, { lo: 0, hi: 3 << 21 });
    expect(go(rig, VA, Access.Execute)).toBe(el1);
    rig.request.unprivileged = true;
    expect(go(rig, VA, Access.Execute)).toBe(el0);
  });

  test('the permissions of an entry are those of both stages', () => {
    const rig = createRig();
    const one = stage1(rig);
    const two = stage2(rig);
    two.map({ va: 0, pa: 0, size: 2 ** 30, permissions: 63 });
    one.map({
      va: VA,
      pa: 0x8000,
      size: 4096,
      permissions: P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute,
    });
    expect(go(rig, VA)).toBe(true);
    expect(rig.out.permissions).toBe(
      P.PrivilegedRead | P.UnprivilegedRead | P.UnprivilegedExecute | P.PanDenies,
    );
    two.map({ va: 0x8000, pa: 0x8000, size: 4096, permissions: P.PrivilegedRead | P.UnprivilegedRead });
    expect(go(rig, VA)).toBe(true);
    expect(rig.out.permissions).toBe(P.PrivilegedRead | P.UnprivilegedRead | P.PanDenies);
    // Stage 1 refuses first.
    rig.request.unprivileged = true;
    expect(go(rig, VA, Access.Write)).toBe(false);
    expect(rig.out.stage).toBe(1);
    expect(go(rig, VA, Access.Execute)).toBe(false);
    expect(rig.out.stage).toBe(2);
  });
});

test('operations by address need read permission at EL0 and none above', () => {
  const rig = createRig();
  const tables = stage1(rig);
  tables.map({ va: VA, pa: 0x8000, size: 4096, permissions: P.PrivilegedRead });
  expect(go(rig, VA, Access.Maintenance)).toBe(true);
  rig.request.unprivileged = true;
  expect(go(rig, VA, Access.Maintenance)).toBe(false);
  expect(rig.out.write).toBe(true);
  expect(go(rig, VA, Access.Address)).toBe(true);
});

test('permits: PAN leaves fetches and operations alone', () => {
  const bits = Permission.PrivilegedRead | Permission.PrivilegedExecute | Permission.PanDenies;
  expect(permits(bits, Access.Read, false, true)).toBe(false);
  expect(permits(bits, Access.Execute, false, true)).toBe(true);
  expect(permits(bits, Access.Maintenance, false, true)).toBe(true);
  expect(permits(bits, Access.Read, false, false)).toBe(true);
});
