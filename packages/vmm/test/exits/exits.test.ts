// Exits from syndromes, and exceptions for the guest as hardware takes them.

import { describe, expect, it } from 'vitest';

import {
  decodeExit,
  injectAbort,
  injectSynchronous,
  injectUndefined,
  skipInstruction,
} from '../../src/exits/index.ts';
import type { Exit } from '../../src/exits/index.ts';
import { systemOperation } from '../../src/names.ts';
import { FakePort } from '../fake-port.ts';

const IL = 1 << 25;
const esr = (ec: number, iss = 0): number => ((ec << 26) | IL | iss) >>> 0;

function exitOf(
  syndrome: number,
  more: Readonly<Record<string, bigint>> = {},
  port = new FakePort(),
): { exit: Exit; port: FakePort } {
  port.put('ESR_EL2', syndrome);
  for (const [name, value] of Object.entries(more)) port.put(name, value);
  return { exit: decodeExit(port, { kind: 'synchronous', from: 'lower-a64' }), port };
}

describe('an exit', () => {
  it('has a kind for every class of a 64-bit guest, and says others by number', () => {
    const kinds = Array.from({ length: 64 }, (_, ec) => exitOf(esr(ec)).exit)
      .map((e) => (e.kind === 'unknown' ? `unknown ${e.ec}` : e.kind))
      .flatMap((kind, ec) => (kind === `unknown ${ec}` ? [] : [`${ec.toString(16)} ${kind}`]));
    expect(kinds.join(', ')).toBe(
      '0 undefined, 1 wfx, 7 fp, e illegal-state, 15 svc, 16 hvc, 17 smc, 18 system-register, 19 sve, 1a eret, ' +
        '20 instruction-abort, 21 host-fault, 22 pc-alignment, 24 data-abort, 25 host-fault, 26 sp-alignment, ' +
        '2c fp-exception, 2f serror, 30 breakpoint, 32 software-step, 34 watchpoint, 3c brk',
    );
    const port = new FakePort();
    expect(decodeExit(port, { kind: 'irq', from: 'lower-a64' })).toEqual({ kind: 'irq', esr: 0 });
    expect(port.done).toEqual([]);
  });

  it('has immediates, the event bit, and the trapped register', () => {
    expect(exitOf(esr(0x16, 0x1234)).exit).toMatchObject({ kind: 'hvc', immediate: 0x1234 });
    expect(exitOf(esr(1, 1)).exit).toMatchObject({ kind: 'wfx', event: true });
    // MSR SCTLR_EL1, X3: op0 3, op1 0, CRn 1, CRm 0, op2 0
    expect(exitOf(esr(0x18, (3 << 20) | (1 << 10) | (3 << 5))).exit).toMatchObject({
      kind: 'system-register',
      name: 'SCTLR_EL1',
      register: 3,
      write: true,
    });
    // MRS X31, ID_AA64PFR0_EL1: CRn 0, CRm 4
    expect(exitOf(esr(0x18, (3 << 20) | (31 << 5) | (4 << 1) | 1)).exit).toMatchObject({
      name: 'ID_AA64PFR0_EL1',
      register: 31,
      write: false,
    });
    // DC CISW: op0 1, CRn 7, CRm 14, op2 2
    expect(exitOf(esr(0x18, (1 << 20) | (2 << 17) | (7 << 10) | (14 << 1))).exit).toMatchObject({
      name: undefined,
      id: (1 << 14) | (7 << 7) | (14 << 3) | 2,
    });
  });

  it('has a data abort with its IPA and the register of the access', () => {
    const iss = (1 << 24) | (2 << 22) | (1 << 21) | (17 << 16) | (1 << 15) | (1 << 14) | (1 << 6) | 0x07;
    const { exit } = exitOf(esr(0x24, iss), {
      FAR_EL2: 0xffff_8000_0900_0018n,
      HPFAR_EL2: 0x9_0000n,
    });
    expect(exit).toEqual({
      kind: 'data-abort',
      esr: esr(0x24, iss),
      va: { lo: 0x0900_0018, hi: 0xffff_8000 },
      ipa: 0x0900_0018,
      status: 7,
      fault: 'translation',
      level: 3,
      s1ptw: false,
      write: true,
      maintenance: false,
      access: { size: 4, signed: true, register: 17, wide: true, ordered: true },
    });
    expect(exitOf(esr(0x24, 0x07)).exit).toMatchObject({ access: undefined, write: false });
    expect(exitOf(esr(0x24, 0x107)).exit).toMatchObject({ maintenance: true });
  });

  it('of a table walk has the table’s page', () => {
    const { exit } = exitOf(esr(0x24, 0x80 | 0x0f), { FAR_EL2: 0x1234n, HPFAR_EL2: 0x40_1230n });
    expect(exit).toMatchObject({ s1ptw: true, fault: 'permission', ipa: 0x4012_3000 });
  });

  it('of a permission fault asks the guest’s stage 1, and leaves PAR_EL1 alone', () => {
    const port = new FakePort();
    port.put('PAR_EL1', 0x55n);
    port.onOperate = (operation, value) => {
      if (operation !== systemOperation('AT S1E1R')) return;
      port.put('PAR_EL1', value === 0xffff_0000_0000_1abcn ? 0xff00_0040_0000_7980n : 1n);
    };
    const { exit } = exitOf(esr(0x24, 0x4f), { FAR_EL2: 0xffff_0000_0000_1abcn, HPFAR_EL2: 0x666n }, port);
    expect(exit).toMatchObject({ fault: 'permission', ipa: 0x40_0000_7abc });
    expect(port.get('PAR_EL1')).toBe(0x55n);
    const other = exitOf(esr(0x24, 0x4f), { FAR_EL2: 0x999n }, port).exit;
    expect(other).toMatchObject({ ipa: -1 });
  });

  it('of an instruction fetch, and of an alignment fault without an IPA', () => {
    expect(exitOf(esr(0x20, 0x05), { FAR_EL2: 0x2004n, HPFAR_EL2: 0x40_0020n }).exit).toMatchObject({
      kind: 'instruction-abort',
      ipa: 0x4000_2004,
      level: 1,
    });
    expect(exitOf(esr(0x24, 0x21)).exit).toMatchObject({ fault: 'alignment', ipa: -1 });
    expect(exitOf(esr(0x24, 0x10)).exit).toMatchObject({ fault: 'external', ipa: -1 });
  });
});

