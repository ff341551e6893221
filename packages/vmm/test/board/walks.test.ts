// On a real board: what two stages cost, for every shape of tables, and faults of stage 2 on a walk of stage 1.

import { describe, expect, it } from 'vitest';

import { createAllocator, createTables, Permission } from '@worldswitch/mmu';
import type { GranuleShift } from '@worldswitch/mmu';
import { ipa, pa } from '@worldswitch/platform';
import type { CpuPort } from '@worldswitch/platform';

import { systemOperation, systemRegister } from '../../src/names.ts';
import { Stage2Map } from '../../src/stage2/index.ts';
import { GUEST_BYTES, GUEST_RAM, HCR, HOST_RAM, vmBoard } from './vm-board.ts';
import type { VmHypervisor } from './vm-board.ts';

const GIB = 2 ** 30;
const PAGE = 0x1000;
const RIGHTS = Permission.PrivilegedRead | Permission.PrivilegedWrite | Permission.PrivilegedExecute;

/** Stage 1: granule, bits of addresses, log2 of the leaf; how many lookups follow. */
const STAGE1: readonly (readonly [GranuleShift, number, number, number])[] = [
  [12, 48, 12, 4],
  [12, 48, 21, 3],
  [12, 48, 30, 2],
  [12, 39, 12, 3],
  [12, 39, 21, 2],
  [12, 39, 30, 1],
  [12, 30, 12, 2],
  [12, 30, 21, 1],
  [16, 48, 16, 3],
  [16, 42, 16, 2],
  [16, 42, 29, 1],
  [16, 29, 16, 1],
];

/** Stage 2 of 4 KiB pages: bits, start level, log2 of the leaf; lookups. */
const STAGE2: readonly (readonly [number, number, number, number])[] = [
  [44, 0, 12, 4],
  [44, 0, 21, 3],
  [44, 0, 30, 2],
  [40, 0, 12, 4],
  [40, 1, 12, 3],
  [40, 1, 21, 2],
  [40, 1, 30, 1],
  [32, 1, 12, 3],
  [34, 2, 12, 2],
  [32, 2, 21, 1],
];

const TCR_GRANULE: Readonly<Record<number, number>> = { 12: 0, 16: 1 };

/** Stage 1 tables in the guest's memory, at `at`, through stage 2 that is the identity. */
function stage1(
  port: CpuPort,
  hv: VmHypervisor,
  [granule, bits, leaf]: readonly [GranuleShift, number, number, number],
): void {
  const tables = createTables({
    store: {
      read64: (a, out) => void hv.memory.load(port, pa(a), 8, out),
      write64: (a, lo, hi) => void hv.memory.store(port, pa(a), 8, lo, hi),
    },
    allocator: createAllocator(0x4200_0000, 0x4300_0000),
    format: 'two-ranges',
    granule,
    inputBits: bits,
  });
  const va = bits === 30 ? 0 : leaf >= 29 ? GIB : 0x4200_0000 - (0x4200_0000 % 2 ** leaf);
  const size = Math.max(2 ** leaf, 2 ** granule);
  const to = bits <= 30 ? 0x4000_0000 : va;
  tables.map({ va: bits <= 30 ? 0 : va, pa: to, size, permissions: RIGHTS, maxShift: leaf });
  port.writeSystem(systemRegister('MAIR_EL1'), 0xff, 0);
  const tcr = (64 - bits) | 0x3500 | ((TCR_GRANULE[granule] ?? 0) << 14) | (1 << 23);
  port.writeSystem(systemRegister('TCR_EL1'), tcr >>> 0, 4);
  port.writeSystem(systemRegister('TTBR0_EL1'), tables.root, 0);
  port.writeSystem(systemRegister('SCTLR_EL1'), 0x30d0_0801, 0);
}

/** References of one translation, by an AT instruction. */
function references(name: 'AT S12E1R', va: number, port: CpuPort, count: () => number): number {
  const before = count();
  port.operate(systemOperation(name), va >>> 0, Math.floor(va / 2 ** 32));
  const par = { lo: 0, hi: 0 };
  port.readSystem(systemRegister('PAR_EL1'), par);
  return (par.lo & 1) === 0 ? count() - before : -1;
}

