// A guest whose user code tries every kind of access to memory that is its kernel's alone, just after its kernel was there, after
// permissions changed, and at addresses of the hypervisor. It logs for each what exception it made.

import { assemble } from '@worldswitch/isa-core';
import { Permission } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';

import { LOG, OFF, RAM, TEXT, wide } from './twin.ts';
import type { Guest } from './twin.ts';

const P = Permission;
const KERNEL = P.PrivilegedRead | P.PrivilegedWrite;
const USER = KERNEL | P.UnprivilegedRead | P.UnprivilegedWrite;
const PAGE = 0x1000;
const TWO_MIB = 0x20_0000;
const GIB = 0x4000_0000;
/** Where the kernel has all memory, and where targets of the upper half are. */
const LINEAR = 0xffff_8000_0000_0000n;
const UPPER = 0xffff_9000_0000_0000n;
/** User code: where it is, and where EL0 executes it. */
const USER_TEXT = RAM + 0x60_0000;
const USER_AT = 0x7000_0000;
/** The memory of targets: each page begins with RET. */
const PAGES = RAM + 0x80_0000;
const RET = 0xd65f_03c0;
const SECRET = 0x5ec2_e700;
const UART = 0x0900_0000;

/** A place that user code tries. */
export interface Target {
  readonly name: string;
  readonly va: bigint;
  /** `kernel`: nothing for EL0; `nothing`: nobody's. */
  readonly kind: 'kernel' | 'nothing' | 'user' | 'execute-only';
  /** What the kernel does there just before: bit 0 loads, 1 stores, 2 calls. */
  readonly touch: number;
}

/** One try. */
export interface Try {
  readonly what: string;
  readonly target: Target;
  readonly instruction: string;
  /** What must be refused: the access, or nothing. */
  readonly refused: 'data' | 'fetch' | 'none';
  /** Its answer may be that of before a change of a descriptor, which was not followed by maintenance. */
  readonly loose: boolean;
}

/** Instructions of user code with the address in X1, and what they must have permission for. */
const PROBES: readonly (readonly [text: string, access: 'data' | 'fetch' | 'none'])[] = [
  ['ldr x0, [x1]', 'data'],
  ['str x2, [x1, #8]', 'data'],
  ['ldrb w0, [x1, #4]', 'data'],
  ['ldrsw x0, [x1]', 'data'],
  ['ldp x0, x3, [x1]', 'data'],
  ['stp x2, x2, [x1, #16]', 'data'],
  ['ldr q0, [x1]', 'data'],
  ['str q0, [x1, #32]', 'data'],
  ['ldr x0, [x1], #8', 'data'],
  ['str x2, [x1, #8]!', 'data'],
  ['ldur x0, [x1, #3]', 'data'],
  ['st1 { v0.2d }, [x1]', 'data'],
  ['ldxr x0, [x1]', 'data'],
  ['ldaxr w0, [x1]', 'data'],
  ['ldxp x0, x3, [x1]', 'data'],
  ['ldar x0, [x1]', 'data'],
  ['stlr x2, [x1]', 'data'],
  ['ldtr x0, [x1]', 'data'],
  ['sttr x2, [x1]', 'data'],
  ['dc zva, x1', 'data'],
  ['blr x1', 'fetch'],
  ['stxr w0, x2, [x1]', 'none'],
  ['dc civac, x1', 'none'],
  ['ic ivau, x1', 'none'],
  ['prfm pldl1keep, [x1]', 'none'],
];
const [LOAD, STORE] = [0, 1];