describe('going on', () => {
  it('is behind the instruction, carries into the upper half, and ends a step', () => {
    const port = new FakePort();
    port.put('ELR_EL2', 0x1_ffff_fffcn);
    port.put('SPSR_EL2', 0x20_0005n);
    skipInstruction(port);
    expect(port.get('ELR_EL2')).toBe(0x2_0000_0000n);
    expect(port.get('SPSR_EL2')).toBe(5n);
  });
});

describe('an exception for the guest', () => {
  const guest = (spsr: bigint): FakePort => {
    const port = new FakePort();
    port.put('SPSR_EL2', spsr);
    port.put('ELR_EL2', 0xffff_0000_0008_1234n);
    port.put('VBAR_EL1', 0xffff_0000_0010_0800n);
    return port;
  };

  it.each([
    ['EL0', 0x6000_0000n, 0x400n, 0x24n],
    ['EL1t', 0x6000_0004n, 0x000n, 0x25n],
    ['EL1h', 0x6000_0005n, 0x200n, 0x25n],
  ])('from %s', (_name, spsr, offset, ec) => {
    const port = guest(spsr);
    injectAbort(port, { va: { lo: 0x18, hi: 0xffff }, write: true });
    expect(port.get('ELR_EL1')).toBe(0xffff_0000_0008_1234n);
    expect(port.get('SPSR_EL1')).toBe(spsr);
    expect(port.get('FAR_EL1')).toBe(0xffff_0000_0018n);
    expect(port.get('ESR_EL1')).toBe((ec << 26n) | BigInt(IL) | 0x50n);
    expect(port.get('ELR_EL2')).toBe(0xffff_0000_0010_0800n + offset);
    // Flags stay, all is masked, EL1h.
    expect(port.get('SPSR_EL2')).toBe(0x6000_03c5n);
  });

  it('of an instruction fetch, an UNDEFINED instruction, a call', () => {
    const port = guest(0n);
    injectAbort(port, { va: { lo: 0, hi: 0 }, instruction: true });
    expect(port.get('ESR_EL1') >> 26n).toBe(0x20n);
    injectUndefined(guest(5n));
    const other = guest(5n);
    injectUndefined(other);
    expect(other.get('ESR_EL1')).toBe(BigInt(IL));
    expect(other.written('FAR_EL1')).toEqual([]);
    injectSynchronous(other, 0x15, 7);
    expect(other.get('ESR_EL1')).toBe((0x15n << 26n) | BigInt(IL) | 7n);
  });

  it('sets PAN where the CPU has it and SPAN is clear, and keeps it else', () => {
    const pan = 1n << 22n;
    const enter = (mmfr1: bigint, sctlr: bigint, spsr: bigint): bigint => {
      const port = guest(spsr);
      port.put('ID_AA64MMFR1_EL1', mmfr1);
      port.put('SCTLR_EL1', sctlr);
      injectUndefined(port);
      return port.get('SPSR_EL2') & pan;
    };
    expect(enter(0n, 0n, 5n)).toBe(0n);
    expect(enter(1n << 20n, 0n, 5n)).toBe(pan);
    expect(enter(1n << 20n, 1n << 23n, 5n)).toBe(0n);
    expect(enter(1n << 20n, 1n << 23n, 5n | pan)).toBe(pan);
  });
});
