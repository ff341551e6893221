// The Cryptographic Extension: published vectors through the instructions that compute them, and a CPU without it (DDI 0487 A2.3).

import { describe, expect, test } from 'vitest';

import { Layout } from '../../src/cpu/layout.ts';
import { machine } from './machine.ts';
import type { Machine } from './machine.ts';

const UNKNOWN = 0x00;
const FP_ACCESS = 0x07;

/** A register from its bytes in the order of memory. */
function setV(m: Machine, n: number, bytes: string): void {
  const at = Layout.v + 16 * n;
  m.cpu.state.bytes.set(
    (bytes.match(/../g) ?? []).map((b) => Number.parseInt(b, 16)),
    at,
  );
}
function v(m: Machine, n: number): string {
  const at = Layout.v + 16 * n;
  return [...m.cpu.state.bytes.subarray(at, at + 16)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

describe('AES', () => {
  // FIPS 197, Appendix B: the state at the start of round 1 before the key is added, the key, and after each step.
  const input = '3243f6a8885a308d313198a2e0370734';
  const key = '2b7e151628aed2a6abf7158809cf4f3c';
  const shifted = 'd4bf5d30e0b452aeb84111f11e2798e5';
  const mixed = '046681e5e0cb199a48f8d37a2806264c';

  test('AESE adds the key, substitutes and shifts rows', () => {
    const m = machine();
    setV(m, 0, input);
    setV(m, 1, key);
    m.run('aese v0.16b, v1.16b');
    expect(v(m, 0)).toBe(shifted);
  });

  test('AESMC mixes columns', () => {
    const m = machine();
    setV(m, 1, shifted);
    m.run('aesmc v0.16b, v1.16b');
    expect(v(m, 0)).toBe(mixed);
  });

  test('AESD and AESIMC undo it', () => {
    const m = machine();
    setV(m, 0, mixed);
    setV(m, 1, '00'.repeat(16));
    m.run('aesimc v0.16b, v0.16b');
    expect(v(m, 0)).toBe(shifted);
    m.run('aesd v0.16b, v1.16b');
    setV(m, 1, key);
    m.run('eor v0.16b, v0.16b, v1.16b');
    expect(v(m, 0)).toBe(input);
  });
});

test('PMULL multiplies without carries', () => {
  const m = machine();
  // (x^63 + 1)^2 is x^126 + 1; 3 times 5 is 15.
  setV(m, 0, '01000000000000800300000000000000');
  setV(m, 1, '01000000000000800500000000000000');
  m.run('pmull v2.1q, v0.1d, v1.1d', 'pmull2 v3.1q, v0.2d, v1.2d');
  expect(v(m, 2)).toBe('01000000000000000000000000000040');
  expect(v(m, 3)).toBe('0f000000000000000000000000000000');
});

test('SHA1H rotates', () => {
  const m = machine();
  setV(m, 0, '04000000ffffffffffffffffffffffff');
  m.run('sha1h s0, s0');
  expect(v(m, 0)).toBe('01000000000000000000000000000000');
});

/** One block of "abc", padded (FIPS 180-4 5.1.1), as words of a little-endian register file. */
const ABC = [0x61626380, ...Array.from({ length: 14 }, () => 0), 24];
const words = (list: readonly number[]): string =>
  list
    .map((w) => [0, 8, 16, 24].map((s) => ((w >>> s) & 255).toString(16).padStart(2, '0')).join(''))
    .join('');

test('SHA-1 of "abc"', () => {
  const m = machine();
  [0, 1, 2, 3].forEach((i) => {
    setV(m, 4 + i, words(ABC.slice(4 * i, 4 * i + 4)));
  });
  const start = words([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  setV(m, 0, start);
  setV(m, 1, words([0xc3d2e1f0, 0, 0, 0]));
  const kinds = ['c', 'p', 'm', 'p'];
  const constants = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];
  for (let i = 0; i < 20; i++) {
    const [w0, w1, w2, w3] = [0, 1, 2, 3].map((k) => 4 + ((i + k) & 3)) as [number, number, number, number];
    setV(m, 2, words(Array.from({ length: 4 }, () => constants[Math.floor(i / 5)] ?? 0)));
    m.run(
      `add v2.4s, v2.4s, v${w0}.4s`,
      'sha1h s3, s0',
      `sha1${kinds[Math.floor(i / 5)] ?? ''} q0, s1, v2.4s`,
      'mov v1.16b, v3.16b',
      `sha1su0 v${w0}.4s, v${w1}.4s, v${w2}.4s`,
      `sha1su1 v${w0}.4s, v${w3}.4s`,
    );
  }
  setV(m, 2, start);
  m.run('add v0.4s, v0.4s, v2.4s');
  expect(v(m, 0)).toBe(words([0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c]));
});

describe('a CPU without the extension', () => {
  const instructions = [
    'aese v0.16b, v1.16b',
    'pmull v0.1q, v1.1d, v2.1d',
    'sha1h s0, s1',
    'sha256h q0, q1, v2.4s',
  ];

  test.each(instructions)('%s is UNDEFINED', (text) => {
    const m = machine({ crypto: false });
    m.run(text);
    expect(m.exceptionClass()).toBe(UNKNOWN);
    expect(m.cpu.counters.exceptions).toBe(1);
  });

  test('which comes before the trap of the FP registers', () => {
    for (const [crypto, ec] of [
      [false, UNKNOWN],
      [true, FP_ACCESS],
    ] as const) {
      const m = machine({ crypto });
      m.cpu.setRegister('CPACR_EL1', 0n);
      m.cpu.contextChanged();
      m.run('aese v0.16b, v1.16b');
      expect(m.exceptionClass()).toBe(ec);
    }
  });

  test('has PMULL of bytes', () => {
    const m = machine({ crypto: false });
    setV(m, 0, '03'.repeat(16));
    setV(m, 1, '05'.repeat(16));
    m.run('pmull v2.8h, v0.8b, v1.8b');
    expect(v(m, 2)).toBe('0f00'.repeat(8));
  });
});
