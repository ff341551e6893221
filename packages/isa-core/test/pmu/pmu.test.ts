// The performance monitors (DDI 0487 D7): what is counted, when, for whom, and what an overflow does.

import { describe, expect, test } from 'vitest';

import { machine, USER } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';

/** PMCR_EL0. */
const E = 1;
const P = 2;
const C = 4;
const D = 8;
const DP = 32;
const LC = 64;
const CYCLES = 31;

const TRAPPED = 0x18;

/** Writes a register by MSR. */
function write(m: Machine, name: string, value: bigint | number): void {
  m.setX(9, value);
  m.run(`msr ${name}, x9`);
}
/** Reads one by MRS. */
function read(m: Machine, name: string): bigint {
  m.run(`mrs x9, ${name}`);
  return m.x(9);
}
/** A machine that counts an event with counter 0; the count is then from the next instruction on. */
function counting(event: number, options: Parameters<typeof machine>[0] = {}, filter = 0n): Machine {
  const m = machine(options);
  write(m, 'pmevtyper0_el0', BigInt(event) | filter);
  write(m, 'pmcntenset_el0', 1);
  write(m, 'pmcr_el0', E);
  return m;
}

describe('cycles and instructions', () => {
  test('an instruction is a cycle', () => {
    const m = machine();
    write(m, 'pmcntenset_el0', 1n << 31n);
    write(m, 'pmcr_el0', E);
    m.run('nop', 'nop', 'mrs x0, pmccntr_el0', 'mrs x1, pmccntr_el0');
    expect(m.x(0)).toBe(2n);
    expect(m.x(1)).toBe(3n);
  });

  test('an event counter holds what was written until the next instruction', () => {
    const m = counting(0x08);
    write(m, 'pmevcntr0_el0', 100);
    m.run('mrs x0, pmevcntr0_el0', 'nop', 'mrs x1, pmevcntr0_el0');
    expect([m.x(0), m.x(1)]).toEqual([100n, 102n]);
  });

  test('what ends in an exception is a cycle, and no instruction that was executed but SVC', () => {
    const cycles = counting(0x11);
    const instructions = counting(0x08);
    for (const m of [cycles, instructions]) {
      m.run('svc #0');
      m.run('brk #0');
      m.run('hlt #0');
      m.cpu.setPin('irq', true);
      m.cpu.state.daif = 0;
      m.cpu.poll();
    }
    expect(read(cycles, 'pmevcntr0_el0') - read(instructions, 'pmevcntr0_el0')).toBe(3n);
  });

  test("nothing is counted without PMCR_EL0.E or the counter's enable", () => {
    const m = counting(0x08);
    write(m, 'pmcntenclr_el0', 1);
    const before = read(m, 'pmevcntr0_el0');
    m.run('nop');
    expect(read(m, 'pmevcntr0_el0')).toBe(before);
    write(m, 'pmcntenset_el0', 1);
    write(m, 'pmcr_el0', 0);
    const stopped = read(m, 'pmevcntr0_el0');
    m.run('nop');
    expect(read(m, 'pmevcntr0_el0')).toBe(stopped);
  });

  test('PMCR_EL0.P and C reset the counters', () => {
    const m = machine();
    write(m, 'pmevcntr5_el0', 7);
    write(m, 'pmccntr_el0', 9);
    write(m, 'pmcr_el0', P);
    expect([read(m, 'pmevcntr5_el0'), read(m, 'pmccntr_el0')]).toEqual([0n, 9n]);
    write(m, 'pmcr_el0', C);
    expect(read(m, 'pmccntr_el0')).toBe(0n);
    expect(read(m, 'pmcr_el0') & 6n).toBe(0n);
  });

  test('PMCR_EL0.D counts every 64th cycle, LC every one', () => {
    const m = machine();
    write(m, 'pmcntenset_el0', 1n << 31n);
    write(m, 'pmcr_el0', E | C | D);
    const nops = Array.from({ length: 63 }, () => 'nop');
    m.run(...nops, 'mrs x0, pmccntr_el0', 'mrs x1, pmccntr_el0');
    expect([m.x(0), m.x(1)]).toEqual([0n, 1n]);
    write(m, 'pmcr_el0', E | C | D | LC);
    expect(read(m, 'pmccntr_el0')).toBe(0n);
    m.run('nop');
    expect(read(m, 'pmccntr_el0')).toBe(2n);
  });
});