describe('two stages', () => {
  it('cost (n+1)(m+1)-1 references for every shape of tables', () => {
    const rows: string[] = [];
    let count = (): number => 0;
    const board = vmBoard('hvc #1', {
      boot(hv, port) {
        const maps = STAGE2.map(([ipaBits, startLevel, leaf]) => {
          const map = Stage2Map.create(port, hv.memory, hv.pages, {
            ipaBits,
            paBits: 44,
            vmid: 9,
            startLevel,
          });
          if (leaf === 30) map.map(port, ipa(GIB), pa(GIB), GIB, {}, leaf);
          else map.map(port, ipa(GIB), pa(GIB), 48 * 2 ** 20, {}, leaf);
          return map;
        });
        for (const one of STAGE1) {
          stage1(port, hv, one);
          const n = one[3];
          const va = one[1] <= 30 ? 0 : one[2] >= 29 ? GIB : 0x4200_0000;
          for (const [i, map] of maps.entries()) {
            const m = STAGE2[i]?.[3] ?? 0;
            hv.useMap(port, map);
            port.writeSystem(systemRegister('HCR_EL2'), HCR, 0);
            const found = references('AT S12E1R', va, port, count);
            const formula = (n + 1) * (m + 1) - 1;
            if (found !== formula)
              rows.push(`${one.join()} over ${STAGE2[i]?.join() ?? ''}: ${found}, not ${formula}`);
            // The falsifier: with stage 2 off it is n.
            port.writeSystem(systemRegister('HCR_EL2'), HCR & ~1, 0);
            const alone = references('AT S12E1R', va, port, count);
            if (alone !== n) rows.push(`${one.join()} alone: ${alone}, not ${n}`);
          }
        }
        port.writeSystem(systemRegister('SCTLR_EL1'), 0x30d0_0800, 0);
      },
    });
    const { counters } = board.machine.cpu.translator.walker;
    count = () => counters.stage1References + counters.stage2References;
    expect(board.run()).toBe('off');
    expect(rows).toEqual([]);
  });

  it.each(['reference', 'jit'] as const)(
    'cost a guest’s load so much on %s, and nothing once the TLB has it',
    (engine) => {
      const at: number[] = [];
      let count = (): number => 0;
      const text = `
      hvc #0
      hvc #0
      movz x1, #0x4020, lsl #16
      ldr x2, [x1]
      hvc #0
      ldr x2, [x1]
      hvc #0
      hvc #1
    `;
      const board = vmBoard(
        text,
        {
          largest: 12,
          boot(hv, port) {
            // Three levels of stage 1: a 4 KiB page that holds the code, and one for the data.
            const tables = createTables({
              store: {
                read64: (a, out) => void hv.memory.load(port, pa(a - GUEST_RAM + HOST_RAM), 8, out),
                write64: (a, lo, hi) => void hv.memory.store(port, pa(a - GUEST_RAM + HOST_RAM), 8, lo, hi),
              },
              allocator: createAllocator(GUEST_RAM + 0x10_0000, GUEST_RAM + GUEST_BYTES),
              format: 'two-ranges',
              inputBits: 39,
            });
            for (const va of [GUEST_RAM, GUEST_RAM + 0x20_0000]) {
              tables.map({ va, pa: va, size: PAGE, permissions: RIGHTS });
            }
            port.writeSystem(systemRegister('MAIR_EL1'), 0xff, 0);
            port.writeSystem(systemRegister('TCR_EL1'), (25 | 0x3500 | (1 << 23)) >>> 0, 4);
            port.writeSystem(systemRegister('TTBR0_EL1'), tables.root, 0);
            port.writeSystem(systemRegister('SCTLR_EL1'), 0x30d0_0801, 0);
          },
          exit(_hv, _port, exit) {
            if (exit.kind === 'hvc') at.push(count());
            return false;
          },
        },
        { engine },
      );
      const { counters } = board.machine.cpu.translator.walker;
      count = () => counters.stage1References + counters.stage2References;
      expect(board.run()).toBe('off');
      const [, first = 0, second = 0, third = 0] = at;
      // n = 3; stage 2 has 44 bits from level 1 with pages: m = 3.
      expect([second - first, third - second]).toEqual([4 * 4 - 1, 0]);
    },
  );
});

