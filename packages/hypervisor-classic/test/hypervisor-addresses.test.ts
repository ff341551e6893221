// What a kernel sees where its hypervisor is: jumps to its addresses, stores to its code, and unprivileged accesses over the end of a page,
// whose next page in memory is not the next one in the address space. As on the bare machine, which logs the same.

import { afterEach, describe, expect, it, vi } from 'vitest';

import { Permission } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';

import { TranslatedKernel } from '../src/binary-translation/kernel.ts';
import { LOG, OFF, RAM, run, WAYS, wide } from './twin.ts';
import type { Guest } from './twin.ts';

const P = Permission;
const KERNEL = P.PrivilegedRead | P.PrivilegedWrite | P.PrivilegedExecute;
const USER = P.PrivilegedRead | P.PrivilegedWrite | P.UnprivilegedRead | P.UnprivilegedWrite;
const PAGE = 0x1000;
const LINEAR = 0xffff_8000_0000_0000n;
/** Two pages of user memory, and one of the kernel's; in memory the second is the last of the VM's. */
const PAGES = 0xffff_9000_0000_0000n;
const LAST = RAM + 0x200_0000 - PAGE;
const HOLE = 0xffff_f000_0000_0000n;
/** The cache, its middle, the page of virtual registers, the hypervisor's memory and page. */
const OWN = [0x7f_c000_0000n, 0x7f_c000_1004n, 0x7f_e000_0000n, 0x4000_0000n, 0x0b00_0000n].map(
  (at) => HOLE + at,
);

/** What the kernel does, one after the other; X1 is an address, X0 what is logged. */
const steps: readonly string[] = [
  ...OWN.map((at) => `${wide('x1', at)}\n blr x1`),
  // Stores to code, not to registers: those are within a translated kernel's reach.
  `${wide('x1', OWN[0] ?? 0n)}\n str x0, [x1]`,
  ...[0xff9n, 0xffcn, 0xfffn].flatMap((offset) => [
    `${wide('x1', PAGES + offset)}\n ldtr x0, [x1]`,
    `${wide('x1', PAGES + offset)}\n ${wide('x0', 0x1122_3344_5566_7788n + offset)}\n sttr x0, [x1]`,
    `${wide('x1', PAGES + offset)}\n ldtr x0, [x1]`,
    `${wide('x1', PAGES + BigInt(PAGE) + offset)}\n ldtr x0, [x1]`,
    `${wide('x1', PAGES + BigInt(PAGE) + offset)}\n sttr x0, [x1]`,
  ]),
];

const text = (make: () => Tables): string => {
  const [boot, high] = [make(), make()];
  const attributes = { index: 1 };
  boot.map({ va: RAM, pa: RAM, size: 0x200_0000, permissions: KERNEL, attributes });
  const map = (va: bigint, pa: number, size: number, permissions: number): void => {
    high.map({ va: BigInt.asIntN(64, va), pa, size, permissions, attributes });
  };
  map(LINEAR + BigInt(RAM), RAM, 0x200_0000, KERNEL);
  map(PAGES, LAST, PAGE, USER);
  map(PAGES + BigInt(PAGE), RAM + 0x80_0000, PAGE, USER);
  map(PAGES + 2n * BigInt(PAGE), RAM + 0x80_1000, PAGE, KERNEL);
  return `
  ${wide('x0', 0xff00)}
  msr mair_el1, x0
  ${wide('x0', 0x2_b510_3510n)}
  msr tcr_el1, x0
  ${wide('x0', boot.root)}
  msr ttbr0_el1, x0
  ${wide('x0', high.root)}
  msr ttbr1_el1, x0
  isb
  tlbi vmalle1
  dsb sy
  isb
  ${wide('x0', 0x34d0_d91d)}
  msr sctlr_el1, x0
  isb
  adr x1, there
  ${wide('x0', LINEAR)}
  orr x0, x0, x1
  br x0
there:
  adr x0, vectors
  msr vbar_el1, x0
  ${wide('x21', LINEAR + BigInt(LOG))}
  ${steps.map((step, i) => `adr x22, step${String(i)}\n ${step}\nstep${String(i)}:\n str x0, [x21], #8`).join('\n')}
  ${OFF}
  .balign 0x800
vectors:
  .space 0x200
  mrs x9, esr_el1
  mrs x8, far_el1
  stp x9, x8, [x21], #16
  mrs x9, elr_el1
  str x9, [x21], #8
  msr elr_el1, x22
  eret
`;
};
const guest: Guest = { text };
const COUNT = 4 * steps.length;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a kernel at the addresses of its hypervisor', () => {
  const native = run(guest, { name: 'the bare machine', technique: 'native' });
  const log = [...native.log.subarray(0, COUNT)];

  it('finds nothing on the bare machine, and the bytes of the right pages', () => {
    expect(native.end).toBe('off');
    expect(log.slice(1, 3)).toEqual([OWN[0], OWN[0]]);
    expect((log[0] ?? 0n) >> 26n).toBe(0x21n);
    expect(log).toContain(0x1122_3344_5566_7788n + 0xfffn);
    expect(log).toContain(PAGES + 2n * BigInt(PAGE));
  });

  it.each(WAYS.filter(({ technique }) => technique === 'binary-translation'))(
    'finds the same by $name',
    (way) => {
      const left = run(guest, way);
      expect([left.end, left.report]).toEqual(['off', '']);
      expect([...left.log.subarray(0, COUNT)]).toEqual(log);
    },
  );

  it('jumps and stores are the same by trap-and-emulate; LDTR is what theory refuses it', () => {
    const [lazy] = WAYS;
    const left = lazy && run(guest, lazy);
    const before = 4 * (OWN.length + 1);
    expect([...(left?.log.subarray(0, before) ?? [])]).toEqual(log.slice(0, before));
  });

  it('a translated one would run its own translations where nobody looks whose address it is', () => {
    vi.spyOn(TranslatedKernel.prototype, 'isOwn').mockReturnValue(false);
    const way = WAYS.find(({ technique }) => technique === 'binary-translation');
    const left = way && run(guest, way, 2_000_000);
    expect([...(left?.log.subarray(0, COUNT) ?? [])]).not.toEqual(log);
  });
});