describe('events', () => {
  test('PMCEID0_EL0 says just those that count', () => {
    const m = machine();
    expect(read(m, 'pmceid0_el0')).toBe(0x5002_0f01n);
    expect(read(m, 'pmceid1_el0')).toBe(0n);
  });

  test('software increments, of the counters that are named', () => {
    const m = counting(0x00);
    write(m, 'pmswinc_el0', 1);
    write(m, 'pmswinc_el0', 2);
    write(m, 'pmswinc_el0', 3);
    expect(read(m, 'pmevcntr0_el0')).toBe(2n);
  });

  test.each([
    ['EXC_TAKEN', 0x09, ['svc #0'], 1n],
    ['EXC_TAKEN', 0x09, ['brk #0'], 1n],
    ['CID_WRITE_RETIRED', 0x0b, ['msr contextidr_el1, x0'], 1n],
    ['TTBR_WRITE_RETIRED', 0x1c, ['mrs x0, ttbr0_el1', 'msr ttbr0_el1, x0', 'msr ttbr1_el1, x0'], 2n],
    ['CHAIN on an even counter', 0x1e, ['nop'], 0n],
    ['an event that is not there', 0x03, ['nop'], 0n],
  ])('%s', (_, event, lines, count) => {
    const m = counting(event);
    m.run(...lines);
    expect(read(m, 'pmevcntr0_el0')).toBe(count);
  });

  test('EXC_RETURN', () => {
    const m = counting(0x0a);
    m.cpu.setRegister('SPSR_EL1', 0x3c5n);
    m.run('eret');
    expect(read(m, 'pmevcntr0_el0')).toBe(1n);
  });
});

describe('filters', () => {
  const P31 = 1n << 31n;
  const U = 1n << 30n;
  const NSK = 1n << 29n;
  const NSU = 1n << 28n;
  const NSH = 1n << 27n;
  const M = 1n << 26n;
  /** Instructions counted of one at a level. */
  function countedAt(
    el: number,
    filter: bigint,
    features: Parameters<typeof machine>[0],
    secure = false,
  ): bigint {
    const m = machine(features);
    m.enter(m.cpu.highestEl);
    m.cpu.setRegister('MDCR_EL3', 1n << 17n);
    if (m.cpu.features.el3) m.cpu.setRegister('SCR_EL3', secure ? 0x400n : 0x401n);
    for (const [name, value] of [
      ['PMEVTYPER0_EL0', 8n | filter],
      ['PMCNTENSET_EL0', 1n],
      ['PMCR_EL0', 1n],
    ] as const)
      m.cpu.setRegister(name, value);
    m.enter(el);
    m.cpu.pmu.begin();
    m.cpu.pmu.changed();
    m.run('nop');
    m.cpu.settle();
    return m.cpu.register('PMEVCNTR0_EL0');
  }
  const all = { el2: true, el3: true };
  test.each([
    // level, filter, features, Secure, counted
    [0, 0n, {}, false, 1n],
    [1, 0n, {}, false, 1n],
    [0, U, {}, false, 0n],
    [1, U, {}, false, 1n],
    [1, P31, {}, false, 0n],
    [0, P31, {}, false, 1n],
    [1, NSK, {}, false, 1n],
    [2, 0n, { el2: true }, false, 0n],
    [2, NSH, { el2: true }, false, 1n],
    [1, NSH, { el2: true }, false, 1n],
    [1, NSK, all, false, 0n],
    [1, NSK | P31, all, false, 1n],
    [1, NSK, all, true, 1n],
    [1, P31, all, true, 0n],
    [0, NSU, all, false, 0n],
    [0, NSU | U, all, false, 1n],
    [0, NSU, all, true, 1n],
    [0, U, all, true, 0n],
    [3, 0n, all, true, 1n],
    [3, P31, all, true, 0n],
    [3, M, all, true, 0n],
    [3, M | P31, all, true, 1n],
  ])('EL%i with filter %i of %o, Secure: %s', (el, filter, features, secure, count) => {
    expect(countedAt(el, filter, features, secure)).toBe(count);
  });

  test('an exception divides what is counted at the two levels', () => {
    const m = counting(0x08, {}, 1n << 31n);
    m.run('nop');
    const before = read(m, 'pmevcntr0_el0');
    m.cpu.setRegister('SPSR_EL1', 0n);
    m.run('eret');
    m.run('nop', 'nop', 'svc #0');
    m.run('nop');
    expect(before).toBe(0n);
    expect(read(m, 'pmevcntr0_el0')).toBe(3n);
  });

  test('Secure state: MDCR_EL3.SPME allows, and the cycle counter goes on unless PMCR_EL0.DP', () => {
    for (const [spme, dp, events, cycles] of [
      [false, false, 0n, 1n],
      [false, true, 0n, 0n],
      [true, true, 1n, 1n],
    ] as const) {
      const m = machine({ el3: true });
      m.enter(3);
      m.cpu.setRegister('MDCR_EL3', spme ? 1n << 17n : 0n);
      for (const [name, value] of [
        ['PMEVTYPER0_EL0', 8n],
        ['PMCNTENSET_EL0', 1n | (1n << 31n)],
        ['PMCR_EL0', BigInt(E | (dp ? DP : 0))],
      ] as const)
        m.cpu.setRegister(name, value);
      m.cpu.pmu.begin();
      m.cpu.pmu.changed();
      m.run('nop');
      m.cpu.settle();
      expect(m.cpu.register('PMEVCNTR0_EL0')).toBe(events);
      expect(m.cpu.register('PMCCNTR_EL0')).toBe(cycles);
    }
  });
});