/** What each half has, at these addresses. */
const PLACES = [
  { name: '4 KiB, global', at: 0x1000_0000, kind: 'kernel', touch: 3 },
  { name: '4 KiB, of an ASID', at: 0x1000_1000, kind: 'kernel', touch: 7 },
  { name: '4 KiB, execute-only', at: 0x1000_2000, kind: 'execute-only', touch: 3 },
  { name: 'a device', at: 0x1000_3000, kind: 'kernel', touch: 1 },
  { name: 'user memory', at: 0x1000_5000, kind: 'user', touch: 3 },
  { name: '2 MiB, global', at: 0x2001_3000, kind: 'kernel', touch: 7 },
  { name: '2 MiB, of an ASID', at: 0x2021_4000, kind: 'kernel', touch: 7 },
  { name: '1 GiB, global', at: 0x1_0081_5000, kind: 'kernel', touch: 7 },
  { name: '1 GiB, of an ASID', at: 0x1_4081_6000, kind: 'kernel', touch: 7 },
] as const;
const HALVES = [
  { half: 'lower', base: 0n },
  { half: 'upper', base: UPPER },
] as const;
/** What of the halves changes its permissions. */
const CHANGING = [
  { name: '4 KiB of user memory', at: 0x1000_5000 },
  { name: '2 MiB of user memory', at: 0x2060_7000 },
] as const;
/** The hypervisor's own: its memory, its page, the translation cache and its state; all is nobody's for a guest. */
const HOLE = 0xffff_f000_0000_0000n;
const OWN = [0x4000_0000n, 0x4000_1000n, 0x0b00_0000n, 0x7f_c000_0000n, 0x7f_e000_0000n];

/** All targets. */
const TARGETS: readonly Target[] = [
  ...HALVES.flatMap(({ half, base }) =>
    PLACES.map(({ name, at, kind, touch }) => ({
      name: `${half}: ${name}`,
      va: base + BigInt(at),
      kind,
      touch,
    })),
  ),
  ...OWN.map((at) => ({
    name: `the hypervisor's 0x${(HOLE + at).toString(16)}`,
    va: HOLE + at,
    kind: 'nothing' as const,
    touch: 0,
  })),
  { name: 'what was there before the kernel began', va: BigInt(TEXT), kind: 'nothing', touch: 0 },
];

/** A row of the guest's table, 64 bytes. */
interface Row {
  /** What the kernel does at the target first. */
  readonly touch?: number;
  /** A descriptor that changes before: where, what it becomes, and the maintenance after it. */
  readonly place?: bigint;
  readonly value?: bigint;
  readonly maintenance?: number;
  readonly argument?: bigint;
  /** What TTBR0_EL1 becomes. */
  readonly ttbr0?: bigint;
}

const MAINTENANCE = ['nothing', 'vae1', 'vaae1', 'vmalle1', 'aside1', 'vale1is', 'vmalle1is'] as const;
const ALL = 3;

/** The kernel: rows one after the other, an exception for each. */
const kernel = (rows: string, roots: Readonly<Record<string, number>>): string => `
  ${wide('x0', 0xff00)}
  msr mair_el1, x0
  ${wide('x0', 0x2_b510_3510n)}
  msr tcr_el1, x0
  ${wide('x0', roots['boot'] ?? 0)}
  msr ttbr0_el1, x0
  ${wide('x0', roots['upper'] ?? 0)}
  msr ttbr1_el1, x0
  movz x0, #0x30, lsl #16
  msr cpacr_el1, x0
  isb
  tlbi vmalle1
  dsb sy
  isb
  ${wide('x0', 0x34d0_d91d | 0x400_0000)}
  msr sctlr_el1, x0
  isb
  adr x1, there
  ${wide('x0', LINEAR)}
  orr x0, x0, x1
  br x0
there:
  ${wide('x0', roots['user'] ?? 0)}
  msr ttbr0_el1, x0
  isb
  adr x0, vectors
  msr vbar_el1, x0
  adr x20, rows
  ${wide('x21', LINEAR + BigInt(LOG))}
  ${wide('x2', SECRET)}
next:
  ldp x10, x1, [x20], #16
  cbz x10, done
  ldp x11, x12, [x20], #16
  ldp x13, x14, [x20], #16
  ldp x15, x16, [x20], #16
  cbz x12, roots
  str x13, [x12]
  dsb ish
  ${MAINTENANCE.map((name, i) =>
    i === 0
      ? ''
      : `cmp x14, #${String(i)}\n b.ne not${String(i)}\n tlbi ${name}${name.startsWith('vm') ? '' : ', x15'}\nnot${String(i)}:`,
  ).join('\n')}
  dsb ish
  isb