describe('a stage 2 fault on a stage 1 walk', () => {
  const TABLES = GUEST_RAM + 0x10_0000;
  const translate = (address: number): number => address - GUEST_RAM + HOST_RAM;
  const setUp = (hv: VmHypervisor, port: CpuPort): number[] => {
    const places: number[] = [];
    const allocator = createAllocator(TABLES, GUEST_RAM + GUEST_BYTES);
    const tables = createTables({
      store: {
        read64: (a, out) => void hv.memory.load(port, pa(translate(a)), 8, out),
        write64: (a, lo, hi) => void hv.memory.store(port, pa(translate(a)), 8, lo, hi),
      },
      allocator: {
        allocate: (bytes) => {
          places.push(allocator.allocate(bytes));
          return places.at(-1) ?? 0;
        },
        release: (a, bytes) => {
          allocator.release(a, bytes);
        },
        get used() {
          return allocator.used;
        },
      },
      format: 'two-ranges',
      inputBits: 39,
    });
    tables.map({ va: GUEST_RAM, pa: GUEST_RAM, size: PAGE, permissions: RIGHTS });
    // Its tables are its own: a root entry away.
    tables.map({ va: 5 * GIB, pa: GUEST_RAM + 0x20_0000, size: PAGE, permissions: RIGHTS });
    port.writeSystem(systemRegister('MAIR_EL1'), 0xff, 0);
    port.writeSystem(systemRegister('TCR_EL1'), (25 | 0x3500 | (1 << 23)) >>> 0, 4);
    port.writeSystem(systemRegister('TTBR0_EL1'), tables.root, 0);
    port.writeSystem(systemRegister('SCTLR_EL1'), 0x30d0_0801, 0);
    return places;
  };
  const LOAD = `
    movz x1, #1, lsl #32
    movk x1, #0x4000, lsl #16
    ldr x2, [x1, #0x18]
    str x2, [x1, #0x20]
    hvc #1
  `;

  it.each(['reference', 'jit'] as const)('says the table’s page and the guest’s address on %s', (engine) => {
    let places: number[] = [];
    const board = vmBoard(
      LOAD,
      {
        boot(hv, port) {
          places = setUp(hv, port);
          // The level 2 and level 3 tables of the second mapping are not there, or read-only, which suffices for walks.
          hv.map.unmap(port, ipa(places[3] ?? 0), PAGE);
          hv.map.unmap(port, ipa(places[4] ?? 0), PAGE);
          hv.map.protect(port, ipa(places[0] ?? 0), PAGE, { write: false });
        },
        exit(hv, port, exit) {
          if (exit.kind !== 'data-abort' || exit.ipa === -1) return false;
          hv.map.map(port, exit.ipa, pa(translate(exit.ipa)), PAGE);
          return true;
        },
      },
      { engine },
    );
    board.machine.bus.load(pa(HOST_RAM + 0x20_0018), Uint8Array.of(0x77));
    expect(board.run()).toBe('off');
    const [root, , , level2, level3] = places;
    expect(root).toBe(TABLES);
    const common = {
      kind: 'data-abort',
      s1ptw: true,
      fault: 'translation',
      level: 3,
      va: { lo: 0x4000_0018, hi: 1 },
    };
    expect(board.hypervisor.exits).toMatchObject([
      { ...common, ipa: level2, access: undefined },
      { ...common, ipa: level3, access: undefined },
      { kind: 'hvc', immediate: 1 },
    ]);
    expect(board.machine.cpu.state.x(2)).toBe(0x77n);
  });

  it('is none where the tables are there', () => {
    const board = vmBoard(LOAD, { boot: setUp });
    expect(board.run()).toBe('off');
    expect(board.hypervisor.exits.map((e) => e.kind)).toEqual(['hvc']);
  });

  it('on a fetch is an instruction abort', () => {
    const board = vmBoard('movz x1, #1, lsl #32\nmovk x1, #0x4000, lsl #16\nbr x1', {
      boot(hv, port) {
        const places = setUp(hv, port);
        hv.map.unmap(port, ipa(places[4] ?? 0), PAGE);
      },
      exit(_hv, port, exit) {
        if (exit.kind !== 'instruction-abort') return false;
        port.writeSystem(systemRegister('ELR_EL2'), GUEST_RAM + 12, 0);
        return true;
      },
    });
    board.machine.bus.load(pa(HOST_RAM + 12), Uint8Array.of(0x22, 0, 0, 0xd4));
    expect(board.run()).toBe('off');
    expect(board.hypervisor.exits).toMatchObject([
      { kind: 'instruction-abort', s1ptw: true, fault: 'translation', level: 3, ipa: GUEST_RAM + 0x10_4000 },
      { kind: 'hvc' },
    ]);
  });
});