describe('overflow', () => {
  test('sets a bit of PMOVSSET_EL0, which PMOVSCLR_EL0 clears, and the counter goes on from zero', () => {
    const m = counting(0x08);
    write(m, 'pmevcntr0_el0', 0xffff_fffe);
    m.run('nop', 'mrs x0, pmovsset_el0', 'mrs x1, pmovsset_el0', 'mrs x2, pmevcntr0_el0');
    expect([m.x(0), m.x(1), m.x(2)]).toEqual([0n, 1n, 1n]);
    write(m, 'pmovsclr_el0', 1);
    expect(read(m, 'pmovsclr_el0')).toBe(0n);
    write(m, 'pmovsset_el0', 0x8000_0021);
    expect(read(m, 'pmovsclr_el0')).toBe(0x8000_0021n);
  });

  test('of the cycle counter is out of bit 31, with LC out of bit 63', () => {
    for (const [lc, value, overflows] of [
      [0, 0xffff_ffffn, true],
      [LC, 0xffff_ffffn, false],
      [LC, 0xffff_ffff_ffff_ffffn, true],
      [0, 0xffff_ffff_ffff_ffffn, true],
    ] as const) {
      const m = machine();
      write(m, 'pmcntenset_el0', 1n << 31n);
      write(m, 'pmcr_el0', E | lc);
      write(m, 'pmccntr_el0', value);
      m.run('nop');
      expect(read(m, 'pmovsset_el0')).toBe(overflows ? 1n << 31n : 0n);
      // The upper half counts whatever LC says.
      expect(read(m, 'pmccntr_el0')).toBe(BigInt.asUintN(64, value + 2n));
    }
  });

  test('of an even counter counts in the odd one that chains', () => {
    const m = machine();
    write(m, 'pmevtyper2_el0', 0x08);
    write(m, 'pmevtyper3_el0', 0x1e);
    write(m, 'pmevcntr2_el0', 0xffff_ffff);
    write(m, 'pmevcntr3_el0', 0xffff_ffff);
    write(m, 'pmcntenset_el0', 0xc);
    write(m, 'pmcr_el0', E);
    m.run('nop');
    expect(read(m, 'pmevcntr3_el0')).toBe(0n);
    expect(read(m, 'pmovsset_el0')).toBe(0xcn);
  });

  test('asks for the interrupt while it is enabled', () => {
    const m = counting(0x00);
    const levels: boolean[] = [];
    m.cpu.pmuInterrupt = (level) => levels.push(level);
    write(m, 'pmevcntr0_el0', 0xffff_ffff);
    write(m, 'pmswinc_el0', 1);
    expect(levels).toEqual([]);
    write(m, 'pmintenset_el1', 1);
    write(m, 'pmintenclr_el1', 1);
    write(m, 'pmintenset_el1', 1);
    write(m, 'pmcr_el0', 0);
    write(m, 'pmcr_el0', E);
    write(m, 'pmovsclr_el0', 1);
    expect(levels).toEqual([true, false, true, false, true, false]);
  });

  test('is foreseen, so that an engine can stop there', () => {
    const m = counting(0x08);
    expect(m.cpu.untilEvent).toBe(Infinity);
    write(m, 'pmintenset_el1', 1);
    write(m, 'pmevcntr0_el0', 0xffff_fff0);
    // From the end of the write on, which `untilEvent` was computed in.
    expect(m.cpu.untilEvent).toBe(16);
    m.run(...Array.from({ length: 15 }, () => 'nop'));
    expect(m.cpu.untilEvent).toBe(1);
    expect(m.cpu.pmu.level).toBe(false);
    m.run('nop');
    expect(m.cpu.untilEvent).toBe(0);
    m.cpu.settle();
    expect(m.cpu.pmu.level).toBe(true);
  });
});