roots:
  cbz x16, loads
  msr ttbr0_el1, x16
  isb
loads:
  tbz x11, #0, stores
  ldr w3, [x1]
stores:
  tbz x11, #1, calls
  str w2, [x1, #8]
calls:
  tbz x11, #2, down
  blr x1
down:
  msr elr_el1, x10
  msr spsr_el1, xzr
  mov x0, xzr
  clrex
  eret
done:
  ${wide('x1', LINEAR + BigInt(LOG))}
  sub x21, x21, x1
  ${wide('x1', LINEAR + BigInt(LOG) + 0xf_fff8n)}
  str x21, [x1]
  ${OFF}
  .balign 0x800
vectors:
  .space 0x200
  movz x9, #0xbad
  stp x9, x9, [x21], #16
  mrs x9, esr_el1
  mrs x8, far_el1
  stp x9, x8, [x21], #16
  mrs x9, elr_el1
  stp x9, x9, [x21], #16
  b done
  .balign 0x200
  mrs x9, esr_el1
  mrs x8, far_el1
  stp x9, x8, [x21], #16
  mrs x9, elr_el1
  stp x9, x0, [x21], #16
  b next
  .balign 0x800
rows:
${rows}
  .quad 0, 0
`;

const upper = (va: bigint): bigint => BigInt.asIntN(64, va);

/** Tables for the way up, the kernel's half, and two of user code; in the second nothing but its text is there. */
function tablesOf(make: () => Tables) {
  const [boot, user, high, other] = [make(), make(), make(), make()];
  const run = KERNEL | P.PrivilegedExecute;
  const attributes = { index: 1 };
  boot.map({ va: RAM, pa: RAM, size: 0x200_0000, permissions: run, attributes });
  high.map({ va: upper(LINEAR + BigInt(RAM)), pa: RAM, size: 0x200_0000, permissions: run, attributes });
  const text = P.PrivilegedRead | P.PrivilegedExecute | P.UnprivilegedRead | P.UnprivilegedExecute;
  for (const each of [user, other])
    each.map({ va: USER_AT, pa: USER_TEXT, size: PAGE, permissions: text, attributes });
  let page = 0;
  for (const { base } of HALVES) {
    const into = base === 0n ? user : high;
    const map = (at: number, pa: number, size: number, permissions: number, global: boolean, index = 1) => {
      into.map({ va: upper(base + BigInt(at)), pa, size, permissions, attributes: { index, global } });
    };
    const small = (at: number, permissions: number, global: boolean): void => {
      map(at, PAGES + PAGE * page++, PAGE, permissions, global);
    };
    small(0x1000_0000, KERNEL, true);
    small(0x1000_1000, run, false);
    small(0x1000_2000, KERNEL | P.UnprivilegedExecute, true);
    map(0x1000_3000, UART, PAGE, KERNEL, true, 0);
    small(0x1000_5000, USER, false);
    map(0x2060_0000, PAGES + TWO_MIB, TWO_MIB, USER, false);
    for (const [i, global] of [true, false].entries()) {
      map(0x2000_0000 + i * TWO_MIB, PAGES, TWO_MIB, run, global);
      map(0x1_0000_0000 + i * GIB, RAM, GIB, run, global);
    }
  }
  return { boot, user, high, other };
}

/** The guest, and what it tries in turn. */
export function reachGuest(): { readonly guest: Guest; readonly tries: readonly Try[] } {
  const tries: Try[] = [];
  const text = (make: () => Tables): string => {
    tries.length = 0;
    const rows: string[] = [];
    const { boot, user, high, other } = tablesOf(make);
    const attempt = (
      what: string,
      target: Target,
      probe: number,
      row: Row,
      answer: 'refused' | 'loose' | 'any',
    ): void => {
      const { touch = 0, place = 0n, value = 0n, maintenance = 0, argument = 0n, ttbr0 = 0n } = row;
      const numbers = [USER_AT + 16 * probe, target.va, touch, place, value, maintenance, argument, ttbr0];
      const hex = numbers.map((one) => `0x${BigInt.asUintN(64, BigInt(one)).toString(16)}`);
      rows.push(`  .quad ${hex.join(', ')}`);
      const [instruction, access] = PROBES[probe] ?? ['', 'none'];
      const refused = answer === 'refused' ? access : 'none';
      tries.push({ what, target, instruction, refused, loose: answer === 'loose' });
    };
    for (const target of TARGETS)
      PROBES.forEach(([, access], probe) => {
        const mayFetch = access === 'fetch' && target.kind === 'execute-only';
        const refused = access !== 'none' && target.kind !== 'user' && !mayFetch;
        attempt('warm', target, probe, { touch: target.touch }, refused ? 'refused' : 'any');
        attempt('again', target, probe, {}, refused ? 'refused' : 'any');
      });
    const asid = (n: bigint, root: Tables = user): bigint => BigInt(root.root) | (n << 48n);
    for (const { half, base } of HALVES)
      for (const { name, at } of CHANGING) {
        const target: Target = { name: `${half}: ${name}`, va: base + BigInt(at), kind: 'user', touch: 3 };
        const found = (base === 0n ? user : high).find(upper(target.va));
        if (found === undefined) throw new Error('the target is not mapped');
        const place = LINEAR + BigInt(found.pa);
        const mine = (BigInt(found.descriptor.hi) << 32n) | BigInt(found.descriptor.lo);
        const forbidden = mine & ~0x40n;
        const both = (what: string, row: Row, answer: 'refused' | 'loose' | 'any'): void => {
          attempt(what, target, LOAD, row, answer);
          attempt(what, target, STORE, { touch: row.touch ?? 0 }, answer);
        };
        MAINTENANCE.forEach((operation, maintenance) => {
          const number = 5n;
          const argument = ((target.va >> 12n) & 0xfff_ffff_ffffn) | (number << 48n);
          both('as it was', { place, value: mine, maintenance: ALL, ttbr0: asid(number), touch: 3 }, 'any');
          const row = { place, value: forbidden, maintenance, argument, touch: 3 };
          both(`forbidden, ${operation}`, row, maintenance === 0 ? 'loose' : 'refused');
          both('then all', { place, value: forbidden, maintenance: ALL }, 'refused');
          both('allowed, nothing', { place, value: mine, touch: 1 }, 'loose');
        });
        // Another address space, with another ASID.
        both('as it was', { place, value: mine, maintenance: ALL, ttbr0: asid(6n), touch: 3 }, 'any');
        for (let i = 0n; i < 3n; i++) {
          // The kernel does not touch what is not there.
          both('elsewhere', { ttbr0: asid(7n + i, other) }, base === 0n ? 'refused' : 'any');
          both('here', { ttbr0: asid(6n), touch: 3 }, 'any');
        }
        attempt('as it was', target, LOAD, { ttbr0: asid(0n) }, 'any');
      }
    return kernel(rows.join('\n'), { boot: boot.root, user: user.root, upper: high.root });
  };
  const user = PROBES.flatMap(([probe]) => [assemble(probe), assemble('svc #1'), RET, RET]);
  const pages = Array.from({ length: 2 * (TWO_MIB / 4) }, (_, i) => (i % (PAGE / 4) === 0 ? RET : i));
  return {
    guest: {
      text,
      memory: [
        [USER_TEXT, user],
        [PAGES, pages],
      ],
    },
    tries,
  };
}