describe('selection', () => {
  test('PMSELR_EL0 names the counter of PMXEVTYPER_EL0 and PMXEVCNTR_EL0', () => {
    const m = machine();
    write(m, 'pmselr_el0', 4);
    write(m, 'pmxevtyper_el0', 0x11);
    write(m, 'pmxevcntr_el0', 77);
    expect([read(m, 'pmevtyper4_el0'), read(m, 'pmevcntr4_el0'), read(m, 'pmxevcntr_el0')]).toEqual([
      0x11n,
      77n,
      77n,
    ]);
    write(m, 'pmselr_el0', CYCLES);
    write(m, 'pmxevtyper_el0', 1n << 31n);
    expect(read(m, 'pmccfiltr_el0')).toBe(1n << 31n);
    write(m, 'pmselr_el0', 6);
    expect(read(m, 'pmxevcntr_el0')).toBe(0n);
  });

  test('fields that are not there read as zero', () => {
    for (const [features, fields] of [
      [{}, 0xc000_03ffn],
      [{ el2: true }, 0xc800_03ffn],
      [{ el2: true, el3: true }, 0xfc00_03ffn],
    ] as const) {
      const m = machine(features);
      write(m, 'pmevtyper0_el0', 0xffff_ffff);
      expect(read(m, 'pmevtyper0_el0')).toBe(fields);
      write(m, 'pmcntenset_el0', 0xffff_ffff);
      expect(read(m, 'pmcntenset_el0')).toBe(0x8000_003fn);
    }
  });

  test('PMCR_EL0.N is six', () => {
    expect((read(machine(), 'pmcr_el0') >> 11n) & 31n).toBe(6n);
  });
});

describe('MDCR_EL2.HPMN', () => {
  /** A machine with EL2 at EL1, whose EL2 keeps counters 4 and 5. */
  function shared(hpme = false): Machine {
    const m = machine({ el2: true });
    m.cpu.setRegister('PMCNTENSET_EL0', 0x3fn);
    m.cpu.setRegister('PMEVTYPER4_EL0', 8n);
    m.cpu.setRegister('MDCR_EL2', 4n | (hpme ? 0x80n : 0n));
    m.cpu.pmu.changed();
    return m;
  }
  test('hides the others from EL1', () => {
    const m = shared();
    expect((read(m, 'pmcr_el0') >> 11n) & 31n).toBe(4n);
    expect(read(m, 'pmcntenset_el0')).toBe(0xfn);
    write(m, 'pmevcntr4_el0', 5);
    expect(m.cpu.register('PMEVCNTR4_EL0')).toBe(0n);
    m.cpu.setRegister('PMEVCNTR4_EL0', 9n);
    write(m, 'pmcr_el0', P);
    expect(m.cpu.register('PMEVCNTR4_EL0')).toBe(9n);
    m.enter(2);
    expect((read(m, 'pmcr_el0') >> 11n) & 31n).toBe(6n);
    expect(read(m, 'pmevcntr4_el0')).toBe(9n);
  });

  test('HPME enables them, whatever PMCR_EL0.E says', () => {
    const m = shared(true);
    const before = m.cpu.register('PMEVCNTR4_EL0');
    m.run('nop');
    m.cpu.settle();
    expect(m.cpu.register('PMEVCNTR4_EL0')).toBe(before + 1n);
    const off = shared();
    write(off, 'pmcr_el0', E);
    off.run('nop');
    off.cpu.settle();
    expect(off.cpu.register('PMEVCNTR4_EL0')).toBe(0n);
  });
});

describe('PMUSERENR_EL0', () => {
  const EN = 1;
  const SW = 2;
  const CR = 4;
  const ER = 8;
  test.each([
    ['mrs x0, pmcr_el0', [EN]],
    ['msr pmcntenset_el0, x0', [EN]],
    ['mrs x0, pmovsclr_el0', [EN]],
    ['mrs x0, pmceid0_el0', [EN]],
    ['msr pmswinc_el0, x0', [EN, SW]],
    ['mrs x0, pmccntr_el0', [EN, CR]],
    ['msr pmccntr_el0, x0', [EN]],
    ['mrs x0, pmselr_el0', [EN, ER]],
    ['msr pmselr_el0, x0', [EN, ER]],
    ['mrs x0, pmxevcntr_el0', [EN, ER]],
    ['msr pmxevcntr_el0, x0', [EN]],
    ['mrs x0, pmevcntr0_el0', [EN, ER]],
    ['msr pmevcntr0_el0, x0', [EN]],
    ['mrs x0, pmevtyper0_el0', [EN]],
    ['mrs x0, pmxevtyper_el0', [EN]],
    ['mrs x0, pmccfiltr_el0', [EN]],
    ['mrs x0, pmuserenr_el0', [0, EN, SW, CR, ER]],
  ])('lets EL0 execute %s', (instruction, allowing) => {
    for (const bit of [0, EN, SW, CR, ER]) {
      const m = machine();
      m.cpu.setRegister('PMUSERENR_EL0', BigInt(bit));
      m.enter(0);
      m.run(instruction);
      expect(m.exceptionClass(), `with ${String(bit)}`).toBe(allowing.includes(bit) ? 0 : TRAPPED);
    }
  });

  test("is not EL0's to write, and PMINTENSET_EL1 not at all", () => {
    for (const instruction of ['msr pmuserenr_el0, x0', 'mrs x0, pmintenset_el1']) {
      const m = machine();
      m.cpu.setRegister('PMUSERENR_EL0', 15n);
      m.enter(0);
      m.run(instruction);
      expect(m.cpu.register('ESR_EL1')).toBe(0x200_0000n);
    }
  });

  test('traps to EL1 come before those of MDCR_EL2.TPM', () => {
    const m = machine({ el2: true });
    m.cpu.setRegister('MDCR_EL2', 0x46n);
    m.enter(0);
    m.run('mrs x0, pmcr_el0');
    expect([m.exceptionClass(1), m.exceptionClass(2)]).toEqual([TRAPPED, 0]);
    expect(m.cpu.register('ELR_EL1')).toBe(BigInt(USER));
  });
});

describe('traps', () => {
  test.each([
    ['mrs x0, pmcntenset_el0', 0x40n, 2],
    ['mrs x0, pmevcntr0_el0', 0x40n, 2],
    ['mrs x0, pmuserenr_el0', 0x40n, 2],
    ['mrs x0, pmintenset_el1', 0x40n, 2],
    ['mrs x0, pmcr_el0', 0x40n, 2],
    ['mrs x0, pmcr_el0', 0x20n, 2],
    ['mrs x0, pmcntenset_el0', 0x40n, 3],
    ['mrs x0, pmcr_el0', 0x40n, 3],
  ])('%s by %i in MDCR_EL%i', (instruction, bit, el) => {
    const m = machine({ el2: el === 2, el3: el === 3 });
    m.cpu.setRegister(`MDCR_EL${String(el)}`, bit);
    m.run(instruction);
    expect(m.exceptionClass(el)).toBe(TRAPPED);
  });
  test('MDCR_EL2.TPMCR traps PMCR_EL0 alone', () => {
    const m = machine({ el2: true });
    m.cpu.setRegister('MDCR_EL2', 0x26n);
    m.run('mrs x0, pmcntenset_el0');
    expect(m.exceptionClass(2)).toBe(0);
  });
});
